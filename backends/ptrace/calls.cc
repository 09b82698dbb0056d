/* SPDX-License-Identifier: Apache-2.0 */
#include "calls.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

namespace tb_ptrace
{

namespace
{

constexpr uint8_t all_args = 0x3f;

using syscall_info = struct __ptrace_syscall_info;

long get_syscall_info(pid_t tid, syscall_info *info)
{
	return ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(*info), info);
}

#if defined(__x86_64__)

/* The register set of a task in 32-bit mode. */
struct i386_regs {
	uint32_t bx, cx, dx, si, di, bp, ax, ds, es, fs, gs, orig_ax, ip, cs, flags, sp, ss;
};

union register_set {
	struct user_regs_struct native;
	struct i386_regs i386;
};

void decode(const union register_set *set, size_t size, struct call *call)
{
	const struct user_regs_struct &n = set->native;
	const struct i386_regs &c = set->i386;

	if (size == sizeof(c)) {
		const uint64_t args[] = {c.bx, c.cx, c.dx, c.si, c.di, c.bp};

		memcpy(call->args, args, sizeof(args));
		call->nr = static_cast<int32_t>(c.orig_ax);
		call->ret = static_cast<int32_t>(c.ax);
	} else if (call->arch == TB_ARCH_I386) { /* int 0x80 from 64-bit code */
		const uint64_t args[] = {n.rbx, n.rcx, n.rdx, n.rsi, n.rdi, n.rbp};

		memcpy(call->args, args, sizeof(args));
		call->nr = static_cast<int32_t>(n.orig_rax);
		call->ret = static_cast<int64_t>(n.rax);
	} else {
		const uint64_t args[] = {n.rdi, n.rsi, n.rdx, n.r10, n.r8, n.r9};

		memcpy(call->args, args, sizeof(args));
		call->nr = static_cast<int32_t>(n.orig_rax);
		call->ret = static_cast<int64_t>(n.rax);
	}
	call->args_valid = all_args;
}

#elif defined(__aarch64__)

struct arm_regs {
	uint32_t r[16], cpsr, orig_r0;
};

union register_set {
	struct user_pt_regs native;
	struct arm_regs arm;
};

/* The first argument's register holds the return value already. */
void decode(const union register_set *set, size_t size, struct call *call)
{
	if (size == sizeof(set->arm)) {
		for (int i = 1; i < 6; i++)
			call->args[i] = set->arm.r[i];
		call->nr = static_cast<int32_t>(set->arm.r[7]);
		call->ret = static_cast<int32_t>(set->arm.r[0]);
	} else {
		for (int i = 1; i < 6; i++)
			call->args[i] = set->native.regs[i];
		call->nr = static_cast<int32_t>(set->native.regs[8]);
		call->ret = static_cast<int64_t>(set->native.regs[0]);
	}
	call->args_valid = all_args & ~1;
}

#endif

} /* namespace */

call_stop read_call_stop(pid_t tid, struct call *call)
{
	syscall_info info;

	if (get_syscall_info(tid, &info) < 0)
		return errno == ESRCH ? call_stop::gone : call_stop::failed;

	switch (info.op) {
	case PTRACE_SYSCALL_INFO_EXIT:
		call->ret = info.exit.rval;
		return call_stop::exit;
	case PTRACE_SYSCALL_INFO_ENTRY:
		call->nr = static_cast<int32_t>(info.entry.nr);
		memcpy(call->args, info.entry.args, sizeof(call->args));
		break;
	case PTRACE_SYSCALL_INFO_SECCOMP:
		call->nr = static_cast<int32_t>(info.seccomp.nr);
		memcpy(call->args, info.seccomp.args, sizeof(call->args));
		break;
	default:
		return call_stop::stale;
	}
	call->arch = info.arch;
	call->args_valid = all_args;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY ? call_stop::entry : call_stop::seccomp;
}

bool read_birth(pid_t tid, struct call *call)
{
	syscall_info info;
	union register_set set = {};
	struct iovec view = {&set, sizeof(set)};

	/* At any stop the answer names the architecture of the call the task is in. */
	if (get_syscall_info(tid, &info) < 0)
		return false;
	call->arch = info.arch;
	if (ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &view) < 0)
		return false;
	decode(&set, view.iov_len, call);
	return true;
}

bool never_returns(uint32_t arch, int32_t nr)
{
	switch (arch) {
	case TB_ARCH_X86_64:
		return nr == 60 || nr == 231;
	case TB_ARCH_I386:
		return nr == 1 || nr == 252;
	case TB_ARCH_AARCH64:
		return nr == 93 || nr == 94;
	case TB_ARCH_ARM:
		return nr == 1 || nr == 248;
	default:
		return false;
	}
}

pid_t read_tgid(pid_t tid)
{
	char text[512];
	ssize_t size;
	int fd;

	/* One call answers for processes: signal 0 to thread tid of process tid. EPERM means that the pair exists. */
	if (syscall(SYS_tgkill, tid, tid, 0) == 0 || errno == EPERM)
		return tid;

	snprintf(text, sizeof(text), "/proc/%d/status", tid);
	fd = open(text, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0)
		return 0;
	text[size] = '\0';

	const char *line = strstr(text, "\nTgid:");
	pid_t tgid = 0;

	return line && sscanf(line, "\nTgid: %d", &tgid) == 1 ? tgid : 0;
}

} /* namespace tb_ptrace */
