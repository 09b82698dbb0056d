// SPDX-License-Identifier: Apache-2.0
/* The session over a scripted source and a workload thread that plays both ends of the control page. */
#include "../src/session.h"

#include <cerrno>
#include <cstring>
#include <sys/syscall.h>

#include "../include/clock.h"
#include "../include/paths.h"
#include "check.h"

using namespace tracebench;

namespace
{

/* What the scripted source does; one test at a time sets it. */
struct Script {
	std::mutex mutex;
	std::vector<tb_record> pending; /* what the kernel would have committed */
	uint64_t lost = 0;
	int fail_open = 0, fail_arm = 0, fail_disarm = 0;
	std::atomic<int> fail_drain{0};
	bool end_of_stream = false;
	int opened = 0, armed = 0, disarmed = 0, closed = 0;
	uint32_t largest_round = 0;
	std::atomic<uint32_t> longest_wait_us{0}; /* that a drain was allowed */
	std::vector<tb_record> parked;            /* handed out only after so many calls of settle */
	int settle_asked = 0, settle_after = 0, fail_settle = 0;
	std::thread::id thread;
	bool one_thread = true;
	bool paths_asked = false;
	tb_path_counters paths = {};

	void commit(const tb_record &r)
	{
		std::lock_guard<std::mutex> lock(mutex);
		pending.push_back(r);
	}
	/* What the WARM gate promises. */
	void check_drained()
	{
		std::lock_guard<std::mutex> lock(mutex);
		check::truth(pending.empty(), "everything was drained before START", __FILE__, __LINE__);
	}
	void on_thread()
	{
		if (thread == std::thread::id())
			thread = std::this_thread::get_id();
		one_thread = one_thread && thread == std::this_thread::get_id();
	}
};

Script *script;

int script_probe(const tb_source_config *, tb_error *)
{
	return 1;
}

int script_open(const tb_source_config *config, tb_source **source, tb_geometry *geometry, tb_error *err)
{
	script->on_thread();
	if (script->fail_open)
		return tb_error__set(err, script->fail_open, "scripted open failure, variant %s",
				     config->variant);
	script->opened++;
	script->paths_asked = config->paths;
	geometry->buffer_bytes = config->buffer_bytes;
	*source = reinterpret_cast<tb_source *>(script);
	return 0;
}

int script_arm(tb_source *, pid_t, tb_error *err)
{
	script->on_thread();
	if (script->fail_arm)
		return tb_error__set(err, script->fail_arm, "scripted arm failure");
	script->armed++;
	return 0;
}

/* A record's second word is how long its string is, which begins with its stamp. */
void deliver_strings(tb_record *records, uint32_t count, tb_arena *arena)
{
	for (uint32_t i = 0; i < count; i++) {
		std::string text = std::to_string(records[i].args[3]) + "/";
		tb_paths paths;

		text.resize(std::max<size_t>(text.size(), records[i].args[1]), 'x');
		paths.bytes = 0;
		tb_paths__add(&paths, 1, TB_PATH_WHOLE, text.data(), text.size());
		tb_paths__deliver(paths.data, paths.bytes, arena, &records[i], &script->paths);
	}
}

int script_drain(tb_source *, tb_record *out, uint32_t capacity, uint32_t timeout_us, tb_round *round,
		 tb_error *err)
{
	script->on_thread();
	if (timeout_us > script->longest_wait_us)
		script->longest_wait_us = timeout_us;
	if (script->fail_drain)
		return tb_error__set(err, script->fail_drain, "scripted drain failure");
	std::unique_lock<std::mutex> lock(script->mutex);
	if (script->pending.empty() && script->end_of_stream)
		return TB_DRAIN_END;
	uint32_t n = std::min<uint32_t>(capacity, static_cast<uint32_t>(script->pending.size()));
	std::copy_n(script->pending.begin(), n, out);
	script->pending.erase(script->pending.begin(), script->pending.begin() + n);
	script->largest_round = std::max(script->largest_round, n);
	check::truth((round->arena != nullptr) == script->paths_asked, "an arena with paths only", __FILE__,
		     __LINE__);
	if (round->arena)
		deliver_strings(out, n, round->arena);
	round->visible_ns = tb_monotonic_ns();
	lock.unlock();
	if (n == 0 && timeout_us)
		std::this_thread::sleep_for(std::chrono::microseconds(timeout_us));
	return static_cast<int>(n);
}

/* Settled at each call that is a multiple of settle_after; before that what is parked becomes readable. */
int script_settle(tb_source *, tb_error *err)
{
	script->on_thread();
	if (script->fail_settle)
		return tb_error__set(err, script->fail_settle, "scripted settle failure");
	std::lock_guard<std::mutex> lock(script->mutex);
	for (const tb_record &r : script->parked)
		script->pending.push_back(r);
	script->parked.clear();
	return ++script->settle_asked % script->settle_after != 0;
}

int script_disarm(tb_source *, tb_error *err)
{
	script->on_thread();
	script->disarmed++;
	if (script->fail_disarm)
		return tb_error__set(err, script->fail_disarm, "scripted disarm failure");
	return 0;
}

int script_stats(tb_source *, tb_counter *out, uint32_t, tb_error *)
{
	script->on_thread();
	std::lock_guard<std::mutex> lock(script->mutex);
	const tb_counter counters[] = {
		{.name = "lost", .place = TB_PLACE_KERNEL, .unit = TB_UNIT_RECORD, .value = script->lost},
		{.name = "gauge", .place = TB_PLACE_HEALTH, .unit = TB_UNIT_MESSAGE, .value = script->lost},
		{.name = "cpu", .place = TB_PLACE_HEALTH, .unit = TB_UNIT_NS, .value = script->lost},
	};
	std::copy(std::begin(counters), std::end(counters), out);
	return 3;
}

void script_close(tb_source *)
{
	script->on_thread();
	script->closed++;
}

/* Two numbers that occur, and calls of another architecture; at each look some more were made. */
uint64_t made = 0;
bool totals_asked = false;

int counting_open(const tb_source_config *config, tb_source **source, tb_geometry *, tb_error *)
{
	totals_asked = config->totals;
	*source = reinterpret_cast<tb_source *>(script);
	return 0;
}

int counting_counts(tb_source *, uint64_t *counts, uint64_t *foreign, tb_error *)
{
	made += 7;
	memset(counts, 0, sizeof(*counts) * TB_NR_MAX);
	counts[1] = made;
	counts[TB_NR_MAX - 1] = 2 * made;
	*foreign = made;
	return 0;
}

int counting_total(tb_source *, uint64_t *calls, tb_error *)
{
	made += 7;
	*calls = 4 * made;
	return 0;
}

const tb_source_ops script_ops = {
	.abi = TB_SOURCE_ABI,
	.name = "script",
	.probe = script_probe,
	.open = script_open,
	.arm = script_arm,
	.drain = script_drain,
	.settle = nullptr,
	.disarm = script_disarm,
	.stats = script_stats,
	.counts = nullptr,
	.close = script_close,
};

/* Collects events and lets a test wait for one. */
struct Events {
	std::mutex mutex;
	std::condition_variable changed;
	std::vector<SessionEvent> all;

