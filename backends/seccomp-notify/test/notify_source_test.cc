/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source without a session: a child stands at a gate as the launcher's does, is armed, becomes notify_test_target,
 * and this thread drains.
 */
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "check.h"
#include "target.h"

extern "C" {
#include "installation.h"
#include "listener.h"
#include "notify_filter.h"
#include "source.h"

extern const struct tb_source_ops tb_seccomp_notify_source;
}

namespace
{

const struct tb_source_ops &ops = tb_seccomp_notify_source;

constexpr uint64_t give_up_ns = 20'000'000'000;

uint64_t now_ns()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void nap()
{
	const struct timespec ms = {0, 1'000'000};

	nanosleep(&ms, nullptr);
}

void until(const char *what, const std::function<bool()> &holds)
{
	for (const uint64_t end = now_ns() + give_up_ns; !holds(); nap())
		if (now_ns() > end)
			throw std::runtime_error(std::string("waited in vain: ") + what);
}

std::string text_of(const std::string &path)
{
	std::ifstream file(path);
	std::stringstream text;

	text << file.rdbuf();
	return text.str();
}

std::string status_line(pid_t pid, const std::string &name)
{
	const std::string text = text_of("/proc/" + std::to_string(pid) + "/status");
	const size_t at = text.find("\n" + name + ":\t");

	if (at == std::string::npos)
		return "";

	const size_t from = at + name.size() + 3;

	return text.substr(from, text.find('\n', from) - from);
}

std::vector<std::string> names_in(const std::string &path)
{
	std::vector<std::string> names;
	DIR *dir = opendir(path.c_str());

	while (dir)
		if (const struct dirent *entry = readdir(dir))
			names.emplace_back(entry->d_name);
		else
			break;
	if (dir)
		closedir(dir);
	std::sort(names.begin(), names.end());
	return names;
}

std::string beside_us(const char *name)
{
	char path[4096];
	const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	CHECK(length > 0);
	path[length] = '\0';
	*(strrchr(path, '/') + 1) = '\0';
	return std::string(path) + name;
}

/* A child that waits at a gate, then does `then`. Killed and reaped at the end, whatever a test found. */
class gated
{
public:
	gated(const gated &) = delete;
	gated &operator=(const gated &) = delete;
	explicit gated(const std::function<void(int gate)> &then)
	{
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) != 0)
			throw std::runtime_error("no pipe");
		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(ends[1]);
			then(ends[0]);
			_exit(102);
		}
		close(ends[0]);
		gate_ = ends[1];
		until("the child at its gate", [&] {
			return text_of("/proc/" + std::to_string(pid) + "/syscall")
				       .rfind(std::to_string(SYS_read) + " ", 0) == 0;
		});
	}
	~gated()
	{
		close(gate_);
		if (pid > 0 && !ended()) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, __WALL);
		}
	}
	void open_gate() { CHECK_EQ(write(gate_, "", 1), 1); }
	bool ended()
	{
		if (!reaped_)
			reaped_ = waitpid(pid, &status, WNOHANG) == pid;
		return reaped_;
	}

	pid_t pid = -1;
	int status = 0;

private:
	int gate_ = -1;
	bool reaped_ = false;
};

void pass(int gate)
{
	char byte;

	if (syscall(SYS_read, gate, &byte, 1) != 1)
		_exit(103);
}

struct tb_source_config config_for(const struct tb_filter &filter)
{
	struct tb_source_config config = {};

	config.abi = TB_SOURCE_ABI;
	config.variant = "";
	config.filter = filter;
	config.wakeup = TB_WAKE_SYNC;
	return config;
}

