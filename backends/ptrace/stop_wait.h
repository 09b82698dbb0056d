/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for stops of tracees, bounded, at one system call a stop.
 *
 * The tracee is restarted and then waited for with a *blocking* wait4: on one CPU that is the very switch to the
 * tracee, and nothing cheaper exists. What bounds it is a POSIX timer of this thread (SIGEV_THREAD_ID) whose signal
 * has an empty handler without SA_RESTART. It expires at the deadline and then every millisecond until it is set
 * anew, so an expiry between the clock read and the wait delays the return by a millisecond instead of for ever.
 * While stops flow it never expires: it costs a timer_settime per drain call, not per stop.
 *
 * Process-wide state it changes while open: the disposition of SIGCHLD (SIG_DFL with SA_NOCLDSTOP: without it every
 * stop also sends a signal, 10–13 instead of 6.4–8.3 µs per stop) and of one unused real-time signal. Both are put
 * back by close.
 */
#ifndef TRACEBENCH_PTRACE_STOP_WAIT_H
#define TRACEBENCH_PTRACE_STOP_WAIT_H

#include <csignal>
#include <cstdint>
#include <ctime>
#include <sys/types.h>

#include "source.h"

namespace tb_ptrace
{

/* A wait status and when wait4 returned it. */
struct stop {
	pid_t tid;
	int status;
	uint64_t seen_ns; /* CLOCK_MONOTONIC */
};

/* Every member is called on the thread that called open. */
class stop_wait
{
public:
	stop_wait() = default;
	stop_wait(const stop_wait &) = delete;
	stop_wait &operator=(const stop_wait &) = delete;
	~stop_wait() { close(); }

	/* 0 or -errno; on failure nothing is changed. */
	int open(struct tb_error *err);
	void close();

	/* False when somebody in this process has set SIGCHLD since open (libuv does so for child_process). */
	bool sigchld_untouched() const;

	/* Sets the deadline of the waits that follow; CLOCK_MONOTONIC. 0 or -errno. */
	int bound(uint64_t deadline_ns, struct tb_error *err);
	/* No expiry from here on: the session's own system calls on this thread are not to be interrupted. */
	void unbound();

	/* The next stop or death of a tracee of this thread: 1; 0: none until the deadline; -ECHILD: no tracee left. */
	int next(struct stop *out);
	/* The same without waiting. */
	int poll(struct stop *out);

private:
	bool open_ = false;
	bool blocked_before_ = false;
	int signal_ = 0;
	uint64_t deadline_ns_ = 0;
	timer_t timer_{};
	struct sigaction sigchld_before_ = {};
	struct sigaction signal_before_ = {};
};

} /* namespace tb_ptrace */

#endif
