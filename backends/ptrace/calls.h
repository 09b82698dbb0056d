/* SPDX-License-Identifier: Apache-2.0 */
/* What a stopped task can tell of a call: PTRACE_GET_SYSCALL_INFO (5.3) at call stops, registers at a birth. */
#ifndef TRACEBENCH_PTRACE_CALLS_H
#define TRACEBENCH_PTRACE_CALLS_H

#include <cstdint>
#include <sys/types.h>

#include "paths.h"

namespace tb_ptrace
{

#if defined(__x86_64__)
constexpr uint32_t native_arch = TB_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t native_arch = TB_ARCH_AARCH64;
#else
#error "ptrace: x86-64 and arm64 only"
#endif

struct call {
	int32_t nr = -1;
	uint32_t arch = 0; /* AUDIT_ARCH_* */
	uint8_t args_valid = 0;
	int64_t ret = 0;
	uint64_t args[6] = {};
	struct tb_paths paths = {}; /* as they were at the entry; empty without detail `paths` */
};

enum class call_stop {
	gone,    /* the task was killed meanwhile; its death will be waited for */
	stale,   /* the task is in another stop by now; that one will be waited for */
	entry,   /* nr, arch and args are filled */
	seccomp, /* the same, told by the seccomp filter */
	exit,    /* ret is filled */
	failed,  /* errno says why */
};

/* Asks what the call stop of `tid` is; on an exit only `ret` of *call is touched. */
call_stop read_call_stop(pid_t tid, struct call *call);

/*
 * Fills *call from the registers of a task at its first stop, where it is about to return from the clone, fork, vfork
 * or clone3 that made it. False when the task is gone.
 */
bool read_birth(pid_t tid, struct call *call);

/* exit and exit_group: calls that do not return. */
bool never_returns(uint32_t arch, int32_t nr);

/* The thread group of a task of which nothing is known but its tid; 0 when it is gone or /proc does not show it. */
pid_t read_tgid(pid_t tid);

} /* namespace tb_ptrace */

#endif