/* An open source; closed at the end. */
class opened
{
public:
	opened(const opened &) = delete;
	opened &operator=(const opened &) = delete;
	explicit opened(const struct tb_filter &filter = {})
	{
		const struct tb_source_config config = config_for(filter);
		struct tb_geometry geometry;

		CHECK_EQ(ops.open(&config, &source_, &geometry, &error), 0);
		CHECK_EQ(geometry.buffer_bytes + geometry.bytes_per_call + geometry.calls_in_flight, 0u);
	}
	~opened() { ops.close(source_); }
	int arm(pid_t pid) { return ops.arm(source_, pid, &error); }
	int disarm() { return ops.disarm(source_, &error); }
	/* One round; its records are appended. */
	int drain(uint32_t capacity, uint32_t timeout_us)
	{
		std::vector<struct tb_record> out(capacity + 1);
		struct tb_round round = {};

		memset(&out[capacity], 0xa5, sizeof(out[capacity]));
		const int got = ops.drain(source_, out.data(), capacity, timeout_us, &round, &error);

		CHECK_EQ(out[capacity].ts_ns, 0xa5a5a5a5a5a5a5a5ull);
		if (got > 0) {
			CHECK(got <= static_cast<int>(capacity));
			CHECK_EQ(round.per_record_visible, 1u);
			CHECK_EQ(round.visible_ns >= out[got - 1].ts_ns, true);
			records.insert(records.end(), out.begin(), out.begin() + got);
		}
		if (got < 0 && got != TB_DRAIN_END)
			throw std::runtime_error(error.message);
		return got;
	}
	void drain_to_end(uint32_t capacity, gated &child)
	{
		const uint64_t end = now_ns() + give_up_ns;

		while (drain(capacity, 2000) != TB_DRAIN_END) {
			child.ended();
			if (now_ns() > end)
				throw std::runtime_error("no end of the stream");
		}
	}
	std::map<std::string, uint64_t> counters()
	{
		struct tb_counter all[TB_COUNTERS_MAX];
		const int count = ops.stats(source_, all, TB_COUNTERS_MAX, &error);
		std::map<std::string, uint64_t> named;

		CHECK(count > 0);
		for (int i = 0; i < count; i++) {
			CHECK_EQ(static_cast<int>(all[i].place), TB_PLACE_HEALTH);
			named[all[i].name] = all[i].value;
		}
		CHECK_EQ(named.size(), static_cast<size_t>(count));
		return named;
	}

	std::vector<struct tb_record> records;
	struct tb_error error = {};

private:
	struct tb_source *source_ = nullptr;
};

bool is_mark(const struct tb_record &r)
{
	return r.arch == TB_ARCH_X86_64 && r.nr == SYS_getppid && r.args[0] == MARK;
}

/* Of the marks: their numbers, in the order they came; contents checked against what the target put into them. */
std::vector<uint64_t> numbers(const std::vector<struct tb_record> &records)
{
	std::vector<uint64_t> found;

	for (const struct tb_record &r : records) {
		CHECK_EQ(static_cast<int>(r.kind), TB_KIND_CALL);
		CHECK_EQ(r.flags & (TB_F_ENTER | TB_F_RET), static_cast<uint32_t>(TB_F_ENTER));
		CHECK_EQ(static_cast<int>(r.args_valid), 0x3f);
		CHECK_EQ(static_cast<int>(r.cpu), TB_CPU_UNKNOWN);
		CHECK_EQ(r.ret, 0);
		CHECK_EQ(r.aux, 0u);
		if (!is_mark(r))
			continue;
		CHECK_EQ(r.args[2], static_cast<uint64_t>(r.tgid));
		CHECK_EQ(r.args[3], static_cast<uint64_t>(r.tid));
		CHECK_EQ(r.args[4], 4ull << 32);
		CHECK_EQ(r.args[5], 5ull << 32);
		found.push_back(r.args[1]);
	}
	return found;
}

std::vector<uint64_t> up_to(uint64_t count)
{
	std::vector<uint64_t> all(count);

	for (uint64_t i = 0; i < count; i++)
		all[i] = i;
	return all;
}

/* The page the target writes to, and the target behind its gate. */
class target
{
public:
	explicit target(const char *name, const char *count = "0")
	{
		const int fd = memfd_create("truth", MFD_CLOEXEC);

		CHECK_EQ(ftruncate(fd, 4096), 0);
		truth = static_cast<struct truth *>(
			mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
		CHECK(truth != MAP_FAILED);

		const std::string path = beside_us("notify_test_target");

		child = std::make_unique<gated>([&](int gate) {
			char *argv[] = {const_cast<char *>(path.c_str()), const_cast<char *>(name),
					const_cast<char *>(count), nullptr};

			dup2(fd, TRUTH_FD);
			pass(gate);
			execve(path.c_str(), argv, environ);
		});
		close(fd);
	}
	~target() { munmap(truth, 4096); }
	target(const target &) = delete;
	target &operator=(const target &) = delete;

	struct truth *truth;
	std::unique_ptr<gated> child;
};

int run(opened &source, target &t, uint32_t capacity = 1024)
{
	CHECK_EQ(source.arm(t.child->pid), 0);
	t.child->open_gate();
	source.drain_to_end(capacity, *t.child);
	until("its end", [&] { return t.child->ended(); });
	return WIFEXITED(t.child->status) ? WEXITSTATUS(t.child->status) : -WTERMSIG(t.child->status);
}

struct tb_filter wanting(std::initializer_list<long> numbers)
{
	struct tb_filter filter = {};

