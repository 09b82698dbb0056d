/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_PTRACE_TEST_TARGETS_H
#define TRACEBENCH_PTRACE_TEST_TARGETS_H

#include <cstdint>

/*
 * What the target (targets.cc, a program of its own, so that only the tracer is built with sanitizers) and the test
 * agree on.
 */

/* getppid(MARK, MARK, n): the target's remarks in the trace. */
constexpr uint64_t MARK = 0x6d61726b6d61726bull;

/* Register i of call n in the target `words`. */
inline uint64_t word(uint64_t n, unsigned i)
{
	return (n + 1) * 0x9e3779b97f4a7c15ull ^ (i + 1) * 0xbf58476d1ce4e5b9ull;
}

#endif
