// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "../include/clock.h"

namespace tracebench
{

namespace
{

constexpr uint32_t kRoundRecords = 1024;  /* bound of one drain round: latency is one clock read per round */
constexpr uint32_t kRoundRecordsMin = 64; /* a slab whose strings leave room for fewer is handed over */
constexpr uint32_t kIdleTimeoutUs = 1000; /* how long a gate or a stop can go unnoticed */
/* … while the workload works under a collector that somebody else wakes: a look of ours would be a wake-up of its own. */
constexpr uint32_t kWokenTimeoutUs = 100'000;
constexpr uint64_t kStartMarkNs = 2'000'000'000;   /* START was made; so long may it take to be delivered */
constexpr uint64_t kCatchUpNs = 1'000'000'000;     /* bound of draining a target that may still run */
constexpr uint64_t kFinalDrainNs = 10'000'000'000; /* bound of draining a source that never runs empty */

/* Losses and CPU times are of the time between; other health figures say how things stand, gauges included. */
std::vector<tb_counter> difference(const std::vector<tb_counter> &later,
				   const std::vector<tb_counter> &earlier)
{
	std::vector<tb_counter> d = later;
	for (size_t i = 0; i < d.size() && i < earlier.size(); i++)
		if (d[i].place != TB_PLACE_HEALTH || d[i].unit == TB_UNIT_NS)
			d[i].value -= earlier[i].value;
	return d;
}

std::vector<uint64_t> difference(const std::vector<uint64_t> &later, const std::vector<uint64_t> &earlier)
{
	std::vector<uint64_t> d = later;
	for (size_t i = 0; i < d.size() && i < earlier.size(); i++)
		d[i] -= earlier[i];
	return d;
}

} // namespace

tb_source_config source_config(const SessionOptions &options, std::vector<tb_option> *private_options)
{
	private_options->clear();
	for (const auto &[name, value] : options.source_options)
		private_options->push_back({name.c_str(), value.c_str()});
	tb_source_config config = {};
	config.abi = TB_SOURCE_ABI;
	config.variant = options.variant.c_str();
	config.buffer_bytes = options.buffer_bytes;
	config.filter = options.filter;
	config.wakeup = options.wakeup;
	config.wakeup_value = options.wakeup_value;
	config.options = private_options->data();
	config.options_count = static_cast<uint32_t>(private_options->size());
	config.paths = options.paths;
	config.totals = options.meter_ns != 0;
	return config;
}

Session::Session(SessionOptions options, Listener listener)
	: options_(std::move(options)), listener_(std::move(listener)), ledger_(options_.ledger),
	  quota_(options_.cpu_limit), scratch_(kRoundRecords),
	  scratch_strings_(options_.paths ? kRoundRecords * SlabPool::kArenaBytesPerRecord : 0),
	  meter_(options_.meter_ns, options_.readings_most), thread_(&Session::thread_main, this)
{
}

Session::~Session()
{
	stop();
	thread_.join();
}

void Session::arm(pid_t pid)
{
	std::lock_guard<std::mutex> lock(mutex_);
	pid_ = pid;
	arm_asked_ = true;
	wake_.notify_one();
}

void Session::stop()
{
	std::lock_guard<std::mutex> lock(mutex_);
	stop_asked_.store(true, std::memory_order_release);
	wake_.notify_one();
}

bool Session::fail(const char *operation)
{
	if (!report_.failed) {
		report_.failed = true;
		report_.failed_operation = operation;
	}
	return false;
}

void Session::thread_main()
{
	pthread_setname_np(pthread_self(), "tb-drain");
	if (open() && wait_for_arm()) {
		listener_({.type = SessionEventType::Armed});
		bool running = true;
		bool emptied = false;
		while (running && !stop_asked_.load(std::memory_order_acquire))
			running = drain_once(meter_.within_us(tb_monotonic_ns(), idle_timeout_us()),
					     &emptied) &&
				  serve_gates() && read_meter_if_due();

		/*
		 * The target is gone or no longer of interest: what it left in the buffers is read before detaching. It may run
		 * on, so nothing is settled before it is detached from.
		 */
		running = running && catch_up();
		if (running && report_.section_entered && !report_.section_left)
			running = leave_section();
		/* A metered target may run on: what it does while the kernel detaches is not of the run. */
		if (meter_.wanted())
			running = running && end_run();
		uint64_t before = tb_monotonic_ns();
		tb_error failed_disarm = {};
		if (source_ && options_.ops->disarm(source_, &failed_disarm) < 0) {
			if (!report_.failed)
				report_.error = failed_disarm; /* else it follows from what failed first */
			running = fail("disarm");
		}
		report_.disarm_ns = tb_monotonic_ns() - before;
		running = running && drain_settled();

		if (!meter_.wanted())
			running = running && end_run();
	}
	flush();
	if (slab_)
		options_.slabs->give_back(*slab_);
	release_gates();
	if (source_) {
		options_.ops->close(source_);
		source_ = nullptr;
	}
	listener_({.type = SessionEventType::Ended});
}

bool Session::open()
{
	if (!options_.collector_cpus.empty()) {
		cpu_set_t cpus;
		CPU_ZERO(&cpus);
		for (int cpu : options_.collector_cpus)
			CPU_SET(cpu, &cpus);
		if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0) {
			tb_error__set(&report_.error, -errno, "cannot pin the drain thread to CPU %d: %s",
				      options_.collector_cpus[0], strerror(errno));
			tb_error__mend(&report_.error,
				       "use --placement free, or CPUs that are online and allowed");
			return fail("open");
		}
	}
	if (meter_.wanted()) {
		if (!options_.ops->total) {
			tb_error__set(&report_.error, -EOPNOTSUPP, "%s keeps no running total",
				      options_.ops->name);
			return fail("open");
		}
		/* A reading late by the usual slack of 50 µs would be a twentieth of a window of 1 ms. */
		prctl(PR_SET_TIMERSLACK, 1ul);
	}
	std::vector<tb_option> private_options;
	tb_source_config config = source_config(options_, &private_options);

