/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that reading CLOCK_MONOTONIC makes no system call here. With some clocksources (hpet, xen, a TSC that was
 * found unstable) the vDSO enters the kernel; every stamp would then put a call of its own into the trace.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
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

int tb_clock__enters_kernel(void)
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