	void add(const SessionEvent &event)
	{
		std::lock_guard<std::mutex> lock(mutex);
		all.push_back(event);
		changed.notify_all();
	}
	void wait_for(SessionEventType type)
	{
		std::unique_lock<std::mutex> lock(mutex);
		bool came = changed.wait_for(lock, std::chrono::seconds(20), [&] {
			return std::any_of(all.begin(), all.end(),
					   [&](const SessionEvent &e) { return e.type == type; });
		});
		check::truth(came, "the event came", __FILE__, __LINE__);
	}
};

tb_record call(uint64_t word0, uint64_t word1, uint64_t word2, uint64_t stamp)
{
	tb_record r = {};
	r.kind = TB_KIND_CALL;
	r.flags = TB_F_RET;
	r.nr = SYS_getppid;
	r.arch = TB_ARCH_X86_64;
	r.args_valid = 0x3f;
	r.args[0] = word0;
	r.args[1] = word1;
	r.args[2] = word2;
	r.args[3] = stamp;
	return r;
}

void spin_until_released(tb_control &control, uint32_t gate)
{
	while (__atomic_load_n(&control.released, __ATOMIC_ACQUIRE) < gate)
		std::this_thread::yield();
}

/* A workload of `calls` getppid, of which `lose` are lost by the "kernel", and so many of them admitted. */
void play_workload(tb_control &control, uint64_t calls, uint64_t lose, uint64_t admit)
{
	control.lanes = 1;
	control.kinds = 1;
	control.kind[0] = {};
	control.kind[0].nr = SYS_getppid;
	control.kind[0].call_class = TB_CLASS_STAMPED;
	control.kind[0].stamp_arg = 3;
	for (int i = 0; i < 3; i++)
		script->commit(call(0, 0, 0, 12345)); /* warm-up calls: no stamp */
	__atomic_store_n(&control.gate, static_cast<uint32_t>(TB_GATE_WARM), __ATOMIC_RELEASE);
	spin_until_released(control, TB_GATE_WARM);
	script->check_drained();
	script->commit(call(TB_MARK_0, TB_MARK_1, TB_MARK_START, 0));
	__atomic_store_n(&control.gate, static_cast<uint32_t>(TB_GATE_START), __ATOMIC_RELEASE);
	spin_until_released(control, TB_GATE_START);
	for (uint64_t i = 0; i < calls; i++) {
		__atomic_store_n(&control.lane_issued[0], i + 1, __ATOMIC_RELAXED);
		if (i >= lose)
			script->commit(call(0, 0, 0, tb_stamp__pack(0, i, tb_monotonic_ns())));
	}
	{
		std::lock_guard<std::mutex> lock(script->mutex);
		script->lost += admit;
	}
	script->commit(call(TB_MARK_0, TB_MARK_1, TB_MARK_END, 0));
	__atomic_store_n(&control.gate, static_cast<uint32_t>(TB_GATE_END), __ATOMIC_RELEASE);
	spin_until_released(control, TB_GATE_END);
	script->commit(call(0, 0, 0, tb_stamp__pack(0, calls + 5, 0))); /* after END: not a stamp any more */
	std::lock_guard<std::mutex> lock(script->mutex);
	script->lost += 1000; /* loss after END is not the section's */
}

SessionOptions options_for(tb_control *control)
{
	SessionOptions o;
	o.ops = &script_ops;
	o.variant = "plain";
	o.buffer_bytes = 4096;
	o.control = control;
	return o;
}

} // namespace

