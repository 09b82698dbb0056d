/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calibrate.h"

/*
 * A child in which the system call fails: if the C function still works, the vDSO answered. A filter and not
 * SECCOMP_MODE_STRICT, which the kernel refuses to a process that already has a filter (every container's), and an errno
 * and not a kill, which would leave an audit record and a core.
 */
int clock_enters_kernel(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
	struct timespec ts;
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
			_exit(2);
		/* The filter works: otherwise the answer would always be "no". */
		if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == 0 || errno != EPERM)
			_exit(2);
		_exit(clock_gettime(CLOCK_MONOTONIC, &ts) ? 1 : 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		errno = ENOTSUP;
		die("a seccomp filter to see whether the clock enters the kernel");
	}
	return WEXITSTATUS(status);
}
