/* SPDX-License-Identifier: Apache-2.0 */
#include "foothold.h"

#include <errno.h>
#include <string.h>

#if defined(__x86_64__)

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define NS_PER_S                1000000000ull
#define DEADLINE_NS             (2 * NS_PER_S)
#define LOOK_NS                 100000ull
#define SYSCALL_BYTES           2 /* of the instruction `syscall`; the counter stands behind it */
#define CALL_STOP               (SIGTRAP | 0x80)
#define PTRACE_EVENT_OF(status) ((status) >> 16)

static int failed(struct tb_error *err, const struct notify_foothold *f, const char *what, int code)
{
	if (code == ESRCH)
		return tb_error__set(err, -ESRCH, "process %d is gone: %s", f->pid, what);
	tb_error__set(err, -code, "process %d, %s: %s", f->pid, what, strerror(code));
	if (code == EPERM || code == EACCES)
		tb_error__mend(err,
			       "run as root, e.g. with sudo; nothing else may trace the target by ptrace");
	return -code;
}

/* Between two looks: a task under the new filter waits for an answer inside the very call we wait for. */
static int pause_or_answer(struct notify_foothold *f)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};
	int rc;

	if (f->listener->fd < 0) {
		nanosleep(&look, NULL);
		return 0;
	}
	rc = notify_listener__wait(f->listener, LOOK_NS);
	if (rc == NOTIFY_WAIT_WAITING)
		rc = notify_listener__take(f->listener) == 1 ? notify_listener__let_on(f->listener) : 0;
	return rc < 0 ? rc : 0;
}

/*
 * The next call stop, or with `trap` the stop that PTRACE_INTERRUPT asked for. Signals that come between go their way:
 * the task has default dispositions, so they kill it, stop it (and it is made to step on), or do nothing.
 */
static int next_stop(struct notify_foothold *f, bool trap, const char *what, struct tb_error *err)
{
	const uint64_t deadline = tb_monotonic_ns() + DEADLINE_NS;

	for (;;) {
		int status, rc, signal;
		pid_t got = waitpid(f->pid, &status, __WALL | WNOHANG);

		if (got < 0 && errno != EINTR)
			return failed(err, f, what, errno == ECHILD ? ESRCH : errno);
		if (got <= 0) {
			if (tb_monotonic_ns() > deadline)
				return failed(err, f, what, ETIMEDOUT);
			rc = pause_or_answer(f);
			if (rc)
				return failed(err, f, what, -rc);
			continue;
		}
		if (!WIFSTOPPED(status))
			return failed(err, f, what, ESRCH);
		if (WSTOPSIG(status) == CALL_STOP || (trap && PTRACE_EVENT_OF(status) == PTRACE_EVENT_STOP))
			return 0;
		signal = PTRACE_EVENT_OF(status) ? 0 : WSTOPSIG(status);
		if (ptrace(PTRACE_SYSCALL, f->pid, NULL, (long)signal))
			return failed(err, f, what, errno);
	}
}

static int step(struct notify_foothold *f, uint8_t op, const char *what, struct tb_error *err)
{
	struct __ptrace_syscall_info info = {0};
	int rc;

	if (ptrace(PTRACE_SYSCALL, f->pid, NULL, NULL))
		return failed(err, f, what, errno);
	rc = next_stop(f, false, what, err);
	if (rc)
		return rc;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, f->pid, sizeof(info), &info) < 0)
		return failed(err, f, what, errno);
	return info.op == op ? 0 : failed(err, f, what, EPROTO);
}

/* Detaching needs a stopped task: one that did not stop in time is killed, because half of ours is on it. */
static void abandon(struct notify_foothold *f)
{
	if (ptrace(PTRACE_DETACH, f->pid, NULL, NULL))
		kill(f->pid, SIGKILL);
}

int notify_foothold__take(struct notify_foothold *f, pid_t pid, struct notify_listener *listener,
			  struct tb_error *err)
{
	int rc;

