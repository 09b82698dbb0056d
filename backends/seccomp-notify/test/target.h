/* SPDX-License-Identifier: Apache-2.0 */
/* What test and target agree on: marked calls, and a page on TRUTH_FD in which the target says what happened to it. */
#ifndef TRACEBENCH_SECCOMP_NOTIFY_TEST_TARGET_H
#define TRACEBENCH_SECCOMP_NOTIFY_TEST_TARGET_H

#include <stdint.h>

#define MARK          0xc0de5ecc00000000ull /* first argument of a marked getppid; then its number, pid, tid */
#define TRUTH_FD      99
#define TASKS_AT_ONCE 8

struct truth {
	uint32_t ready; /* raised by the target */
	uint32_t go;    /* raised by the test */
	int64_t ret;
	uint64_t handled; /* signals */
	uint64_t refused; /* marked calls that returned something else than a pid */
	uint32_t process,
		reused; /* of `reuse`: a process, and the number of its thread, given to a process later */
	uint32_t retries;
};

#endif
