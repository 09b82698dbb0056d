/* SPDX-License-Identifier: Apache-2.0 */
/* The source contract (source.h) over tracing instances. Built as a plug-in: it needs libtraceevent. */
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <traceevent/event-parse.h>
#include <unistd.h>

#include "books.h"
#include "call_filter.h"
#include "clock.h"
#include "collector.h"
#include "formats.h"
#include "instance.h"
#include "source.h"
#include "tracefs.h"
#include "variant.h"

using namespace tb::ftrace;
using tracebench::CallPairing;

struct tb_source {
	/* Destroyed last to first: descriptors of an instance's files keep it from being removed. */
	const Variant *variant = nullptr;
	Formats formats = {};
	Instance calls;
	Instance tasks; /* forks, execs and ends of threads, so that they cannot fill the calls' buffers */
	std::unique_ptr<Collector> collector;
	PairBooks books;
	bool filtered = false;
	uint64_t nap_ns = 0;          /* 0: the kernel wakes us */
	std::vector<pollfd> wake_fds; /* … by these */
};

namespace
{

constexpr uint64_t kProbeBufferBytes = 65536;
constexpr uint64_t kTasksBytesPerCpu = 65536;
/* Sub-buffers read at once: calls enough for a round; of the tasks there are few. */
constexpr unsigned kCallPages = 32, kTaskPages = 4;
constexpr ino_t kInitialPidNamespace = 0xeffffffcu; /* PROC_PID_INIT_INO */

constexpr const char *kTaskEvents[] = {"task/task_newtask", "sched/sched_process_exec",
				       "sched/sched_process_exit"};

const char *option(const tb_source_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->options_count; i++)
		if (strcmp(config->options[i].name, name) == 0)
			return config->options[i].value;
	return nullptr;
}

int require_initial_pid_namespace(tb_error *err)
{
	struct stat ns;

	if (stat("/proc/self/ns/pid", &ns) != 0)
		return tb_error__set(err, -errno, "cannot tell the pid namespace: /proc/self/ns/pid: %s",
				     strerror(errno));
	if (ns.st_ino == kInitialPidNamespace)
		return 0;
	tb_error__set(err, -ENOTSUP,
		      "inside a pid namespace: ftrace knows threads by the numbers of the initial one, so "
		      "the target cannot be named");
	tb_error__mend(err, "run on the host, or in a container with --pid=host");
	return -ENOTSUP;
}

