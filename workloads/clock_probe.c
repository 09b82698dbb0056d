/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that reading CLOCK_MONOTONIC makes no system call here. With some clocksources (hpet, xen, a TSC that was
 * found unstable) the vDSO enters the kernel; every stamp would then put a call of its own into the trace.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

/*
 * In a child, because a filter cannot be taken off. A filter of its own and not strict mode: that one is refused when
 * the process runs under a filter already (containers, the launcher's). NO_NEW_PRIVS is the child's own affair.
 */
static int refuse_clock_call(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? errno : 0;
}

/* Answer of a way that this kernel does not have. */
#define NO_SUCH_WAY (-EOPNOTSUPP)

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF          0
#define PR_SYS_DISPATCH_ON           1
#endif

enum { SYSCALLS_ALLOWED = 0, SYSCALLS_BLOCKED = 1 };

static volatile char selector;
static volatile sig_atomic_t entered;

/* The return from here is a system call too. */
static void on_blocked_call(int number)
{
	(void)number;
	selector = SYSCALLS_ALLOWED;
	entered = 1;
}

/*
 * Syscall user dispatch (Linux 5.11, x86-64): every call of this thread becomes a SIGSYS while the selector says so.
 * Preferred to a filter, because tracing notices filters: a tracer that tells seccomp's refusals from calls has to
 * watch entries as soon as one is installed, and the workload would be measured in another mode than asked for.
 */
static int probe_by_user_dispatch(void)
{
	struct sigaction ours = {.sa_handler = on_blocked_call}, saved;
	struct timespec ts;
	int failed = 0;

	if (sigaction(SIGSYS, &ours, &saved))
		return -errno;
	selector = SYSCALLS_ALLOWED;
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector)) {
		sigaction(SIGSYS, &saved, NULL);
		return NO_SUCH_WAY;
	}
	for (int i = 0; i < 8 && !entered; i++) {
		selector = SYSCALLS_BLOCKED;
		failed |= clock_gettime(CLOCK_MONOTONIC, &ts);
		selector = SYSCALLS_ALLOWED;
	}
	prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
	sigaction(SIGSYS, &saved, NULL);
	return entered || failed;
}

static int probe_by_filter(void)
{
	struct timespec ts;
	int status, err;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		err = refuse_clock_call();
		if (err)
			_exit(err < 126 ? 2 + err : 127);
		for (int i = 0; i < 8; i++) {
			if (clock_gettime(CLOCK_MONOTONIC, &ts))
				_exit(1);
		}
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (!WIFEXITED(status))
		return -ECANCELED;
	if (WEXITSTATUS(status) >= 2)
		return -(WEXITSTATUS(status) - 2);
	return WEXITSTATUS(status);
}

int tb_clock__enters_kernel(void)
{
	int answer = probe_by_user_dispatch();

	return answer == NO_SUCH_WAY ? probe_by_filter() : answer;
}
