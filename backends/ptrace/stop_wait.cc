/* SPDX-License-Identifier: Apache-2.0 */
#include "stop_wait.h"

#include <cerrno>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#ifndef sigev_notify_thread_id /* glibc before 2.37 */
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace tb_ptrace
{

namespace
{

constexpr uint64_t ns_per_s = 1'000'000'000;
constexpr long retry_ns = 1'000'000;

/* All tracees, threads and processes; __WNOTHREAD because other threads of this process have children of their own. */
constexpr int wait_flags = __WALL | __WNOTHREAD;

void on_expiry(int) {} /* exists to interrupt wait4 */

/* From the top down: the lower ones are what runtimes and libraries take. */
int unused_realtime_signal(struct sigaction *before)
{
	for (int sig = SIGRTMAX; sig >= SIGRTMIN; sig--) {
		if (sigaction(sig, nullptr, before) == 0 && !(before->sa_flags & SA_SIGINFO) &&
		    before->sa_handler == SIG_DFL)
			return sig;
	}
	return 0;
}

} /* namespace */

int stop_wait::open(struct tb_error *err)
{
	struct sigaction quiet = {}, handler = {};
	struct sigevent event = {};
	sigset_t one, before;

	signal_ = unused_realtime_signal(&signal_before_);
	if (!signal_)
		return tb_error__set(err, -EBUSY,
				     "every real-time signal of this process has a handler already");

	event.sigev_notify = SIGEV_THREAD_ID;
	event.sigev_signo = signal_;
	event.sigev_notify_thread_id = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) {
		int code = -errno;

		tb_error__set(err, code, "timer_create: %s", strerror(-code));
		tb_error__mend(err, "raise the limit of pending signals (ulimit -i)");
		return code;
	}

	handler.sa_handler = on_expiry;
	sigaction(signal_, &handler, nullptr);
	sigemptyset(&one);
	sigaddset(&one, signal_);
	pthread_sigmask(SIG_UNBLOCK, &one, &before);
	blocked_before_ = sigismember(&before, signal_) == 1;

	quiet.sa_handler = SIG_DFL;
	quiet.sa_flags = SA_NOCLDSTOP;
	sigaction(SIGCHLD, &quiet, &sigchld_before_);
	open_ = true;
	return 0;
}

void stop_wait::close()
{
	sigset_t one;

	if (!open_)
		return;
	open_ = false;
	timer_delete(timer_);
	if (blocked_before_) {
		sigemptyset(&one);
		sigaddset(&one, signal_);
		pthread_sigmask(SIG_BLOCK, &one, nullptr);
	}
	sigaction(signal_, &signal_before_, nullptr);
	/* What somebody else has set meanwhile is his. */
	if (sigchld_untouched())
		sigaction(SIGCHLD, &sigchld_before_, nullptr);
}

bool stop_wait::sigchld_untouched() const
{
	struct sigaction now;

	return sigaction(SIGCHLD, nullptr, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
	       now.sa_handler == SIG_DFL && (now.sa_flags & SA_NOCLDSTOP);
}

int stop_wait::bound(uint64_t deadline_ns, struct tb_error *err)
{
	struct itimerspec at = {};

	deadline_ns_ = deadline_ns;
	at.it_value.tv_sec = static_cast<time_t>(deadline_ns / ns_per_s);
	at.it_value.tv_nsec = static_cast<long>(deadline_ns % ns_per_s);
	at.it_interval.tv_nsec = retry_ns;
	if (timer_settime(timer_, TIMER_ABSTIME, &at, nullptr) == 0)
		return 0;

	int code = -errno;

	return tb_error__set(err, code, "timer_settime: %s", strerror(-code));
}

void stop_wait::unbound()
{
	struct itimerspec never = {};

	timer_settime(timer_, 0, &never, nullptr);
}

int stop_wait::next(struct stop *out)
{
	for (;;) {
		pid_t tid = waitpid(-1, &out->status, wait_flags);

		out->tid = tid;
		out->seen_ns = tb_monotonic_ns();
		if (tid > 0)
			return 1;
		if (errno != EINTR)
			return -errno;
		if (out->seen_ns >= deadline_ns_)
			return 0;
	}
}

int stop_wait::poll(struct stop *out)
{
	pid_t tid;

	do {
		tid = waitpid(-1, &out->status, wait_flags | WNOHANG);
	} while (tid < 0 && errno == EINTR);
	out->tid = tid;
	out->seen_ns = tb_monotonic_ns();
	return tid > 0 ? 1 : tid == 0 ? 0 : -errno;
}

} /* namespace tb_ptrace */