	*f = (struct notify_foothold){.pid = pid, .listener = listener, .at_entry = true};
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		return failed(err, f, "PTRACE_SEIZE", errno);
	rc = ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) ? failed(err, f, "PTRACE_INTERRUPT", errno) : 0;
	if (!rc)
		rc = next_stop(f, true, "stopping it", err);
	/* It waits at its gate in a call, which is made anew: its entry is the next stop. */
	if (!rc)
		rc = step(f, PTRACE_SYSCALL_INFO_ENTRY, "stepping to its next call", err);
	if (!rc && ptrace(PTRACE_GETREGS, pid, NULL, &f->entry))
		rc = failed(err, f, "PTRACE_GETREGS", errno);
	if (rc && rc != -ESRCH)
		abandon(f);
	return rc;
}

int notify_foothold__call(struct notify_foothold *f, long nr, const uint64_t args[6], int64_t *result,
			  struct tb_error *err)
{
	static const char what[] = "a system call on our behalf";
	struct user_regs_struct regs = f->entry;
	int rc;

	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	if (f->at_entry) {
		regs.orig_rax = (unsigned long long)nr; /* instead of the one it was entering */
	} else {
		regs.rip -= SYSCALL_BYTES;
		regs.rax = (unsigned long long)nr;
		regs.orig_rax = -1ull; /* no call to be restarted */
	}
	if (ptrace(PTRACE_SETREGS, f->pid, NULL, &regs))
		return failed(err, f, "PTRACE_SETREGS", errno);
	rc = f->at_entry ? 0 : step(f, PTRACE_SYSCALL_INFO_ENTRY, what, err);
	f->at_entry = false;
	if (!rc)
		rc = step(f, PTRACE_SYSCALL_INFO_EXIT, what, err);
	if (!rc && ptrace(PTRACE_GETREGS, f->pid, NULL, &regs))
		rc = failed(err, f, "PTRACE_GETREGS", errno);
	*result = (int64_t)regs.rax;
	return rc;
}

int notify_foothold__write(struct notify_foothold *f, uint64_t address, const void *bytes, size_t count,
			   struct tb_error *err)
{
	for (size_t at = 0; at < count; at += sizeof(uint64_t)) {
		uint64_t word = 0;

		memcpy(&word, (const char *)bytes + at,
		       count - at < sizeof(word) ? count - at : sizeof(word));
		if (ptrace(PTRACE_POKEDATA, f->pid, address + at, word))
			return failed(err, f, "PTRACE_POKEDATA", errno);
	}
	return 0;
}

/* The restart is ours: the kernel makes it on its way to a signal only, and there is none. */
int notify_foothold__release(struct notify_foothold *f, struct tb_error *err)
{
	struct user_regs_struct regs = f->entry;
	int rc = 0;

	if (!f->at_entry) {
		regs.rip -= SYSCALL_BYTES;
		regs.rax = regs.orig_rax;
		regs.orig_rax = -1ull;
		if (ptrace(PTRACE_SETREGS, f->pid, NULL, &regs))
			rc = failed(err, f, "PTRACE_SETREGS", errno);
	}
	if (rc)
		abandon(f);
	else if (ptrace(PTRACE_DETACH, f->pid, NULL, NULL))
		rc = failed(err, f, "PTRACE_DETACH", errno);
	return rc;
}

#else

static int unknown(struct tb_error *err)
{
	return tb_error__set(err, -EOPNOTSUPP, "a filter is put on a waiting process on x86-64 only so far");
}

int notify_foothold__take(struct notify_foothold *f, pid_t pid, struct notify_listener *listener,
			  struct tb_error *err)
{
	*f = (struct notify_foothold){.pid = pid, .listener = listener};
	return unknown(err);
}

int notify_foothold__call(struct notify_foothold *f, long nr, const uint64_t args[6], int64_t *result,
			  struct tb_error *err)
{
	(void)f;
	(void)nr;
	(void)args;
	(void)result;
	return unknown(err);
}

int notify_foothold__write(struct notify_foothold *f, uint64_t address, const void *bytes, size_t count,
			   struct tb_error *err)
{
	(void)f;
	(void)address;
	(void)bytes;
	(void)count;
	return unknown(err);
}

int notify_foothold__release(struct notify_foothold *f, struct tb_error *err)
{
	(void)f;
	return unknown(err);
}

#endif