TEST(session_covers_exactly_the_section)
{
	Script s;
	s.lost = 17; /* before START: not the section's */
	script = &s;
	Events events;
	auto control = std::make_unique<tb_control>();
	{
		Session session(options_for(control.get()), [&](const SessionEvent &e) { events.add(e); });
		events.wait_for(SessionEventType::Opened);
		session.arm(1);
		events.wait_for(SessionEventType::Armed);
		play_workload(*control, 5003, 3, 3);
		session.stop();
		events.wait_for(SessionEventType::Ended);
		const SessionReport &r = session.report();
		CHECK(!r.failed);
		CHECK(r.section_entered && r.section_left && !r.start_missing);
		CHECK_EQ(r.section.counters.size(), 3u);
		CHECK_EQ(r.section.counters[0].value, 3u);
		CHECK_EQ(r.section.counters[1].value, 20u); /* as it stands */
		CHECK_EQ(r.section.counters[2].value, 3u);
		CHECK_EQ(r.run.counters[0].value, 1003u);
		const Ledger &l = session.ledger();
		CHECK_EQ(l.complete, 5000u);
		CHECK_EQ(l.window_missing, 3u);
		CHECK_EQ(l.never_issued, 0u);
		CHECK_EQ(l.records, 5000u + 6);
		CHECK(l.start_seen() && l.end_seen());
	}
	CHECK_EQ(s.opened, 1);
	CHECK_EQ(s.armed, 1);
	CHECK_EQ(s.disarmed, 1);
	CHECK_EQ(s.closed, 1);
	CHECK(s.one_thread);
	CHECK(s.largest_round <= 1024);
}