	uint64_t before = tb_monotonic_ns();
	if (options_.ops->open(&config, &source_, &report_.geometry, &report_.error) < 0) {
		source_ = nullptr;
		return fail("open");
	}
	report_.open_ns = tb_monotonic_ns() - before;
	listener_({.type = SessionEventType::Opened});
	return true;
}

bool Session::wait_for_arm()
{
	pid_t pid;
	{
		std::unique_lock<std::mutex> lock(mutex_);
		wake_.wait(lock, [&] { return arm_asked_ || stop_asked_.load(std::memory_order_relaxed); });
		if (!arm_asked_)
			return false;
		pid = pid_;
	}
	uint64_t before = tb_monotonic_ns();
	if (options_.ops->arm(source_, pid, &report_.error) < 0)
		return fail("arm");
	report_.arm_ns = tb_monotonic_ns() - before;
	if (!take_snapshot(&at_arm_))
		return false;
	read_meter(at_arm_);
	return true;
}

bool Session::end_run()
{
	Snapshot at_end;
	if (!take_snapshot(&at_end))
		return false;
	report_.run = between(at_arm_, at_end);
	read_meter(at_end);
	report_.readings = meter_.readings();
	return true;
}

/* First and last reading are of the snapshots themselves, so that windows and counts have one sum. */
void Session::read_meter(const Snapshot &snapshot)
{
	if (!meter_.wanted())
		return;
	uint64_t calls = snapshot.foreign;
	for (uint64_t count : snapshot.counts)
		calls += count;
	meter_.take({snapshot.counted_ns, calls});
}

bool Session::read_meter_if_due()
{
	const uint64_t now = tb_monotonic_ns();
	uint64_t calls;
	if (!meter_.due(now))
		return true;
	if (options_.ops->total(source_, &calls, &report_.error) < 0)
		return fail("total");
	meter_.take({now, calls});
	return true;
}

/* As many records as are sure to find room for strings of middling length; strings beyond are left out and counted. */
uint32_t Session::room_for_records()
{
	return (arena_.size - arena_.used) / SlabPool::kArenaBytesPerRecord;
}

/* One round. *emptied: all that was committed before the call has been taken. False when the session must end. */
bool Session::drain_once(uint32_t timeout_us, bool *emptied)
{
	tb_record *out = scratch_.data();
	uint32_t capacity = kRoundRecords;
	if (options_.slabs) {
		if (slab_ && (slab_fill_ == options_.slabs->records_per_slab() ||
			      (options_.paths && slab_fill_ && room_for_records() < kRoundRecordsMin)))
			flush();
		if (!slab_) {
			slab_ = options_.slabs->take();
			if (slab_ && options_.paths)
				arena_ = {options_.slabs->arena_at(*slab_), options_.slabs->arena_bytes(), 0};
		}
		if (slab_) {
			out = options_.slabs->at(*slab_) + slab_fill_;
			capacity = std::min(capacity, options_.slabs->records_per_slab() - slab_fill_);
		}
	}
	tb_round round = {};
	if (options_.paths) {
		if (!slab_)
			arena_ = {scratch_strings_.data(), static_cast<uint32_t>(scratch_strings_.size()), 0};
		capacity = std::min(capacity, room_for_records());
		round.arena = &arena_;
	}
	int got = report_.end_of_stream
			  ? 0
			  : options_.ops->drain(source_, out, capacity, timeout_us, &round, &report_.error);
	*emptied = got < static_cast<int>(capacity);
	if (got == TB_DRAIN_END) {
		report_.end_of_stream = true;
		got = 0;
	} else if (report_.end_of_stream && timeout_us) {
		timespec pause = {0, static_cast<long>(timeout_us) * 1000};
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
	}
	if (got < 0)
		return fail("drain");
	report_.rounds++;
	uint32_t count = static_cast<uint32_t>(got);
#ifdef TB_TEST_HOOKS
	count = apply_test_hooks(out, count);
#endif
	if (count) {
		ledger_.take(out, count, round);
		if (slab_ && out != scratch_.data()) {
			if (slab_fill_ == 0)
				slab_since_ns_ = tb_monotonic_ns();
			slab_fill_ += count;
			slab_visible_ns_ = round.visible_ns;
		} else if (options_.slabs) {
			report_.bridge_lost_records += count;
		}
		stall_if_due();
	}
	if (slab_fill_ && (slab_fill_ == options_.slabs->records_per_slab() ||
			   tb_monotonic_ns() - slab_since_ns_ >= options_.flush_ns))
		flush();
	return true;
}