/* Option `overwrite`: on, off (also when absent). The text says where records were overwritten, not where dropped. */
int parse_overwrite(const tb_source_config *config, const Variant &variant, bool *overwrite, tb_error *err)
{
	const char *text = option(config, "overwrite");

	if (text && strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return tb_error__set(err, -EINVAL, "option 'overwrite' is on or off, not '%s'", text);
	*overwrite = text && strcmp(text, "on") == 0;
	if (variant.text && !*overwrite)
		return tb_error__set(err, -EINVAL,
				     "ftrace/text needs option 'overwrite' on: its lines do not say where a "
				     "buffer that is full has dropped newer records");
	return 0;
}

int set_wakeup(const tb_source_config *config, tb_source *source, tb_error *err)
{
	const uint64_t per_cpu = source->calls.bytes_per_cpu();
	uint64_t percent = 0;
	std::vector<int> fds;

	switch (config->wakeup) {
	case TB_WAKE_TIMER:
		source->nap_ns = config->wakeup_value * 1000ull;
		if (source->nap_ns)
			return 0;
		break;
	case TB_WAKE_WATERMARK:
		/* Whole percents of one CPU's buffer; rounded down, so that no more than asked for waits. */
		percent = config->wakeup_value * 100ull / per_cpu;
		if (percent < 1 || percent > 100) {
			tb_error__set(err, -EINVAL,
				      "ftrace wakes by whole percents of a CPU's buffer of %llu bytes; %u "
				      "bytes are %s",
				      static_cast<unsigned long long>(per_cpu), config->wakeup_value,
				      percent ? "more than all of it" : "less than one");
			tb_error__mend(err, "ask for %llu to %llu bytes, or a timer",
				       static_cast<unsigned long long>((per_cpu + 99) / 100),
				       static_cast<unsigned long long>(per_cpu));
			return -EINVAL;
		}
		[[fallthrough]];
	case TB_WAKE_ADAPTIVE: {
		int code = source->calls.write("buffer_percent", std::to_string(percent), err);
		if (code < 0)
			return code;
		source->collector->poll_fds(&fds);
		for (int fd : fds)
			source->wake_fds.push_back({fd, POLLIN, 0});
		return 0;
	}
	default:
		break;
	}
	tb_error__set(err, -EINVAL, "ftrace does not know this wake-up policy");
	tb_error__mend(err, "wake-up policies: timer (a number of µs above 0), adaptive, watermark");
	return -EINVAL;
}

int open_calls(const tb_source_config *config, const Fd &tracefs, bool overwrite, tb_source *source,
	       tb_error *err)
{
	const Variant &variant = *source->variant;
	int code = source->calls.create(tracefs, instance_name(variant.name), overwrite, err);

	if (code == 0)
		code = source->calls.resize(config->buffer_bytes / source->calls.cpus().size(),
					    source->formats, err);
	if (code == 0)
		code = source->calls.add_event("raw_syscalls/sys_enter", entry_filter(config->filter), err);
	if (code == 0 && variant.exits)
		code = source->calls.add_event("raw_syscalls/sys_exit", exit_filter(config->filter), err);
	return code;
}

/* In the text, only lines of one trace_pipe are in one order, so there they share the calls' instance. */
int open_tasks(const Fd &tracefs, tb_source *source, tb_error *err)
{
	Instance &instance = source->variant->text ? source->calls : source->tasks;
	int code = 0;

	if (!source->variant->text) {
		const std::string suffix =
			std::string(source->variant->name) + (*source->variant->name ? "-" : "") + "tasks";

		code = source->tasks.create(tracefs, instance_name(suffix.c_str()), false, err);
		if (code == 0)
			code = source->tasks.resize(kTasksBytesPerCpu, source->formats, err);
	}
	for (const char *event : kTaskEvents)
		if (code == 0)
			code = instance.add_event(event, "", err);
	return code;
}

void fill_geometry(const tb_source &source, tb_geometry *geometry)
{
	const Formats &formats = source.formats;

	geometry->buffer_bytes = source.calls.bytes();
	geometry->reachable_bytes_per_cpu = source.calls.bytes_per_cpu();
	/* An event does not go over the end of its sub-buffer: what is left there, and the header, are shared by its calls. */
	const uint32_t events = Formats::bytes_in_buffer(formats.enter.bytes) +
				(source.variant->exits ? Formats::bytes_in_buffer(formats.leave.bytes) : 0);
	const uint32_t calls = std::max(1u, formats.event_bytes() / events);
	geometry->bytes_per_call = (formats.sub_buffer_bytes + calls - 1) / calls;
	geometry->calls_in_flight = geometry->reachable_bytes_per_cpu / geometry->bytes_per_call;
}

int open_source(const tb_source_config *config, tb_source *source, tb_geometry *geometry, tb_error *err)
{
	Fd tracefs;
	bool overwrite = false;

	if (config->abi != TB_SOURCE_ABI)
		return tb_error__set(err, -EPROTO, "source ABI %u asked of a plug-in of ABI %d", config->abi,
				     TB_SOURCE_ABI);
	source->variant = find_variant(config->variant);
	if (!source->variant)
		return tb_error__set(err, -EINVAL, "the ftrace backend has no variant '%s'", config->variant);
	if (config->paths)
		return tb_error__set(err, -EOPNOTSUPP, "the events used carry registers and no strings");
	int code = parse_overwrite(config, *source->variant, &overwrite, err);
	if (code == 0)
		code = require_initial_pid_namespace(err);
	if (code == 0)
		code = open_tracefs(&tracefs, err);
	if (code == 0)
		code = source->formats.load(tracefs, err);
	if (code == 0)
		code = open_calls(config, tracefs, overwrite, source, err);
	if (code == 0)
		code = open_tasks(tracefs, source, err);
	if (code < 0)
		return code;

	source->filtered = config->filter.active;
	source->collector = std::make_unique<Collector>(config->filter, source->variant->exits
										? CallPairing::Mode::calls
										: CallPairing::Mode::entries);
	if (source->variant->text)
		code = source->collector->add_text(source->calls, err);
	else
		code = source->collector->add_pages(source->calls, source->formats, true, kCallPages, err);
	if (code == 0 && !source->variant->text)
		code = source->collector->add_pages(source->tasks, source->formats, false, kTaskPages, err);
	if (code == 0)
		code = set_wakeup(config, source, err);
	if (code == 0)
		fill_geometry(*source, geometry);
	return code;
}

int start(tb_source *source, pid_t pid, tb_error *err)
{
	int code = source->variant->text ? 0 : source->tasks.start(pid, err);

	return code == 0 ? source->calls.start(pid, err) : code;
}

int ftrace__open(const tb_source_config *config, tb_source **out, tb_geometry *geometry, tb_error *err)
try {
	auto source = std::make_unique<tb_source>();
	int code = open_source(config, source.get(), geometry, err);

	if (code == 0)
		*out = source.release();
	return code;
} catch (const std::bad_alloc &) {
	return tb_error__set(err, -ENOMEM, "no memory for the ftrace source");
}

/* Short of something that another moment may have: no answer about the machine. */
bool is_momentary(int code)
{
	return code == -ENOMEM || code == -EMFILE || code == -ENFILE || code == -EAGAIN || code == -EINTR ||
	       code == -EEXIST || code == -EBUSY;
}

/* Traces this thread, lets it make one call, and looks for that. */
int try_it(tb_source *source, tb_error *err)
{
	constexpr uint64_t kMark = 0x70726f6265667472;
	tb_record records[256];
	tb_round round = {};
	bool seen = false;
	int code = start(source, static_cast<pid_t>(syscall(SYS_gettid)), err);

	if (code < 0)
		return code;
	syscall(SYS_getppid, kMark);
	code = source->calls.stop(err);
	while (code == 0) {
		const int count = source->collector->collect(records, std::size(records), &round, err);

		if (count < 0)
			return count;
		for (int i = 0; i < count; i++)
			seen |= records[i].nr == SYS_getppid && records[i].args[0] == kMark;
		if (count < static_cast<int>(std::size(records)))
			break;
	}
	if (code == 0 && !seen)
		return tb_error__set(err, -ENODATA,
				     "a system call made under tracing did not reach the ring buffer");
	return code;
}

int ftrace__probe(const tb_source_config *config, tb_error *err)
try {
	tb_source_config tiny = *config;
	tb_geometry geometry;
	tb_source source;

	tiny.buffer_bytes =
		kProbeBufferBytes * static_cast<uint64_t>(std::max(1l, sysconf(_SC_NPROCESSORS_CONF)));
	tiny.filter = {};
	int code = open_source(&tiny, &source, &geometry, err);
	if (code == 0)
		code = try_it(&source, err);
	if (code == 0)
		return 1;
	return is_momentary(code) ? code : 0;
} catch (const std::bad_alloc &) {
	return tb_error__set(err, -ENOMEM, "no memory for the ftrace source");
}

int ftrace__arm(tb_source *source, pid_t pid, tb_error *err)
{
	if (pid <= 0 || kill(pid, 0) != 0) {
		int code = pid <= 0 ? -EINVAL : -errno;

		return tb_error__set(err, code, "process %d cannot be traced: %s", pid, strerror(-code));
	}
	source->collector->arm(pid);
	return start(source, pid, err);
}

void wait(tb_source *source, uint64_t timeout_ns)
{
	const uint64_t ns = source->nap_ns ? std::min(source->nap_ns, timeout_ns) : timeout_ns;
	const timespec duration = {static_cast<time_t>(ns / 1'000'000'000),
				   static_cast<long>(ns % 1'000'000'000)};

	if (source->nap_ns)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, nullptr);
	else
		ppoll(source->wake_fds.data(), source->wake_fds.size(), &duration, nullptr);
}

int ftrace__drain(tb_source *source, tb_record *out, uint32_t capacity, uint32_t timeout_us, tb_round *round,
		  tb_error *err)
try {
	const uint64_t deadline = tb_monotonic_ns() + timeout_us * 1000ull;

	round->per_record_visible = 0;
	for (;;) {
		const int count = source->collector->collect(out, capacity, round, err);

		if (count != 0 || timeout_us == 0 || round->visible_ns >= deadline)
			return count;
		wait(source, deadline - round->visible_ns);
	}
} catch (const std::bad_alloc &) {
	return tb_error__set(err, -ENOMEM, "no memory for what was read from the ring buffer");
}

int ftrace__disarm(tb_source *source, tb_error *err)
{
	tb_error second;
	int code = source->calls.stop(err);
	int code2 = source->tasks.stop(code == 0 ? err : &second);

	return code == 0 ? code2 : code;
}

int sum_stats(const Instance &instance, CpuStats *sum, tb_error *err)
{
	*sum = {};
	for (size_t i = 0; i < instance.cpus().size(); i++) {
		CpuStats stats;
		int code = instance.read_stats(i, &stats, err);

		if (code < 0)
			return code;
		sum->overrun += stats.overrun;
		sum->commit_overrun += stats.commit_overrun;
		sum->dropped += stats.dropped;
		sum->read += stats.read;
	}
	return 0;
}

/* All that is lost of calls, and what of it is calls. `enter`: an event is a call. */
struct Lost {
	uint64_t calls, undecided;
};

Lost judge(tb_source *source, const CpuStats &calls, uint64_t stranded, uint64_t not_received,
	   uint64_t task_events_lost)
{
	const Collector &collector = *source->collector;
	const tracebench::PairingCounters &pairs = collector.counters();
	const uint64_t lost = calls.lost() + stranded + collector.undecoded() + pairs.table_full;
	PairFacts facts;

	if (!source->variant->exits)
		return {lost, 0};
	facts.lost = lost;
	facts.partial = pairs.partial_calls;
	facts.unpaired = pairs.unpaired_exits;
	facts.others = collector.task_events() + task_events_lost + pairs.refused + collector.undecoded() +
		       not_received;
	/* Under a filter the kernel keeps the birth of a task, and the entry of another sigreturn, back or not. */
	if (source->filtered)
		facts.others += lost;
	source->books.look(facts);
	return {source->books.calls(), source->books.undecided()};
}

int ftrace__stats(tb_source *source, tb_counter *out, uint32_t capacity, tb_error *err)
{
	const tracebench::PairingCounters &pairs = source->collector->counters();
	CpuStats calls, tasks;
	uint64_t stranded = 0;
	int code = source->collector->find_stranded(source->calls, &stranded, err);

	if (code == 0)
		code = sum_stats(source->calls, &calls, err);
	if (code == 0)
		code = sum_stats(source->tasks, &tasks, err);
	if (code < 0)
		return code;
	const uint64_t not_received = calls.read - source->collector->received();
	const Lost lost = judge(source, calls, stranded, not_received, tasks.lost());
	const struct {
		const char *name;
		tb_place place;
		tb_unit unit;
		uint64_t value;
	} rows[] = {
		{"lost_calls", TB_PLACE_KERNEL, TB_UNIT_CALL, lost.calls},
		{"undecided_events", TB_PLACE_KERNEL, TB_UNIT_RECORD, lost.undecided},
		{"dropped_events", TB_PLACE_HEALTH, TB_UNIT_RECORD, calls.dropped},
		{"overrun", TB_PLACE_HEALTH, TB_UNIT_RECORD, calls.overrun},
		{"commit_overrun", TB_PLACE_HEALTH, TB_UNIT_RECORD, calls.commit_overrun},
		{"stranded", TB_PLACE_HEALTH, TB_UNIT_RECORD, stranded},
		{"undecoded", TB_PLACE_HEALTH, TB_UNIT_RECORD, source->collector->undecoded()},
		{"thread_table_full", TB_PLACE_HEALTH, TB_UNIT_RECORD, pairs.table_full},
		{"read_not_received", TB_PLACE_HEALTH, TB_UNIT_RECORD, not_received},
		{"partial_calls", TB_PLACE_HEALTH, TB_UNIT_CALL, pairs.partial_calls},
		{"short_pages", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, source->collector->short_pages()},
		{"unpaired_exits", TB_PLACE_HEALTH, TB_UNIT_RECORD, pairs.unpaired_exits},
		{"births", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, pairs.births},
		{"refused", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, pairs.refused},
		{"died_inside", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, pairs.died_inside},
		{"unknown_tgids", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, pairs.unknown_tgids},
		{"task_events_lost", TB_PLACE_HEALTH, TB_UNIT_RECORD, tasks.lost()},
	};
	const uint32_t count = std::min<uint32_t>(capacity, std::size(rows));

	for (uint32_t i = 0; i < count; i++) {
		out[i] = {};
		snprintf(out[i].name, sizeof(out[i].name), "%s", rows[i].name);
		out[i].place = rows[i].place;
		out[i].unit = rows[i].unit;
		out[i].value = rows[i].value;
	}
	return static_cast<int>(count);
}

void ftrace__close(tb_source *source)
{
	delete source;
}

const tb_source_ops ops = {
	.abi = TB_SOURCE_ABI,
	.name = "ftrace",
	.probe = ftrace__probe,
	.open = ftrace__open,
	.arm = ftrace__arm,
	.drain = ftrace__drain,
	.disarm = ftrace__disarm,
	.stats = ftrace__stats,
	.counts = nullptr,
	.close = ftrace__close,
};

} // namespace

extern "C" __attribute__((visibility("default"))) const tb_source_ops *tb_source_plugin(void)
{
	tep_set_loglevel(TEP_LOG_NONE); /* a source never prints */
	return &ops;
}