/* The other collector is this thread: a gate stays shut until it is done too. */
TEST(gates_wait_for_every_collector)
{
	Script s;
	script = &s;
	Events events;
	auto control = std::make_unique<tb_control>();
	control->collectors = 2;
	{
		Session session(options_for(control.get()), [&](const SessionEvent &e) { events.add(e); });
		events.wait_for(SessionEventType::Opened);
		session.arm(1);
		events.wait_for(SessionEventType::Armed);
		std::thread workload([&] { play_workload(*control, 100, 0, 0); });
		for (tb_gate gate : {TB_GATE_WARM, TB_GATE_START, TB_GATE_END}) {
			while (__atomic_load_n(&control->passed[gate], __ATOMIC_ACQUIRE) == 0)
				std::this_thread::yield();
			CHECK_EQ(__atomic_load_n(&control->released, __ATOMIC_ACQUIRE), gate - 1u);
			tb_control__pass(control.get(), gate);
			CHECK_EQ(__atomic_load_n(&control->released, __ATOMIC_ACQUIRE),
				 static_cast<uint32_t>(gate));
		}
		workload.join();
		session.stop();
		events.wait_for(SessionEventType::Ended);
		CHECK(session.report().section_entered && session.report().section_left);
		CHECK_EQ(session.ledger().complete, 100u);
	}
}

TEST(session_hands_every_record_over_once)
{
	Script s;
	script = &s;
	Events events;
	std::vector<tb_record> memory(8 * 64);
	SlabPool pool(memory.data(), 8, 64);
	uint64_t next = 0;
	bool in_order = true;
	SessionOptions o = options_for(nullptr);
	o.slabs = &pool;
	o.flush_ns = 100'000;
	{
		Session session(std::move(o), [&](const SessionEvent &e) {
			if (e.type == SessionEventType::Batch) {
				for (uint32_t i = 0; i < e.count; i++)
					in_order = in_order && pool.at(e.slab)[i].args[3] == next++;
				pool.give_back(e.slab);
			}
			events.add(e);
		});
		session.arm(1);
		for (uint64_t i = 0; i < 10007; i++)
			s.commit(call(0, 0, 0, i));
		session.stop();
		events.wait_for(SessionEventType::Ended);
		CHECK_EQ(session.report().bridge_lost_records, 0u);
	}
	CHECK_EQ(next, 10007u);
	CHECK(in_order);
}

/* So many records with strings of `length` through slabs; how many strings came, each of them its record's. */
static uint64_t strings_through_slabs(Script &s, uint64_t records, uint64_t length)
{
	Events events;
	std::vector<tb_record> memory(8 * 256);
	std::vector<uint8_t> arenas(memory.size() * SlabPool::kArenaBytesPerRecord);
	SlabPool pool(memory.data(), 8, 256, arenas.data());
	uint64_t next = 0, strings = 0;
	bool right = true;
	SessionOptions o = options_for(nullptr);
	o.slabs = &pool;
	o.paths = true;
	o.flush_ns = 100'000;
	script = &s;
	for (uint64_t i = 0; i < records; i++)
		s.commit(call(0, length, 0, i));
	Session session(std::move(o), [&](const SessionEvent &e) {
		if (e.type == SessionEventType::Batch) {
			for (uint32_t i = 0; i < e.count; i++) {
				const tb_record &r = pool.at(e.slab)[i];
				const uint32_t at = r.aux >> 32, bytes = static_cast<uint32_t>(r.aux);
				const std::string begin = std::to_string(next) + "/";

				right = right && r.args[3] == next++ && at + bytes <= pool.arena_bytes();
				if (!bytes)
					continue;
				strings++;
				right = right && bytes == sizeof(tb_path) + length &&
					memcmp(pool.arena_at(e.slab) + at + sizeof(tb_path), begin.data(),
					       begin.size()) == 0;
			}
			pool.give_back(e.slab);
		}
		events.add(e);
	});
	session.arm(1);
	session.stop();
	events.wait_for(SessionEventType::Ended);
	CHECK(right);
	CHECK_EQ(next, records);
	CHECK_EQ(strings + s.paths.left_out, records);
	CHECK_EQ(strings, s.paths.read);
	return strings;
}

TEST(session_has_room_for_strings_of_middling_length)
{
	Script s;

	CHECK_EQ(strings_through_slabs(s, 5003, 100), 5003u);
	CHECK(s.paths_asked);
	CHECK_EQ(s.paths.left_out, 0u);
}

