/* SPDX-License-Identifier: Apache-2.0 */
#include "ptrace_probe.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "clock.h"
#include "stop_wait.h"

namespace tb_ptrace
{

namespace
{

constexpr uint64_t deadline_ns = 2'000'000'000;
constexpr long look_ns = 200'000;

constexpr const char *yama_mend =
	"run as root (sudo), set kernel.yama.ptrace_scope to 0 or 1, or, in a container, add "
	"--cap-add=SYS_PTRACE";

/*
 * Only async-signal-safe calls from here on: the process that forked may have threads. It waits until the pipe is
 * written to or closed, so it never makes the filtered call without a tracer.
 */
[[noreturn]] void child(int gate, bool seccomp)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(gate, &byte, 1) != 1)
		_exit(0);
	if (seccomp) {
		struct sock_filter code[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};

		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
			_exit(errno);
	}
	for (;;) {
		struct timespec pause = {0, 1'000'000};

		syscall(SYS_getppid);
		nanosleep(&pause, nullptr);
	}
}

/* The child and its gate; killed and reaped, whatever the probe found. */
class guinea_pig
{
public:
	guinea_pig(const guinea_pig &) = delete;
	guinea_pig &operator=(const guinea_pig &) = delete;
	explicit guinea_pig(bool seccomp)
	{
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) != 0)
			return;
		pid = fork();
		if (pid == 0) {
			close(ends[1]);
			child(ends[0], seccomp);
		}

		int code = errno;

		close(ends[0]);
		gate_ = ends[1];
		errno = code;
	}
	~guinea_pig()
	{
		if (gate_ >= 0)
			close(gate_);
		if (pid <= 0 || reaped)
			return;
		kill(pid, SIGKILL);
		while (waitpid(pid, nullptr, __WALL) < 0 && errno == EINTR)
			;
	}

	bool open_gate() { return write(gate_, "", 1) == 1; }

	/* 1 with a wait status, 0 when none came in time, or -errno. Looks instead of sleeping: no signal is ours here. */
	int wait(int *status)
	{
		const uint64_t end = tb_monotonic_ns() + deadline_ns;

		for (;;) {
			pid_t got = waitpid(pid, status, __WALL | WNOHANG);

			if (got < 0 && errno != EINTR)
				return -errno;
			if (got > 0) {
				reaped = !WIFSTOPPED(*status);
				return 1;
			}
			if (tb_monotonic_ns() >= end)
				return 0;

			struct timespec pause = {0, look_ns};

			nanosleep(&pause, nullptr);
		}
	}

	pid_t pid = -1;
	bool reaped = false;

private:
	int gate_ = -1;
};

int refused(struct tb_error *err, const char *what, int code)
{
	tb_error__set(err, -code, "%s: %s", what, strerror(code));
	if (code == EPERM || code == EACCES)
		tb_error__mend(err, "%s", yama_mend);
	else if (code == ENOSYS)
		tb_error__mend(err, "the container's seccomp profile hides it: add --cap-add=SYS_PTRACE");
	else if (code == EIO || code == EINVAL)
		tb_error__mend(err, "Linux 5.3 or later is needed");
	return 0;
}

int filter_refused(struct tb_error *err, int code)
{
	tb_error__set(err, -code, "installing a seccomp filter without NO_NEW_PRIVS: %s%s", strerror(code),
		      code == EACCES ? " (CAP_SYS_ADMIN is missing; NO_NEW_PRIVS would disable set-uid)"
				     : "");
	tb_error__mend(err,
		       code == EACCES
			       ? "run as root (sudo), or use the default variant of ptrace"
			       : "a kernel with CONFIG_SECCOMP_FILTER, or the default variant of ptrace");
	return 0;
}

} /* namespace */

int probe(const struct tb_source_config *config, struct tb_error *err)
{
	const bool seccomp = strcmp(config->variant, "seccomp") == 0;
	unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
	guinea_pig pig(seccomp);

	if (pig.pid < 0) {
		int code = errno;

		return tb_error__set(err, -code, "a child to try ptrace on could not be started: %s",
				     strerror(code));
	}
	if (seccomp)
		options |= PTRACE_O_TRACESECCOMP;
	if (ptrace(PTRACE_SEIZE, pig.pid, nullptr, options) != 0)
		return refused(err, "PTRACE_SEIZE of an own child", errno);
	if (!seccomp && ptrace(PTRACE_INTERRUPT, pig.pid, nullptr, nullptr) != 0)
		return refused(err, "PTRACE_INTERRUPT", errno);
	if (!pig.open_gate())
		return tb_error__set(err, -EPIPE, "the child to try ptrace on is gone");

	/* An entry, told by the filter or by stepping, and then the return of that call. */
	for (bool entered = false;;) {
		int status;
		int got = pig.wait(&status);

		if (got <= 0)
			return tb_error__set(err, got ? got : -ETIMEDOUT,
					     "a traced child did not stop within 2 s");
		if (WIFEXITED(status))
			return filter_refused(err, WEXITSTATUS(status));
		if (!WIFSTOPPED(status))
			return tb_error__set(err, -EIO, "the child to try ptrace on was killed");

		const bool at_call =
			WSTOPSIG(status) == (SIGTRAP | 0x80) || status >> 16 == PTRACE_EVENT_SECCOMP;

		if (at_call) {
			struct call call;

			switch (read_call_stop(pig.pid, &call)) {
			case call_stop::entry:
			case call_stop::seccomp:
				entered = true;
				break;
			case call_stop::exit:
				if (entered)
					return 1;
				break;
			case call_stop::failed:
				return refused(err, "PTRACE_GET_SYSCALL_INFO", errno);
			case call_stop::stale:
			case call_stop::gone:
				return tb_error__set(err, -EIO, "a call stop could not be read");
			}
		}
		if (ptrace(seccomp && !entered ? PTRACE_CONT : PTRACE_SYSCALL, pig.pid, nullptr, nullptr) !=
		    0)
			return refused(err, "restarting a traced child", errno);
	}
}

} /* namespace tb_ptrace */