	filter.active = 1;
	for (long nr : numbers)
		filter.wanted[nr / 64] |= 1ull << (nr % 64);
	return filter;
}

/* All registers the kernel keeps over a call hold what they held, and the call read its byte. */
[[noreturn]] void hold_registers(int gate)
{
	static char byte;
	static uint64_t wrong, ret;

#if defined(__x86_64__)
	static double in[2] = {1.5, -2.25}, out[2];

	__asm__ volatile("movupd %[in], %%xmm7\n"
			 "mov $0x1112131415161718, %%rbx\n"
			 "mov $0x2122232425262728, %%r12\n"
			 "mov $0x3132333435363738, %%r13\n"
			 "mov $0x4142434445464748, %%r14\n"
			 "mov $0x5152535455565758, %%r8\n"
			 "mov $0x6162636465666768, %%r9\n"
			 "mov $0x7172737475767778, %%r10\n"
			 "mov %%rsp, %%r15\n"
			 "xor %%eax, %%eax\n"
			 "syscall\n"
			 "sub %%rsp, %%r15\n"
			 "mov $0x1112131415161718, %%rcx\n sub %%rcx, %%rbx\n or %%rbx, %%r15\n"
			 "mov $0x2122232425262728, %%rcx\n sub %%rcx, %%r12\n or %%r12, %%r15\n"
			 "mov $0x3132333435363738, %%rcx\n sub %%rcx, %%r13\n or %%r13, %%r15\n"
			 "mov $0x4142434445464748, %%rcx\n sub %%rcx, %%r14\n or %%r14, %%r15\n"
			 "mov $0x5152535455565758, %%rcx\n sub %%rcx, %%r8\n or %%r8, %%r15\n"
			 "mov $0x6162636465666768, %%rcx\n sub %%rcx, %%r9\n or %%r9, %%r15\n"
			 "mov $0x7172737475767778, %%rcx\n sub %%rcx, %%r10\n or %%r10, %%r15\n"
			 "mov %%r15, %[wrong]\n"
			 "movupd %%xmm7, %[out]\n"
			 : [wrong] "=m"(wrong), "=&a"(ret), [out] "=m"(out)
			 : "D"(static_cast<long>(gate)), "S"(&byte), "d"(1L), [in] "m"(in)
			 : "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rcx", "xmm7",
			   "memory", "cc");
	wrong |= out[0] != in[0] || out[1] != in[1];
#endif
	_exit(wrong ? 1 : ret != 1 ? 2 : 0);
}

} /* namespace */

/* The filter needs CAP_SYS_ADMIN. Without root such a test is not tried, and its line is preceded by that. */
#define TEST_AS_ROOT(name)                                        \
	static void as_root_##name();                             \
	TEST(name)                                                \
	{                                                         \
		if (geteuid() != 0)                               \
			printf("     not tried without root:\n"); \
		else                                              \
			as_root_##name();                         \
	}                                                         \
	static void as_root_##name()

TEST_AS_ROOT(the_probe_says_yes)
{
	struct tb_source_config config = config_for({});
	struct tb_error error = {};

	CHECK_EQ(ops.probe(&config, &error), 1);
}

TEST(what_it_cannot_do_is_refused)
{
	struct tb_source_config config = config_for({});
	struct tb_option option = {"colour", "blue"};
	struct tb_geometry geometry;
	struct tb_source *source = nullptr;
	struct tb_error error = {};

	config.wakeup = TB_WAKE_TIMER;
	CHECK_EQ(ops.open(&config, &source, &geometry, &error), -EINVAL);
	CHECK(strstr(error.mend, "sync") != nullptr);
	config = config_for({});
	config.variant = "fast";
	CHECK_EQ(ops.open(&config, &source, &geometry, &error), -EINVAL);
	config = config_for({});
	config.options = &option;
	config.options_count = 1;
	CHECK_EQ(ops.open(&config, &source, &geometry, &error), -EINVAL);
	config = config_for({});
	config.abi++;
	CHECK_EQ(ops.open(&config, &source, &geometry, &error), -EPROTO);
	CHECK(source == nullptr);
}