TEST(session_leaves_strings_out_and_never_a_record)
{
	Script s;
	const uint64_t strings = strings_through_slabs(s, 5003, TB_PATH_BYTES - 1);

	/* Rounds of a fresh slab are of 256 records, and its arena holds 126 such strings. */
	CHECK(s.paths.left_out > 0);
	CHECK(strings > 5003 / 3);
}

TEST(session_counts_what_the_bridge_could_not_carry)
{
	Script s;
	script = &s;
	Events events;
	std::vector<tb_record> memory(2 * 64);
	SlabPool pool(memory.data(), 2, 64);
	SessionOptions o = options_for(nullptr);
	o.slabs = &pool;
	uint64_t handed = 0;
	for (uint64_t i = 0; i < 1000; i++)
		s.commit(call(0, 0, 0, i));
	Session session(std::move(o), [&](const SessionEvent &e) {
		if (e.type == SessionEventType::Batch)
			handed += e.count; /* never given back */
		events.add(e);
	});
	session.arm(1);
	session.stop();
	events.wait_for(SessionEventType::Ended);
	CHECK_EQ(handed, 128u);
	CHECK_EQ(session.report().bridge_lost_records, 1000u - 128);
	CHECK_EQ(session.ledger().records, 1000u);
}

TEST(session_reports_a_failed_open_and_closes_nothing)
{
	Script s;
	s.fail_open = -EPERM;
	script = &s;
	Events events;
	{
		Session session(options_for(nullptr), [&](const SessionEvent &e) { events.add(e); });
		events.wait_for(SessionEventType::Ended);
		CHECK(session.report().failed);
		CHECK_EQ(session.report().error.code, -EPERM);
		CHECK_EQ(std::string(session.report().failed_operation), "open");
		CHECK(strstr(session.report().error.message, "variant plain") != nullptr);
	}
	CHECK_EQ(s.closed, 0);
}

TEST(session_closes_after_a_failed_arm)
{
	Script s;
	s.fail_arm = -ESRCH;
	script = &s;
	Events events;
	{
		Session session(options_for(nullptr), [&](const SessionEvent &e) { events.add(e); });
		session.arm(1);
		events.wait_for(SessionEventType::Ended);
		CHECK_EQ(std::string(session.report().failed_operation), "arm");
	}
	CHECK_EQ(s.closed, 1);
}

TEST(session_opens_the_gates_when_its_source_breaks)
{
	Script s;
	script = &s;
	Events events;
	auto control = std::make_unique<tb_control>();
	Session session(options_for(control.get()), [&](const SessionEvent &e) { events.add(e); });
	session.arm(1);
	events.wait_for(SessionEventType::Armed);
	s.fail_drain = -EIO;
	__atomic_store_n(&control->gate, static_cast<uint32_t>(TB_GATE_START), __ATOMIC_RELEASE);
	spin_until_released(*control, TB_GATE_END);
	events.wait_for(SessionEventType::Ended);
	CHECK_EQ(std::string(session.report().failed_operation), "drain");
}

TEST(session_reports_what_failed_first)
{
	Script s;
	s.fail_drain = -EIO;
	s.fail_disarm = -EBUSY;
	script = &s;
	Events events;
	Session session(options_for(nullptr), [&](const SessionEvent &e) { events.add(e); });
	session.arm(1);
	events.wait_for(SessionEventType::Ended);
	CHECK_EQ(s.disarmed, 1);
	CHECK_EQ(std::string(session.report().failed_operation), "drain");
	CHECK_EQ(session.report().error.code, -EIO);
	CHECK_EQ(std::string(session.report().error.message), "scripted drain failure");
}

TEST(session_stops_before_it_was_armed)
{
	Script s;
	script = &s;
	Events events;
	{
		Session session(options_for(nullptr), [&](const SessionEvent &e) { events.add(e); });
		events.wait_for(SessionEventType::Opened);
	}
	CHECK_EQ(s.opened, 1);
	CHECK_EQ(s.closed, 1);
}