bool Session::drain_until_empty()
{
	uint64_t deadline = tb_monotonic_ns() + kFinalDrainNs;
	for (bool emptied = false; !emptied;) {
		if (!drain_once(0, &emptied))
			return false;
		if (!emptied && tb_monotonic_ns() > deadline) {
			tb_error__set(&report_.error, -ETIMEDOUT,
				      "still delivering 10 s after the target stopped");
			return fail("drain");
		}
	}
	return true;
}

/* The target stands still: everything that it has committed, also what the source's mechanism has parked. */
bool Session::drain_settled()
{
	if (!drain_until_empty())
		return false;
	if (!options_.ops->settle || report_.end_of_stream)
		return true;
	for (uint64_t deadline = tb_monotonic_ns() + kFinalDrainNs;;) {
		int rc = options_.ops->settle(source_, &report_.error);
		if (rc < 0)
			return fail("settle");
		if (rc == 0)
			return true;
		if (tb_monotonic_ns() > deadline) {
			tb_error__set(&report_.error, -ETIMEDOUT,
				      "records are still parked 10 s after the target stood still");
			return fail("settle");
		}
		bool emptied;
		if (!drain_once(kIdleTimeoutUs, &emptied))
			return false;
	}
}

/*
 * The same as far as it can be had: a target that goes on faster than it is read never lets us empty the buffers. What is
 * left then is read after the disarm.
 */
bool Session::catch_up()
{
	uint64_t deadline = tb_monotonic_ns() + kCatchUpNs;
	for (bool emptied = false; !emptied && tb_monotonic_ns() < deadline;)
		if (!drain_once(0, &emptied))
			return false;
	return true;
}

/* How long a drain without data may wait: at gates and with records to hand over not longer than need be. */
uint32_t Session::idle_timeout_us() const
{
	bool working = !options_.control || (report_.section_entered && !report_.section_left);
	if (!working || slab_fill_ > 0)
		return kIdleTimeoutUs;
	if (options_.wakeup == TB_WAKE_TIMER)
		return std::max(kIdleTimeoutUs, options_.wakeup_value);
	return options_.wakeup == TB_WAKE_SYNC ? kIdleTimeoutUs : kWokenTimeoutUs;
}

bool Session::serve_gates()
{
	if (!options_.control)
		return true;
	uint32_t gate = __atomic_load_n(&options_.control->gate, __ATOMIC_ACQUIRE);
	if (gate >= TB_GATE_WARM && !warm_) {
		warm_ = true;
		if (!drain_settled())
			return false;
		tb_control__pass(options_.control, TB_GATE_WARM);
	}
	if (gate >= TB_GATE_START && !report_.section_entered && !enter_section())
		return false;
	if (gate >= TB_GATE_END && !report_.section_left) {
		if (!leave_section())
			return false;
		report_.section_left = true;
		tb_control__pass(options_.control, TB_GATE_END);
		/* Takes a millisecond, which the workload would have spun at its gate, after the soaker was read. */
		if (options_.soak)
			report_.section_kernel_threads =
				difference(kernel_threads(), kernel_threads_at_start_);
	}
	return true;
}

bool Session::enter_section()
{
	if (!drain_settled())
		return false;
	bool expects_mark = options_.expects_records && tb_filter__wants(&options_.filter, SYS_getppid);
	uint64_t deadline = tb_monotonic_ns() + kStartMarkNs;
	while (expects_mark && !ledger_.start_seen()) {
		bool emptied;
		if (!drain_once(kIdleTimeoutUs, &emptied))
			return false;
		if (stop_asked_.load(std::memory_order_acquire) || tb_monotonic_ns() > deadline) {
			report_.start_missing = true;
			break;
		}
	}
	flush();
	if (options_.soak)
		kernel_threads_at_start_ = kernel_threads();
	if (!options_.cpu_limit.group.empty() && !quota_.enter(&report_.error))
		return fail("quota");
	if (!take_snapshot(&at_start_))
		return false;
	ledger_.enter_section(*options_.control);
	report_.section_entered = true;
	tb_control__pass(options_.control, TB_GATE_START);
	return true;
}

