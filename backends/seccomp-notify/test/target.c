/* SPDX-License-Identifier: Apache-2.0 */
/* The program that is traced: notify_test_target CASE [COUNT]. It makes its marked calls and says what came back. */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

static struct truth *truth;

static long mark(uint64_t number)
{
	/* glibc's own getpid and gettid are calls too, so nothing is between two marks but what a case wants. */
	static __thread uint64_t tid;

	if (!tid)
		tid = (uint64_t)gettid();
	return syscall(SYS_getppid, MARK, number, (uint64_t)getpid(), tid, 4ull << 32, 5ull << 32);
}

static void raise_ready(void)
{
	__atomic_add_fetch(&truth->ready, 1, __ATOMIC_RELEASE);
}

static void wait_for_go(void)
{
	while (!__atomic_load_n(&truth->go, __ATOMIC_ACQUIRE))
		;
}

static void on_signal(int sig)
{
	(void)sig;
	truth->handled++;
}

static void handle(int sig, int flags)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};

	sigaction(sig, &action, NULL);
}

static void *one_mark(void *number)
{
	raise_ready();
	wait_for_go();
	mark((uintptr_t)number);
	return NULL;
}

static int at_once(void)
{
	pthread_t threads[TASKS_AT_ONCE];

	for (uintptr_t i = 0; i < TASKS_AT_ONCE; i++)
		pthread_create(&threads[i], NULL, one_mark, (void *)i);
	for (unsigned i = 0; i < TASKS_AT_ONCE; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static int interrupted(void)
{
	handle(SIGUSR1, 0);
	mark(0);
	raise_ready();
	truth->ret = mark(1);
	if (truth->ret < 0)
		truth->ret = -errno;
	mark(2);
	return 0;
}

/* A timer against calls that never fail: the handler restarts what it interrupts, as most programs ask for. */
static int storm(long count)
{
	const struct itimerval often = {{0, 300}, {0, 300}};

	handle(SIGALRM, SA_RESTART);
	setitimer(ITIMER_REAL, &often, NULL);
	for (long n = 0; n < count; n++)
		if (mark((uint64_t)n) <= 0)
			truth->refused++;
	return 0;
}

static void *report_thread(void *unused)
{
	(void)unused;
	truth->reused = (uint32_t)gettid();
	mark(1);
	raise_ready();
	for (;;)
		pause();
	return NULL;
}

/* A thread's number, given to a process of its own after the thread was killed, which nothing here makes a call for. */
static int reuse(void)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	pid_t wanted, child;
	pthread_t thread;
	int status;

	child = fork();
	if (child == 0) {
		mark(0);
		pthread_create(&thread, NULL, report_thread, NULL);
		for (;;)
			pause();
	}
	truth->process = (uint32_t)child;
	while (!__atomic_load_n(&truth->ready, __ATOMIC_ACQUIRE))
		;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	wanted = (pid_t)truth->reused;
	args.set_tid = (uintptr_t)&wanted;
	args.set_tid_size = 1;
	/* A number is given back a moment after its task was reaped, a long one where the CPUs are busy. */
	while ((child = (pid_t)syscall(SYS_clone3, &args, sizeof(args))) < 0 && errno == EEXIST &&
	       ++truth->retries < 5000)
		usleep(1000);
	if (child < 0)
		return errno;
	if (child == 0) {
		/* libc does not know of this fork, hence its own words. */
		syscall(SYS_getppid, MARK, 2, (uint64_t)wanted, (uint64_t)wanted, 4ull << 32, 5ull << 32);
		syscall(SYS_exit_group, 0);
	}
	waitpid(child, &status, 0);
	return 0;
}

static int i386(long count)
{
#if defined(__x86_64__)
	for (long n = 0; n < count; n++) {
		long ret = 64; /* getppid */

		__asm__ volatile("int $0x80"
				 : "+a"(ret)
				 : "b"(0x11110000u + (unsigned)n), "c"(2), "d"(3)
				 : "memory");
		if (ret != getppid())
			return 1;
	}
#else
	(void)count;
#endif
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	long count = argc > 2 ? atol(argv[2]) : 0;

	truth = mmap(NULL, sizeof(*truth), PROT_READ | PROT_WRITE, MAP_SHARED, TRUTH_FD, 0);
	if (truth == MAP_FAILED)
		return 100;
	if (!strcmp(name, "marks")) {
		for (long n = 0; n < count; n++)
			mark((uint64_t)n);
		return 7;
	}
	if (!strcmp(name, "busy"))
		for (uint64_t n = 0;; n++)
			mark(n);
	if (!strcmp(name, "silent")) {
		raise_ready();
		for (;;)
			;
	}
	if (!strcmp(name, "at-once"))
		return at_once();
	if (!strcmp(name, "interrupted"))
		return interrupted();
	if (!strcmp(name, "storm"))
		return storm(count);
	if (!strcmp(name, "reuse"))
		return reuse();
	if (!strcmp(name, "i386"))
		return i386(count);
	return 101;
}