TEST(session_asks_a_source_for_what_it_has_parked)
{
	Script s;
	s.settle_after = 3;
	script = &s;
	tb_source_ops ops = script_ops;
	ops.settle = script_settle;
	Events events;
	auto control = std::make_unique<tb_control>();
	SessionOptions o = options_for(control.get());
	o.ops = &ops;
	Session session(std::move(o), [&](const SessionEvent &e) { events.add(e); });
	session.arm(1);
	events.wait_for(SessionEventType::Armed);
	control->lanes = 1;
	control->kinds = 1;
	control->kind[0].nr = SYS_getppid;
	control->kind[0].call_class = TB_CLASS_STAMPED;
	control->kind[0].stamp_arg = 3;
	auto park = [&](const tb_record &r) {
		std::lock_guard<std::mutex> lock(s.mutex);
		s.parked.push_back(r);
	};
	auto reach = [&](tb_gate gate) {
		__atomic_store_n(&control->gate, static_cast<uint32_t>(gate), __ATOMIC_RELEASE);
		spin_until_released(*control, gate);
		std::lock_guard<std::mutex> lock(s.mutex);
		check::truth(s.parked.empty() && s.pending.empty(), "nothing is left at a gate", __FILE__,
			     __LINE__);
		check::equal(s.settle_asked % 3, 0, "asked until it had settled", __FILE__, __LINE__);
	};
	park(call(0, 0, 0, 1));
	reach(TB_GATE_WARM);
	CHECK_EQ(s.settle_asked, 3);
	park(call(TB_MARK_0, TB_MARK_1, TB_MARK_START, 0));
	reach(TB_GATE_START);
	for (uint64_t i = 0; i < 10; i++)
		park(call(0, 0, 0, tb_stamp__pack(0, i, tb_monotonic_ns())));
	control->lane_issued[0] = 10;
	reach(TB_GATE_END);
	park(call(0, 0, 0, 2));
	session.stop();
	events.wait_for(SessionEventType::Ended);
	CHECK(!session.report().failed);
	CHECK_EQ(session.ledger().complete, 10u);
	CHECK_EQ(session.ledger().records, 13u);
	CHECK_EQ(s.settle_asked, 12); /* three gates and the end */
}

TEST(session_ends_when_its_source_cannot_settle)
{
	Script s;
	s.fail_settle = -EPERM;
	script = &s;
	tb_source_ops ops = script_ops;
	ops.settle = script_settle;
	Events events;
	auto control = std::make_unique<tb_control>();
	SessionOptions o = options_for(control.get());
	o.ops = &ops;
	Session session(std::move(o), [&](const SessionEvent &e) { events.add(e); });
	session.arm(1);
	events.wait_for(SessionEventType::Armed);
	__atomic_store_n(&control->gate, static_cast<uint32_t>(TB_GATE_WARM), __ATOMIC_RELEASE);
	spin_until_released(*control, TB_GATE_END);
	events.wait_for(SessionEventType::Ended);
	CHECK_EQ(std::string(session.report().failed_operation), "settle");
}

TEST(session_settles_the_section_of_a_target_that_died)
{
	Script s;
	script = &s;
	Events events;
	auto control = std::make_unique<tb_control>();
	Session session(options_for(control.get()), [&](const SessionEvent &e) { events.add(e); });
	session.arm(1);
	events.wait_for(SessionEventType::Armed);
	control->lanes = 1;
	control->kinds = 1;
	control->kind[0].nr = SYS_getppid;
	control->kind[0].call_class = TB_CLASS_STAMPED;
	control->kind[0].stamp_arg = 3;
	s.commit(call(TB_MARK_0, TB_MARK_1, TB_MARK_START, 0));
	__atomic_store_n(&control->gate, static_cast<uint32_t>(TB_GATE_START), __ATOMIC_RELEASE);
	spin_until_released(*control, TB_GATE_START);
	for (uint64_t i = 0; i < 10; i++)
		s.commit(call(0, 0, 0, tb_stamp__pack(0, i, tb_monotonic_ns())));
	control->lane_issued[0] = 11;
	{
		std::lock_guard<std::mutex> lock(s.mutex);
		s.end_of_stream = true;
	}
	session.stop();
	events.wait_for(SessionEventType::Ended);
	CHECK(!session.report().failed);
	CHECK(session.report().section_entered && !session.report().section_left);
	CHECK_EQ(session.ledger().complete, 10u);
	CHECK_EQ(session.ledger().window_missing, 1u);
}