TEST_AS_ROOT(arming_changes_nothing_but_the_filter)
{
	gated child(hold_registers);
	opened source;
	const std::string proc = "/proc/" + std::to_string(child.pid);
	const std::string maps = text_of(proc + "/maps");
	const auto descriptors = names_in(proc + "/fd");

	CHECK_EQ(source.arm(child.pid), 0);
	CHECK_EQ(text_of(proc + "/maps"), maps);
	CHECK(names_in(proc + "/fd") == descriptors);
	CHECK_EQ(status_line(child.pid, "TracerPid"), "0");
	CHECK_EQ(status_line(child.pid, "Seccomp"), "2");
	CHECK_EQ(status_line(child.pid, "NoNewPrivs"), "0");
	until("the gate's read is let on", [&] {
		source.drain(8, 0);
		return source.counters()["before_exec"] >= 1;
	});
	child.open_gate();
	source.drain_to_end(16, child);
	until("its end", [&] { return child.ended(); });
	CHECK_EQ(child.status, 0);
	CHECK(source.records.empty()); /* it never became the target */
}

TEST(arming_a_process_that_is_gone)
{
	opened source;
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, nullptr, 0);
	CHECK_EQ(source.arm(pid), -ESRCH);
	CHECK_EQ(source.disarm(), 0);
}

TEST(without_cap_sys_admin_it_says_so_and_leaves_the_process_as_it_was)
{
	gated child([](int gate) {
		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			_exit(1);
		pass(gate);
		_exit(syscall(SYS_getppid) > 0 ? 0 : 2);
	});
	opened source;

	CHECK_EQ(source.arm(child.pid), -EACCES);
	CHECK(strstr(source.error.message, "CAP_SYS_ADMIN") != nullptr);
	CHECK(source.error.mend[0] != '\0');
	CHECK_EQ(status_line(child.pid, "Seccomp"), "0");
	CHECK_EQ(status_line(child.pid, "TracerPid"), "0");
	child.open_gate();
	until("its end", [&] { return child.ended(); });
	CHECK_EQ(child.status, 0);
}

