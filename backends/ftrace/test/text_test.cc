// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <memory>
#include <random>
#include <unistd.h>

#include "call_filter.h"
#include "check.h"
#include "golden.h"
#include "instance.h"
#include "stream.h"
#include "text_line.h"

using namespace tb::ftrace;

namespace
{

std::string line_of(uint32_t tid, unsigned cpu, uint64_t us, const std::string &rest,
		    const std::string &name = "calls")
{
	char text[256];

	snprintf(text, sizeof(text), "%16s-%-7u [%03u] ..... %5llu.%06llu: ", name.c_str(), tid, cpu,
		 static_cast<unsigned long long>(us / 1000000),
		 static_cast<unsigned long long>(us % 1000000));
	return text + rest;
}

std::string exit_line(uint32_t tid, unsigned cpu, uint64_t us, int nr = 3)
{
	return line_of(tid, cpu, us, "sys_exit: NR " + std::to_string(nr) + " = 0") + "\n";
}

struct TextPipe {
	explicit TextPipe(unsigned cpus)
	{
		int ends[2];

		if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
			throw std::runtime_error("pipe2");
		writer = Fd(ends[1]);
		stream = std::make_unique<TextStream>(Fd(ends[0]), cpus);
	}
	void put(const std::string &text)
	{
		CHECK_EQ(write(writer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
	}
	std::vector<Event> take()
	{
		std::vector<Event> events;
		tb_error err = {};

		stream->fill(&err);
		while (const Event *event = stream->front()) {
			events.push_back(*event);
			stream->pop();
		}
		return events;
	}

	Fd writer;
	std::unique_ptr<TextStream> stream;
};

} // namespace

TEST(text_line_of_a_call)
{
	Event e = {};

	CHECK_EQ(int(parse_line(line_of(42, 1, 12287305966,
					"sys_enter: NR 20 (11110000, 2222, 0, ffffffffffffffff, a, b)"),
				&e)),
		 int(Line::event));
	CHECK_EQ(int(e.kind), int(EventKind::enter));
	CHECK_EQ(e.tid, 42u);
	CHECK_EQ(e.cpu, 1);
	CHECK_EQ(e.ts_ns, 12287305966000u - 500);
	CHECK_EQ(e.nr, 20);
	CHECK_EQ(e.args[0], 0x11110000u);
	CHECK_EQ(e.args[3], UINT64_MAX);
	CHECK_EQ(e.args[5], 0xbu);
	CHECK_EQ(int(parse_line(line_of(4194304, 127, 5, "sys_exit: NR -1 = -512"), &e)), int(Line::event));
	CHECK_EQ(e.tid, 4194304u);
	CHECK_EQ(e.cpu, 127);
	CHECK_EQ(e.nr, -1);
	CHECK_EQ(e.ret, -512);
}

TEST(text_line_with_names_chosen_by_the_target)
{
	Event e = {};

	for (const char *name :
	     {"a-7     [003] .", ": sys_exit: NR ", "CPU:1 [LOST 5 E", "=0 pid=1 ]] ---"}) {
		CHECK_EQ(int(parse_line(line_of(42, 1, 77, "sys_exit: NR 3 = 9", name), &e)),
			 int(Line::event));
		CHECK_EQ(e.tid, 42u);
		CHECK_EQ(e.cpu, 1);
		CHECK_EQ(e.nr, 3);
		CHECK_EQ(e.ret, 9);
	}
	CHECK_EQ(int(parse_line(line_of(42, 1, 77,
					"sched_process_exec: filename=/x pid=1 old_pid=2 pid=42 old_pid=41"),
				&e)),
		 int(Line::event));
	CHECK_EQ(int(e.kind), int(EventKind::exec));
	CHECK_EQ(e.other_tid, 41u);
	CHECK_EQ(int(parse_line(line_of(42, 1, 77,
					"task_newtask: pid=43 comm= clone_flags=0 clone_flags=3d0f00 "
					"oom_score_adj=0"),
				&e)),
		 int(Line::event));
	CHECK_EQ(e.other_tid, 43u);
	CHECK(e.thread);
}

TEST(text_line_that_cannot_be_read)
{
	Event e;

	for (const std::string &line :
	     {std::string("x"), std::string(16, ' '), std::string("                -"), line_of(1, 0, 5, ""),
	      line_of(1, 0, 5, "sys_enter: NR 1 (1, 2, 3, 4, 5)"),
	      line_of(1, 0, 5, "sys_enter: NR 1 (1, 2, 3, 4, 5, 6) "), line_of(1, 0, 5, "sys_exit: NR 1 = "),
	      line_of(1, 0, 5, "sys_exit: NR 99999999999999999999 = 1"), line_of(1, 0, 5, "sched_switch: x"),
	      line_of(1, 0, 5, "sched_process_exec: filename=x"),
	      std::string("           calls-1       [000] .....    12.34567: sys_exit: NR 1 = 1"),
	      std::string("CPU:x [LOST 5 EVENTS]"), std::string("CPU:1 [LOST 5 EVENTS] ")})
		CHECK_EQ(int(parse_line(line, &e)), int(Line::unreadable));
	CHECK_EQ(int(parse_line("", &e)), int(Line::nothing));
	CHECK_EQ(int(parse_line("CPU:1 [LOST 588 EVENTS]", &e)), int(Line::lost));
	CHECK_EQ(e.cpu, 1);
	CHECK_EQ(int(parse_line("CPU:12 [LOST EVENTS]", &e)), int(Line::lost));
}

TEST(text_lines_at_random)
{
	const std::string text = golden("calls.txt");
	size_t unreadable = 0, events = 0;

	for (uint32_t seed = 0; seed < 200; seed++) {
		std::mt19937 random(seed);

		for (size_t from = 0, end; (end = text.find('\n', from)) != std::string::npos;
		     from = end + 1) {
			std::vector<char> line(text.begin() + static_cast<long>(from),
					       text.begin() + static_cast<long>(end));
			Event event;

			if (random() % 4 == 0)
				line.resize(random() % line.size());
			for (uint32_t n = random() % 3; n && !line.empty(); n--)
				line[random() % line.size()] = static_cast<char>(random());
			line.shrink_to_fit(); /* so that ASan sees what is read beyond */
			const Line kind = parse_line({line.data(), line.size()}, &event);
			unreadable += kind == Line::unreadable;
			events += kind == Line::event;
		}
	}
	CHECK(unreadable > 1000);
	CHECK(events > 1000);
}

TEST(text_stream_joins_lines_that_come_in_pieces)
{
	TextPipe pipe(2);
	const std::string text = exit_line(7, 0, 100) + exit_line(7, 0, 101) + exit_line(7, 0, 102);

	for (size_t cut = 0; cut <= text.size(); cut++) {
		pipe.put(text.substr(0, cut));
		size_t count = pipe.take().size();
		pipe.put(text.substr(cut));
		count += pipe.take().size();
		CHECK_EQ(count, 3u);
	}
	CHECK_EQ(pipe.stream->undecoded(), 0u);
	CHECK_EQ(pipe.stream->received(), 3 * (text.size() + 1));
}

TEST(text_stream_puts_displaced_lines_right)
{
	TextPipe pipe(2);

	pipe.put(exit_line(7, 0, 100) + exit_line(8, 1, 130) + exit_line(7, 0, 120) + exit_line(7, 0, 140));
	const auto events = pipe.take();
	CHECK_EQ(events.size(), 4u);
	for (size_t i = 1; i < events.size(); i++)
		CHECK(events[i - 1].ts_ns < events[i].ts_ns);
}

TEST(text_stream_marks_losses_by_cpu)
{
	TextPipe pipe(2);

	pipe.put(exit_line(7, 0, 100) + "CPU:1 [LOST 33 EVENTS]\n" + exit_line(7, 0, 101) +
		 exit_line(8, 1, 102) + exit_line(8, 1, 103));
	const auto events = pipe.take();
	CHECK_EQ(events.size(), 4u);
	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(events[i].lost_before, i == 2);
}

TEST(text_stream_counts_what_it_cannot_read)
{
	TextPipe pipe(1);

	pipe.put(exit_line(7, 0, 100) + "rubbish\n" + exit_line(7, 0, 101));
	auto events = pipe.take();
	CHECK_EQ(events.size(), 2u);
	CHECK(events[1].lost_before);
	CHECK_EQ(pipe.stream->undecoded(), 1u);
	pipe.put(std::string(9000, 'x'));
	CHECK(pipe.take().empty());
	CHECK_EQ(pipe.stream->undecoded(), 2u);
	pipe.put(exit_line(7, 0, 102));
	events = pipe.take();
	CHECK_EQ(events.size(), 1u);
	CHECK(events[0].lost_before);
}

TEST(filter_expressions)
{
	tb_filter filter = {};
	const auto want = [&filter](int nr) {
		filter.active = 1;
		filter.wanted[nr / 64] |= 1ull << (nr % 64);
	};

	CHECK_EQ(entry_filter(filter), "");
	CHECK_EQ(exit_filter(filter), "");
	filter.active = 1;
	CHECK_EQ(entry_filter(filter), "id==512");
	want(61);
	want(110);
	CHECK_EQ(entry_filter(filter), "id==61||id==110");
	want(62);
	want(63);
	want(64);
	CHECK_EQ(entry_filter(filter), "(id>=61&&id<=64)||id==110");
	CHECK_EQ(exit_filter(filter), "(id>=61&&id<=64)||id==110");
#ifdef __x86_64__
	want(15);
	CHECK_EQ(exit_filter(filter), "id==15||(id>=61&&id<=64)||id==110||id==-1");
#endif
	filter = {};
	for (int nr = 1; nr < TB_NR_MAX; nr += 2)
		want(nr);
	CHECK(exit_filter(filter).size() < 4000);
	for (int nr = 0; nr < TB_NR_MAX; nr++)
		want(nr);
	CHECK_EQ(entry_filter(filter), "(id>=0&&id<=511)");
}

TEST(stats_of_a_cpu)
{
	const std::string text = "\n" + golden("stats.txt");
	CpuStats stats;

	CHECK(parse_stats(text.c_str(), &stats));
	CHECK_EQ(stats.overrun, 588u);
	CHECK_EQ(stats.commit_overrun, 0u);
	CHECK_EQ(stats.dropped, 0u);
	CHECK_EQ(stats.read, 0u);
	CHECK_EQ(stats.lost(), 588u);
	CHECK(!parse_stats("\nentries: 3\noverrun: 5\n", &stats));
	CHECK(!parse_stats("\noverrun: x\ncommit overrun: 0\ndropped events: 0\nread events: 0\n", &stats));
}