TEST(session_stalls_once_when_asked)
{
	Script s;
	script = &s;
	Events events;
	auto control = std::make_unique<tb_control>();
	SessionOptions o = options_for(control.get());
	o.stall_ns = 30'000'000;
	o.stall_after_calls = 100;
	Session session(std::move(o), [&](const SessionEvent &e) { events.add(e); });
	session.arm(1);
	events.wait_for(SessionEventType::Armed);
	uint64_t before = tb_monotonic_ns();
	play_workload(*control, 5000, 0, 0);
	session.stop();
	events.wait_for(SessionEventType::Ended);
	CHECK(session.report().stalled);
	CHECK(tb_monotonic_ns() - before >= 30'000'000);
	CHECK_EQ(session.ledger().complete, 5000u);
}

TEST(session_waits_as_the_wake_up_policy_says_while_the_workload_works)
{
	struct {
		uint32_t wakeup, value, longest_us;
	} policies[] = {
		{TB_WAKE_TIMER, 200, 1000},
		{TB_WAKE_TIMER, 30'000, 30'000},
		{TB_WAKE_WATERMARK, 4096, 100'000},
		{TB_WAKE_ADAPTIVE, 0, 100'000},
		{TB_WAKE_SYNC, 0, 1000},
	};
	for (const auto &policy : policies) {
		Script s;
		script = &s;
		Events events;
		auto control = std::make_unique<tb_control>();
		SessionOptions o = options_for(control.get());
		o.wakeup = policy.wakeup;
		o.wakeup_value = policy.value;
		Session session(std::move(o), [&](const SessionEvent &e) { events.add(e); });
		session.arm(1);
		events.wait_for(SessionEventType::Armed);
		CHECK(s.longest_wait_us <= 1000); /* a gate must not wait for it */
		play_workload(*control, 500, 0, 0);
		session.stop();
		events.wait_for(SessionEventType::Ended);
		CHECK_EQ(session.ledger().complete, 500u);
		CHECK_EQ(s.longest_wait_us.load(), policy.longest_us);
	}
}

TEST(session_reads_a_running_total_window_by_window)
{
	Script s;
	script = &s;
	Events events;
	tb_source_ops counting = script_ops;
	counting.open = counting_open;
	counting.counts = counting_counts;
	counting.total = counting_total;
	SessionOptions o = options_for(nullptr);
	o.ops = &counting;
	o.expects_records = false;
	o.meter_ns = 200'000;
	o.readings_most = 5;
	Session session(std::move(o), [&](const SessionEvent &e) { events.add(e); });
	session.arm(1);
	events.wait_for(SessionEventType::Armed);
	std::this_thread::sleep_for(std::chrono::milliseconds(20)); /* five windows are long over */
	session.stop();
	events.wait_for(SessionEventType::Ended);
	const SessionReport &report = session.report();
	CHECK(!report.failed);
	CHECK(totals_asked);
	CHECK_EQ(report.readings.size(), 5u);
	uint64_t counted = report.run.foreign_counts;
	for (uint64_t count : report.run.counts)
		counted += count;
	CHECK_EQ(report.readings.back().calls - report.readings.front().calls, counted);
	/* Five looks, 28 calls between two of them. */
	CHECK_EQ(counted, 4u * 28u);
	for (size_t i = 1; i < report.readings.size(); i++) {
		CHECK_EQ(report.readings[i].calls - report.readings[i - 1].calls, 28u);
		CHECK(report.readings[i].at_ns > report.readings[i - 1].at_ns);
	}
}

TEST(session_refuses_a_meter_on_a_source_that_keeps_no_total)
{
	Script s;
	script = &s;
	Events events;
	SessionOptions o = options_for(nullptr);
	o.meter_ns = 200'000;
	o.readings_most = 5;
	Session session(std::move(o), [&](const SessionEvent &e) { events.add(e); });
	events.wait_for(SessionEventType::Ended);
	CHECK(session.report().failed);
	CHECK_EQ(session.report().error.code, -EOPNOTSUPP);
	CHECK_EQ(std::string(session.report().error.message), "script keeps no running total");
	CHECK_EQ(s.opened, 0);
}
