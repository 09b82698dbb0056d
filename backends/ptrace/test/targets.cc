/* SPDX-License-Identifier: Apache-2.0 */
/* The program that is traced: ptrace_test_target NAME [PARAMETER …]. */
#include "targets.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"

namespace
{

struct truth *page;
volatile sig_atomic_t got_signal;
volatile long got_value;

long mark(uint64_t n)
{
	return syscall(SYS_getppid, MARK, MARK, n);
}

void phase(uint32_t n)
{
	__atomic_store_n(&page->phase, n, __ATOMIC_RELEASE);
}

void sleep_ms(long ms)
{
	struct timespec pause = {ms / 1000, ms % 1000 * 1'000'000};

	syscall(SYS_nanosleep, &pause, nullptr);
}

void on_signal(int sig, siginfo_t *info, void *)
{
	got_signal = sig;
	got_value = info->si_value.sival_int;
}

void handle(int sig, int flags)
{
	struct sigaction action = {};

	action.sa_sigaction = on_signal;
	action.sa_flags = SA_SIGINFO | flags;
	sigaction(sig, &action, nullptr);
}

int words(long count)
{
	mark(1);
	for (long n = 0; n < count; n++)
		syscall(SYS_getppid, word(n, 0), word(n, 1), word(n, 2), word(n, 3), word(n, 4), word(n, 5));
	mark(2);
	return 7;
}

void *thread_words(void *arg)
{
	const auto lane = reinterpret_cast<uintptr_t>(arg);
	const long count = static_cast<long>(page->words[0]);

	page->tids[lane] = static_cast<pid_t>(syscall(SYS_gettid));
	for (long n = 0; n < count; n++)
		syscall(SYS_getppid, MARK + 1, lane, n, 0, 0, 0);
	return nullptr;
}

int threads(unsigned lanes, long count)
{
	pthread_t ids[64];

	page->words[0] = static_cast<uint64_t>(count);
	page->tid_count = lanes;
	for (uintptr_t i = 0; i < lanes; i++)
		pthread_create(&ids[i], nullptr, thread_words, reinterpret_cast<void *>(i));
	for (unsigned i = 0; i < lanes; i++)
		pthread_join(ids[i], nullptr);
	return 0;
}

/* One new task by each call that makes one; what they are goes into words: the child's tid, by order. */
int births()
{
	pid_t pid;

	mark(1);
	pid = static_cast<pid_t>(syscall(SYS_fork));
	if (pid == 0)
		syscall(SYS_exit_group, 3);
	page->tids[0] = pid;
	syscall(SYS_wait4, pid, nullptr, 0, nullptr);

	pid = vfork();
	if (pid == 0)
		_exit(4);
	page->tids[1] = pid;
	syscall(SYS_wait4, pid, nullptr, 0, nullptr);

	pid = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
	if (pid == 0)
		syscall(SYS_exit_group, 5);
	page->tids[2] = pid;
	syscall(SYS_wait4, pid, nullptr, 0, nullptr);

	struct clone_args args = {};

	args.exit_signal = SIGCHLD;
	pid = static_cast<pid_t>(syscall(SYS_clone3, &args, sizeof(args)));
	if (pid == 0)
		syscall(SYS_exit_group, 6);
	page->tids[3] = pid;
	syscall(SYS_wait4, pid, nullptr, 0, nullptr);
	mark(2);
	return 0;
}

int forks(long count)
{
	mark(1);
	for (long n = 0; n < count; n++) {
		int status;
		pid_t pid = static_cast<pid_t>(syscall(SYS_fork));

		if (pid == 0) {
			mark(100 + static_cast<uint64_t>(n));
			syscall(SYS_exit_group, n & 0x7f);
		}
		if (syscall(SYS_wait4, pid, &status, 0, nullptr) != pid || WEXITSTATUS(status) != (n & 0x7f))
			return 1;
	}
	mark(2);
	return 0;
}

void *blocked_in_read(void *arg)
{
	char byte;

	page->tids[0] = static_cast<pid_t>(syscall(SYS_gettid));
	syscall(SYS_read, *static_cast<int *>(arg), &byte, 1, 0x1111, 0x2222, 0x3333);
	return nullptr;
}

void *blocked_in_futex(void *)
{
	static uint32_t word;

	page->tids[1] = static_cast<pid_t>(syscall(SYS_gettid));
	syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, nullptr, 0x4444, 0x5555);
	return nullptr;
}

/* Two threads inside calls that never return, then `end`. */
void blocked_threads()
{
	static int ends[2];
	pthread_t id;

	if (pipe(ends) != 0)
		exit(9);
	page->words[0] = static_cast<uint64_t>(ends[0]);
	pthread_create(&id, nullptr, blocked_in_read, ends);
	pthread_create(&id, nullptr, blocked_in_futex, nullptr);
	sleep_ms(100);
}

[[noreturn]] void exec_again(char **argv)
{
	const char *next[] = {argv[0], "words", "11", nullptr};

	page->words[1] = reinterpret_cast<uint64_t>(argv[0]);
	page->words[2] = reinterpret_cast<uint64_t>(next);
	page->words[3] = reinterpret_cast<uint64_t>(environ);
	syscall(SYS_execve, argv[0], next, environ);
	_exit(9);
}

void *exec_in_thread(void *arg)
{
	page->tids[2] = static_cast<pid_t>(syscall(SYS_gettid));
	sleep_ms(100); /* until the leader is inside pause */
	exec_again(static_cast<char **>(arg));
}

int exec_by_thread(char **argv)
{
	pthread_t id;

	blocked_threads();
	pthread_create(&id, nullptr, exec_in_thread, argv);
	syscall(SYS_pause, 0x6666, 0x7777, 0x8888, 0x9999, 0xaaaa, 0xbbbb);
	return 9;
}

