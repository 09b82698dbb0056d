/* SPDX-License-Identifier: Apache-2.0 */
/* The few calls this source must know, in every table a target of this kernel can call by. */
#ifndef TRACEBENCH_SECCOMP_NOTIFY_CALL_CLASS_H
#define TRACEBENCH_SECCOMP_NOTIFY_CALL_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "record.h"

#if defined(__aarch64__)
#define NOTIFY_NATIVE_ARCH TB_ARCH_AARCH64
#else
#define NOTIFY_NATIVE_ARCH TB_ARCH_X86_64
#endif

enum notify_call_class {
	NOTIFY_CALL_OTHER = 0,
	NOTIFY_CALL_FORK,    /* a new task, so a number that may have been another's */
	NOTIFY_CALL_EXEC,    /* the first one makes the target */
	NOTIFY_CALL_EXIT,    /* never returns */
	NOTIFY_CALL_RESTART, /* restart_syscall: a sleep taken up again after a stop */
	NOTIFY_CALL_SIGRETURN, /* a signal that ends one at its notification would crash the program: never notified */
};

struct notify_call {
	uint32_t arch;
	int32_t nr;
	enum notify_call_class kind;
};

extern const struct notify_call notify_calls[];
extern const size_t notify_calls_count;

enum notify_call_class notify_call__class(uint32_t arch, int32_t nr);

#endif