TEST_AS_ROOT(a_second_listener_is_refused_and_the_first_goes_on)
{
	target t("marks", "3");
	opened first, second;

	CHECK_EQ(first.arm(t.child->pid), 0);
	first.drain(8, 0);
	/* Its calls on our behalf are notified to the first listener, which a thread of its own has to serve. */
	auto *enough = static_cast<std::atomic<bool> *>(mmap(nullptr, sizeof(std::atomic<bool>),
							     PROT_READ | PROT_WRITE,
							     MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	const pid_t helper = fork();

	if (helper == 0) {
		for (const uint64_t end = now_ns() + 10'000'000'000; now_ns() < end && !*enough;)
			first.drain(8, 1000);
		_exit(0);
	}

	const int rc = second.arm(t.child->pid);

	*enough = true; /* killed, it could take a notification along that nobody answers any more */
	waitpid(helper, nullptr, 0);
	munmap(enough, sizeof(*enough));
	CHECK_EQ(rc, -EBUSY);
	t.child->open_gate();
	first.drain_to_end(8, *t.child);
	CHECK(numbers(first.records) == up_to(3));
}

TEST_AS_ROOT(the_first_record_is_the_execve_and_every_mark_follows)
{
	target t("marks", "5003");
	opened source;

	CHECK_EQ(run(source, t), 7);
	CHECK_EQ(source.records.front().nr, SYS_execve);
	CHECK_EQ(source.records.front().tid, static_cast<uint32_t>(t.child->pid));
	CHECK(numbers(source.records) == up_to(5003));
	CHECK_EQ(source.records.back().nr, SYS_exit_group);
	CHECK_EQ(source.records.back().flags, static_cast<uint32_t>(TB_F_ENTER | TB_F_NO_RETURN));
	CHECK_EQ(source.records.back().args[0], 7u);
	CHECK(std::is_sorted(source.records.begin(), source.records.end(),
			     [](const auto &a, const auto &b) { return a.ts_ns < b.ts_ns; }));

	auto counters = source.counters();

	CHECK_EQ(counters["answered"], source.records.size() + counters["before_exec"]);
	CHECK_EQ(counters["execs"], 1u);
	CHECK_EQ(counters["exits"], 1u);
	CHECK_EQ(counters["gone_unseen"] + counters["gone_unanswered"], 0u);
	CHECK_EQ(source.disarm(), 0);
}

TEST_AS_ROOT(capacity_one)
{
	target t("marks", "101");
	opened source;

	CHECK_EQ(run(source, t, 1), 7);
	CHECK(numbers(source.records) == up_to(101));
}

TEST_AS_ROOT(a_filter_keeps_our_own_calls_to_ourselves)
{
	target t("reuse");
	opened source(wanting({SYS_getppid, SYS_exit_group}));

	CHECK_EQ(run(source, t), 0);
	for (const struct tb_record &r : source.records)
		CHECK(r.nr == SYS_getppid || r.nr == SYS_exit_group);
	CHECK(numbers(source.records) == up_to(3));

	auto counters = source.counters();

	CHECK_EQ(counters["housekeeping"],
		 1u + 3u + t.truth->retries); /* the execve; fork, the thread's clone3, clone3 */
	CHECK_EQ(counters["forks"], 3u + t.truth->retries);
}

TEST_AS_ROOT(a_number_given_to_another_task_is_looked_up_again)
{
	target t("reuse");
	opened source;

	CHECK_EQ(run(source, t), 0);
	CHECK(numbers(source.records) == up_to(3));

	std::map<uint64_t, struct tb_record> marks;

	for (const struct tb_record &r : source.records)
		if (is_mark(r))
			marks[r.args[1]] = r;
	CHECK_EQ(marks[1].tid, t.truth->reused);
	CHECK_EQ(marks[1].tgid, t.truth->process);
	CHECK_EQ(marks[2].tid, t.truth->reused);
	CHECK_EQ(marks[2].tgid, t.truth->reused);
}

TEST_AS_ROOT(a_short_return_has_handed_over_all_that_waited)
{
	for (uint32_t capacity : {64u, 3u}) {
		target t("at-once");
		opened source(wanting({SYS_getppid}));

		CHECK_EQ(source.arm(t.child->pid), 0);
		t.child->open_gate();
		until("the threads", [&] {
			source.drain(64, 1000);
			return __atomic_load_n(&t.truth->ready, __ATOMIC_ACQUIRE) == TASKS_AT_ONCE;
		});
		source.drain(64, 0);
		CHECK(source.records.empty());
		__atomic_store_n(&t.truth->go, 1, __ATOMIC_RELEASE);

		const std::string tasks = "/proc/" + std::to_string(t.child->pid) + "/task";
		const std::string waiting = std::to_string(SYS_getppid) + " ";

		until("all of them in their call", [&] {
			unsigned calls = 0;

			for (const std::string &name : names_in(tasks))
				calls += text_of(tasks + "/" + name + "/syscall").rfind(waiting, 0) == 0;
			return calls == TASKS_AT_ONCE;
		});
		while (source.drain(capacity, 0) == static_cast<int>(capacity))
			;

		auto found = numbers(source.records);

		std::sort(found.begin(), found.end());
		CHECK(found == up_to(TASKS_AT_ONCE));
		source.drain_to_end(64, *t.child);
	}
}

TEST_AS_ROOT(a_signal_before_its_call_is_taken_ends_the_call_and_is_counted)
{
	target t("interrupted");
	opened source(wanting({SYS_getppid}));
	const std::string waiting = std::to_string(SYS_getppid) + " ";

	CHECK_EQ(source.arm(t.child->pid), 0);
	t.child->open_gate();
	until("the first mark", [&] { return source.drain(1, 1000) > 0; });
	until("it is in the second", [&] {
		return __atomic_load_n(&t.truth->ready, __ATOMIC_ACQUIRE) == 1 &&
		       text_of("/proc/" + std::to_string(t.child->pid) + "/syscall").rfind(waiting, 0) == 0;
	});
	kill(t.child->pid, SIGUSR1);
	until("the handler", [&] { return __atomic_load_n(&t.truth->handled, __ATOMIC_ACQUIRE) == 1; });
	source.drain_to_end(8, *t.child);
	CHECK_EQ(t.truth->ret, -EINTR);
	CHECK((numbers(source.records) == std::vector<uint64_t>{0, 2}));
	CHECK_EQ(source.counters()["gone_unseen"], 1u);
}

TEST_AS_ROOT(a_signal_after_its_call_was_taken_waits)
{
	target t("interrupted");
	struct tb_filter filter = wanting({SYS_getppid});
	struct sock_filter code[NOTIFY_FILTER_MAX];
	struct notify_installation installation;
	struct notify_listener listener;
	struct tb_error error = {};
	const auto next_mark = [&] {
		for (;;) {
			until("a notification", [&] {
				return notify_listener__wait(&listener, 1'000'000) == NOTIFY_WAIT_WAITING;
			});
			CHECK_EQ(notify_listener__take(&listener), 1);
			if (listener.notif->data.nr == SYS_getppid)
				return listener.notif->data.args[1];
			CHECK_EQ(notify_listener__let_on(&listener), 1);
		}
	};

	CHECK_EQ(notify_listener__open(&listener), 0);
	CHECK_EQ(notify_installation__make(&installation, t.child->pid, code,
					   notify_filter__build(&filter, code), &listener, &error),
		 0);
	t.child->open_gate();
	CHECK_EQ(next_mark(), 0u);
	CHECK_EQ(notify_listener__let_on(&listener), 1);
	CHECK_EQ(next_mark(), 1u);
	kill(t.child->pid, SIGUSR1);
	nap();
	CHECK_EQ(notify_listener__valid(&listener), installation.killable);
	if (installation.killable) {
		CHECK_EQ(t.truth->handled, 0u);
		CHECK_EQ(notify_listener__let_on(&listener), 1);
		CHECK_EQ(next_mark(), 2u);
		CHECK_EQ(t.truth->handled, 1u);
		CHECK_EQ(t.truth->ret, static_cast<int64_t>(getpid()));
	}
	/* Killed after it was taken: nobody to answer, and counted. */
	kill(t.child->pid, SIGKILL);
	until("its end", [&] { return t.child->ended(); });
	CHECK(!notify_listener__valid(&listener));
	CHECK_EQ(notify_listener__let_on(&listener), 0);
	CHECK_EQ(listener.gone_unanswered, 1u);
	CHECK_EQ(notify_listener__wait(&listener, 0), static_cast<int>(NOTIFY_WAIT_END));
	close(installation.pidfd);
	notify_listener__close(&listener);
}

TEST_AS_ROOT(a_storm_of_signals_loses_and_invents_nothing)
{
	target t("storm", "20011");
	opened source;

	CHECK_EQ(run(source, t), 0);
	CHECK_EQ(t.truth->refused, 0u);
	CHECK(numbers(source.records) == up_to(20011));

	uint64_t returns = 0;

	for (const struct tb_record &r : source.records)
		returns += r.nr == SYS_rt_sigreturn;
	CHECK(t.truth->handled > 0);
	CHECK_EQ(returns,
		 0u); /* a return that a signal ends would crash the program, so it is never notified */
}

#if defined(__x86_64__)
TEST_AS_ROOT(i386_calls_are_labelled_and_filtered_out)
{
	target t("i386", "13"), u("i386", "13");
	opened source, native(wanting({64}));
	std::vector<uint64_t> first;

	CHECK_EQ(run(source, t), 0);
	for (const struct tb_record &r : source.records) {
		if (r.arch != TB_ARCH_I386)
			continue;
		CHECK_EQ(r.nr, 64);
		CHECK_EQ(r.args[1], 2u);
		CHECK_EQ(r.args[2], 3u);
		first.push_back(r.args[0] - 0x11110000);
	}
	CHECK(first == up_to(13));
	CHECK_EQ(run(native, u), 0);
	CHECK(native.records.empty());
}
#endif

TEST_AS_ROOT(a_target_that_still_runs_is_killed_and_said)
{
	target t("busy");
	opened source;

	CHECK_EQ(source.arm(t.child->pid), 0);
	t.child->open_gate();
	until("some marks", [&] {
		source.drain(64, 1000);
		return numbers(source.records).size() > 100;
	});
	CHECK_EQ(source.disarm(), -EBUSY);
	CHECK(source.error.mend[0] != '\0');
	CHECK_EQ(source.disarm(), 0);
	CHECK_EQ(source.drain(8, 1000), TB_DRAIN_END);
	until("its end", [&] { return t.child->ended(); });
	CHECK_EQ(WTERMSIG(t.child->status), SIGKILL);
	CHECK(numbers(source.records) == up_to(numbers(source.records).size()));
}

TEST_AS_ROOT(a_target_that_makes_no_calls_is_killed_too)
{
	target t("silent");
	opened source;

	CHECK_EQ(source.arm(t.child->pid), 0);
	t.child->open_gate();
	until("it computes", [&] {
		source.drain(64, 1000);
		return __atomic_load_n(&t.truth->ready, __ATOMIC_ACQUIRE) == 1;
	});
	CHECK_EQ(source.disarm(), -EBUSY);
	until("its end", [&] { return t.child->ended(); });
	CHECK_EQ(WTERMSIG(t.child->status), SIGKILL);
}
