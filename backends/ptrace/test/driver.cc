/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "calls.h"

extern char **environ;

namespace
{

[[noreturn]] void die(const char *what)
{
	perror(what);
	exit(70);
}

/* As the launcher does it for ptrace/seccomp: after the gate; all calls of all architectures, or some native ones. */
void install_filter(const struct tb_filter &wanted)
{
	std::vector<struct sock_filter> code;

	if (wanted.active) {
		code = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, tb_ptrace::native_arch, 1, 0),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		};
	}
	for (unsigned nr = 0; wanted.active && nr < TB_NR_MAX; nr++) {
		if (!tb_filter__wants(&wanted, nr))
			continue;
		code.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
		code.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
	}
	code.push_back(BPF_STMT(BPF_RET | BPF_K, wanted.active ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRACE));

	struct sock_fprog filter = {static_cast<unsigned short>(code.size()), code.data()};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
		_exit(71);
}

[[noreturn]] void be_target(const run_options &options, struct truth *truth, int gate)
{
	std::vector<char *> argv;
	char byte;

	for (const std::string &word : options.argv)
		argv.push_back(const_cast<char *>(word.c_str()));
	argv.push_back(nullptr);
	if (read(gate, &byte, 1) != 1)
		_exit(72);
	/* Neither a call before the execve nor an execve that fails belongs to the target. */
	syscall(SYS_getppid);
	if (options.variant == "seccomp")
		install_filter(options.filter);
	syscall(SYS_execve, "/nonexistent/program", argv.data(), environ);
	truth->launcher_exec[0] = reinterpret_cast<uint64_t>(argv[0]);
	truth->launcher_exec[1] = reinterpret_cast<uint64_t>(argv.data());
	truth->launcher_exec[2] = reinterpret_cast<uint64_t>(environ);
	syscall(SYS_execve, argv[0], argv.data(), environ);
	_exit(73);
}

[[noreturn]] void be_launcher(const run_options &options, struct truth *truth, int gate, int status_fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(status_fd);
		be_target(options, truth, gate);
	}
	close(gate);
	if (write(status_fd, &pid, sizeof(pid)) != sizeof(pid))
		_exit(70);
	for (;;) {
		int status;

		if (waitpid(pid, &status, WUNTRACED | WCONTINUED) != pid)
			_exit(74);
		if (write(status_fd, &status, sizeof(status)) != sizeof(status))
			_exit(70);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			_exit(0);
	}
}

/* The drain thread of a session, in short. */
void drain(const run_options &options, traced_run *run, int gate)
{
	const struct tb_source_ops &ops = tb_ptrace_source;
	struct tb_source_config config = {};
	struct tb_source *source = nullptr;
	struct tb_geometry geometry;
	std::vector<struct tb_record> slab(options.capacity);

	config.abi = TB_SOURCE_ABI;
	config.variant = options.variant.c_str();
	config.filter = options.filter;
	config.wakeup = TB_WAKE_SYNC;
	if (ops.open(&config, &source, &geometry, &run->error) < 0) {
		run->failure = std::string("open: ") + run->error.message;
		close(gate);
		return;
	}
	if (ops.arm(source, run->pid, &run->error) < 0) {
		run->failure = std::string("arm: ") + run->error.message;
		close(gate);
		ops.close(source);
		return;
	}
	if (write(gate, "", 1) != 1)
		run->failure = "gate";
	close(gate);

	for (bool last = false; !run->ended;) {
		struct tb_round round = {};
		int got = ops.drain(source, slab.data(), options.capacity, last ? 0 : options.timeout_us,
				    &round, &run->error);

		run->rounds++;
		if (got == TB_DRAIN_END) {
			run->ended = true;
		} else if (got < 0) {
			run->failure = std::string("drain: ") + run->error.message;
			break;
		} else {
			run->records.insert(run->records.end(), slab.begin(), slab.begin() + got);
			if (last && got < static_cast<int>(options.capacity))
				break;
		}
		if (run->stop && !last) {
			last = true;
			if (options.before_disarm)
				options.before_disarm();
			run->disarm_rc = ops.disarm(source, &run->error);
			run->disarmed = true;
		}
	}
	if (!run->disarmed) {
		if (options.before_disarm)
			options.before_disarm();
		run->disarm_rc = ops.disarm(source, &run->error);
		run->disarmed = true;
	}

	struct tb_counter counters[TB_COUNTERS_MAX];
	int count = ops.stats(source, counters, TB_COUNTERS_MAX, &run->error);

	for (int i = 0; i < count; i++)
		run->counters[counters[i].name] = counters[i].value;
	ops.close(source);
}

} /* namespace */

traced_run::~traced_run()
{
	if (launcher_status_fd >= 0)
		close(launcher_status_fd);
	if (launcher > 0)
		waitpid(launcher, nullptr, 0);
	if (truth)
		munmap(truth, sizeof(*truth));
}

/* A bound, not a measure: ten thousand forks under a sanitizer take a busy machine their time. */
constexpr int kStatusMs = 120'000;

int traced_run::next_status()
{
	struct pollfd ready = {launcher_status_fd, POLLIN, 0};
	int value;

	if (poll(&ready, 1, kStatusMs) != 1 ||
	    read(launcher_status_fd, &value, sizeof(value)) != sizeof(value))
		return -1;
	return value;
}

void traced_run::wait_phase(uint32_t phase)
{
	while (__atomic_load_n(&truth->phase, __ATOMIC_ACQUIRE) < phase && !ended)
		usleep(200);
}

void run_traced(const run_options &options, traced_run *run)
{
	int truth_fd = memfd_create("truth", MFD_CLOEXEC);
	int gate[2], status[2];

	if (truth_fd < 0 || ftruncate(truth_fd, sizeof(struct truth)) != 0 || pipe2(gate, O_CLOEXEC) != 0 ||
	    pipe2(status, O_CLOEXEC) != 0)
		die("set-up");
	run->truth = static_cast<struct truth *>(
		mmap(nullptr, sizeof(struct truth), PROT_READ | PROT_WRITE, MAP_SHARED, truth_fd, 0));
	run->launcher = fork();
	if (run->launcher == 0) {
		close(gate[1]);
		close(status[0]);
		dup2(truth_fd, TRUTH_FD);
		be_launcher(options, run->truth, gate[0], status[1]);
	}
	close(truth_fd);
	close(gate[0]);
	close(status[1]);
	run->launcher_status_fd = status[0];
	run->pid = run->next_status();

	std::thread drainer(drain, std::cref(options), run, gate[1]);

	if (options.meanwhile)
		options.meanwhile(*run);

	int last;

	do {
		last = run->next_status();
		if (last != -1)
			run->status = last;
	} while (last != -1 && !WIFEXITED(last) && !WIFSIGNALED(last));
	drainer.join();
}