/*
 * The workload stands behind END, so all its calls are committed: one drain until empty takes them, one more read
 * is made unconditionally, and sources whose mechanism parks records settle them.
 */
bool Session::leave_section()
{
	bool emptied;
	if (!drain_until_empty() || !drain_once(0, &emptied) || !drain_settled())
		return false;
	Snapshot at_end;
	if (!take_snapshot(&at_end))
		return false;
	report_.section = between(at_start_, at_end);
	report_.section_soak = difference(at_end.soak, at_start_.soak);
	ledger_.leave_section(*options_.control);
	if (!options_.cpu_limit.group.empty() && !quota_.leave(&report_.throttling.emplace(), &report_.error))
		return fail("quota");
	return true;
}

Span Session::between(const Snapshot &from, const Snapshot &to)
{
	return {
		.counters = difference(to.counters, from.counters),
		.counts = difference(to.counts, from.counts),
		.foreign_counts = to.foreign - from.foreign,
		.drain_cpu_ns = to.drain_cpu_ns - from.drain_cpu_ns,
		.process_cpu_ns = to.process_cpu_ns - from.process_cpu_ns,
	};
}

bool Session::take_snapshot(Snapshot *snapshot)
{
	snapshot->counters.resize(TB_COUNTERS_MAX);
	int n = options_.ops->stats(source_, snapshot->counters.data(), TB_COUNTERS_MAX, &report_.error);
	if (n < 0)
		return fail("stats");
	snapshot->counters.resize(static_cast<size_t>(n));
	snapshot->counted_ns = tb_monotonic_ns();
	if (options_.ops->counts) {
		snapshot->counts.assign(TB_NR_MAX, 0);
		int rc = options_.ops->counts(source_, snapshot->counts.data(), &snapshot->foreign,
					      &report_.error);
		if (rc == -EOPNOTSUPP)
			snapshot->counts.clear(); /* another variant of the source delivers them */
		else if (rc < 0)
			return fail("counts");
	}
	snapshot->drain_cpu_ns = tb_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	snapshot->process_cpu_ns = tb_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	if (options_.soak)
		snapshot->soak = read_soak(*options_.soak);
	return true;
}

void Session::flush()
{
	if (!slab_ || slab_fill_ == 0)
		return;
	SessionEvent event = {.type = SessionEventType::Batch};
	event.slab = *slab_;
	event.count = slab_fill_;
	event.visible_ns = slab_visible_ns_;
	event.posted_ns = tb_monotonic_ns();
	slab_.reset();
	slab_fill_ = 0;
	listener_(event);
}

/* The session ends: whoever else collects, the target must not wait for it. */
void Session::release_gates()
{
	if (options_.control)
		__atomic_store_n(&options_.control->released, static_cast<uint32_t>(TB_GATE_END),
				 __ATOMIC_RELEASE);
}

void Session::stall_if_due()
{
	if (!options_.stall_ns || report_.stalled || !ledger_.in_section() ||
	    ledger_.delivered() < options_.stall_after_calls)
		return;
	report_.stalled = true;
	timespec pause = {static_cast<time_t>(options_.stall_ns / 1'000'000'000),
			  static_cast<long>(options_.stall_ns % 1'000'000'000)};
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, &pause) == EINTR)
		;
}

#ifdef TB_TEST_HOOKS
/* What a broken bridge would do: records vanish or turn up that no counter knows of. */
uint32_t Session::apply_test_hooks(tb_record *records, uint32_t count)
{
	if (!ledger_.in_section())
		return count;
	uint32_t kept = 0;
	uint64_t seen = ledger_.delivered();
	for (uint32_t i = 0; i < count; i++) {
		bool mark = records[i].args[0] == TB_MARK_0;
		const bool call = records[i].kind == TB_KIND_CALL || records[i].kind == TB_KIND_FUNCTION;
		if (!mark && call && seen + i >= options_.test_drop_after) {
			if (report_.test_dropped < options_.test_drop_calls) {
				report_.test_dropped++;
				continue;
			}
			if (options_.test_forge_stamps) {
				options_.test_forge_stamps--;
				records[i].args[3] ^= 1ull << (TB_STAMP_TIME_BITS + TB_STAMP_SEQ_BITS - 2);
			}
		}
		records[kept++] = records[i];
	}
	return kept;
}
#endif

} // namespace tracebench
