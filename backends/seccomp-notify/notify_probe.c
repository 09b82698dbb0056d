/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "call_class.h"
#include "clock.h"
#include "installation.h"
#include "listener.h"
#include "notify_filter.h"
#include "notify_probe.h"

#define NS_PER_S    1000000000ull
#define DEADLINE_NS (2 * NS_PER_S)
#define LOOK_NS     1000000ull
#define MARK        0x746273656363ull

/* Only async-signal-safe calls: the process that forked may have threads. */
__attribute__((noreturn)) static void child(int gate)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(gate, &byte, 1) == 1)
		syscall(SYS_getppid, MARK);
	_exit(0);
}

/* 1 when the marked call came and the child ended well, else as the slot returns. */
static int watch(struct notify_listener *listener, pid_t pid, bool *reaped, struct tb_error *err)
{
	const uint64_t deadline = tb_monotonic_ns() + DEADLINE_NS;
	bool seen = false;
	int status, rc;

	while (tb_monotonic_ns() < deadline) {
		pid_t got = waitpid(pid, &status, __WALL | WNOHANG);

		if (got < 0 && errno != EINTR)
			return tb_error__set(err, -errno, "waiting for the child to try it on: %s",
					     strerror(errno));
		if (got > 0) {
			*reaped = true;
			if (seen && WIFEXITED(status) && WEXITSTATUS(status) == 0)
				return 1;
			return tb_error__set(err, -EIO,
					     "the child to try it on ended with wait status 0x%x%s", status,
					     seen ? "" : ", its call was not notified");
		}
		rc = notify_listener__wait(listener, LOOK_NS);
		if (rc == NOTIFY_WAIT_WAITING)
			rc = notify_listener__take(listener);
		else if (rc >= 0)
			continue;
		if (rc == 1) {
			const struct seccomp_data *data = &listener->notif->data;

			seen |= data->nr == SYS_getppid && data->arch == NOTIFY_NATIVE_ARCH &&
				data->args[0] == MARK && listener->notif->pid == (uint32_t)pid;
			rc = notify_listener__let_on(listener);
		}
		if (rc < 0)
			return tb_error__set(err, rc, "answering a notification: %s", strerror(-rc));
	}
	return tb_error__set(err, -ETIMEDOUT, "a child under the filter did not end within 2 s");
}

/* Short of what another moment may have, or of time: no answer about the machine. */
static int answer(int rc)
{
	static const int passing[] = {ENOMEM, EMFILE, ENFILE, EAGAIN, EINTR, ETIMEDOUT, EIO};

	for (unsigned i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (rc == -passing[i])
			return rc;
	return rc < 0 ? 0 : rc;
}

static int try_on(struct notify_listener *listener, struct tb_error *err)
{
	struct tb_filter everything = {0};
	struct sock_filter code[NOTIFY_FILTER_MAX];
	struct notify_installation installation = {.pidfd = -1};
	bool reaped = false;
	int gate[2], rc;
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC))
		return tb_error__set(err, -errno, "no pipe to a child to try it on: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(gate[1]);
		child(gate[0]);
	}
	if (pid < 0) {
		rc = tb_error__set(err, -errno, "no child to try it on: %s", strerror(errno));
		close(gate[0]);
		close(gate[1]);
		return rc;
	}
	close(gate[0]);
	rc = notify_installation__make(&installation, pid, code, notify_filter__build(&everything, code),
				       listener, err);
	if (!rc && write(gate[1], "", 1) != 1)
		rc = tb_error__set(err, -EIO, "the child to try it on is gone");
	if (!rc)
		rc = watch(listener, pid, &reaped, err);
	if (!reaped) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	close(gate[1]);
	if (installation.pidfd >= 0)
		close(installation.pidfd);
	return rc;
}

int notify_probe(struct tb_error *err)
{
	struct notify_listener listener;
	int rc = notify_listener__open(&listener);

	if (rc) {
		tb_error__set(err, rc, "the kernel knows no seccomp notifications: %s", strerror(-rc));
		tb_error__mend(err, "a kernel with CONFIG_SECCOMP_FILTER, Linux 5.6 or later");
		return answer(rc);
	}
	rc = try_on(&listener, err);
	notify_listener__close(&listener);
	return answer(rc);
}