int signals()
{
	union sigval value = {};

	handle(SIGUSR1, 0);
	handle(SIGRTMIN + 3, 0);
	mark(1);
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	if (got_signal != SIGUSR1)
		return 1;
	value.sival_int = 4711;
	if (sigqueue(getpid(), SIGRTMIN + 3, value) != 0 || got_signal != SIGRTMIN + 3 || got_value != 4711)
		return 2;
	mark(2);
	return 0;
}

/* A parent that looks at us from the test: stopped and continued in a nanosleep, and a read that is restarted. */
int restarts()
{
	int ends[2];
	char byte = 0;
	struct timespec pause = {0, 700'000'000};

	handle(SIGALRM, SA_RESTART);
	handle(SIGUSR1, 0);
	if (pipe(ends) != 0)
		return 1;
	mark(1);
	phase(1);
	if (syscall(SYS_nanosleep, &pause, nullptr) != 0) /* SIGSTOP and SIGCONT meanwhile */
		return 2;
	mark(2);

	pid_t writer = fork();

	if (writer == 0) {
		pid_t parent = getppid();

		sleep_ms(150);
		kill(parent, SIGALRM);
		sleep_ms(150);
		_exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
	}
	mark(3);
	if (syscall(SYS_read, ends[0], &byte, 1) != 1 || byte != 'x')
		return 3;
	mark(4);
	waitpid(writer, nullptr, 0);

	pid_t killer = fork();

	if (killer == 0) {
		pid_t parent = getppid();

		sleep_ms(150);
		_exit(kill(parent, SIGUSR1));
	}
	mark(5);
	if (syscall(SYS_nanosleep, &pause, nullptr) != -1 || errno != EINTR)
		return 4;
	mark(6);
	waitpid(killer, nullptr, 0);
	return 0;
}

int refused(long count)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgrp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
		return 1;
	for (long n = 0; n < count; n++) {
		if (syscall(SYS_getpgrp, 0x1234, n, 3, 4, 5, 6) != -1 || errno != EPERM)
			return 2;
	}
	return 0;
}

int foreign(long count)
{
#if defined(__x86_64__)
	for (long n = 0; n < count; n++) {
		long ret;

		asm volatile("int $0x80" : "=a"(ret) : "a"(20L), "b"(n), "c"(0x22L), "d"(0x33L) : "memory");
		if (ret != getpid())
			return 1;
	}
#else
	(void)count;
#endif
	return 0;
}

/* Calls and forks until told to end; the exit code says whether every one of its processes got there. */
void *busy_thread(void *arg)
{
	const auto lane = reinterpret_cast<uintptr_t>(arg);

	while (!__atomic_load_n(&page->go, __ATOMIC_ACQUIRE)) {
		syscall(SYS_getppid, 1, 2, 3, 4, 5, 6);
		__atomic_fetch_add(&page->progress[lane], 1, __ATOMIC_RELAXED);
	}
	return nullptr;
}

int busy(unsigned lanes)
{
	pthread_t ids[16];
	bool failed = false;

	for (uintptr_t i = 1; i < lanes; i++)
		pthread_create(&ids[i], nullptr, busy_thread, reinterpret_cast<void *>(i));
	phase(1);
	while (!__atomic_load_n(&page->go, __ATOMIC_ACQUIRE)) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(5);
		failed |= waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 5;
		__atomic_fetch_add(&page->progress[0], 1, __ATOMIC_RELAXED);
	}
	for (unsigned i = 1; i < lanes; i++)
		pthread_join(ids[i], nullptr);
	return failed ? 1 : 0;
}

void *outlive_leader(void *)
{
	sleep_ms(100);
	phase(1);
	while (!__atomic_load_n(&page->go, __ATOMIC_ACQUIRE))
		sleep_ms(5);
	exit(0);
}

int leader_leaves()
{
	pthread_t id;

	pthread_create(&id, nullptr, outlive_leader, nullptr);
	syscall(SYS_exit, 0);
	return 9;
}

int segfault()
{
	*static_cast<volatile int *>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) = 1;
	return 9;
}

int sleeper()
{
	phase(1);
	while (!__atomic_load_n(&page->go, __ATOMIC_ACQUIRE))
		sleep_ms(10);
	return 0;
}

} /* namespace */

int main(int argc, char **argv)
{
	const std::string name = argc > 1 ? argv[1] : "";
	const long count = argc > 2 ? atol(argv[2]) : 0;

	page = static_cast<struct truth *>(
		mmap(nullptr, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, TRUTH_FD, 0));
	if (page == MAP_FAILED)
		return 8;
	if (name == "words")
		return words(count);
	if (name == "threads")
		return threads(static_cast<unsigned>(count), argc > 3 ? atol(argv[3]) : 0);
	if (name == "births")
		return births();
	if (name == "forks")
		return forks(count);
	if (name == "exec-by-thread")
		return exec_by_thread(argv);
	if (name == "exec-by-leader") {
		blocked_threads();
		exec_again(argv);
	}
	if (name == "group-exit") {
		blocked_threads();
		syscall(SYS_exit_group, 6);
	}
	if (name == "signals")
		return signals();
	if (name == "restarts")
		return restarts();
	if (name == "refused")
		return refused(count);
	if (name == "foreign")
		return foreign(count);
	if (name == "busy")
		return busy(static_cast<unsigned>(count));
	if (name == "leader-leaves")
		return leader_leaves();
	if (name == "segfault")
		return segfault();
	if (name == "sleeper")
		return sleeper();
	return 8;
}
