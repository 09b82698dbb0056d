// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <random>
#include <unistd.h>

extern "C" {
#include <traceevent/kbuffer.h> /* does not say so itself */
}

#include "check.h"
#include "golden.h"
#include "stream.h"
#include "sub_buffer.h"
#include "text_line.h"

using namespace tb::ftrace;

namespace
{

struct Raw {
	uint64_t ts_ns;
	std::vector<uint8_t> data;

	bool operator==(const Raw &) const = default;
};

std::vector<Raw> walked(const std::vector<uint8_t> &page, bool *unsound = nullptr)
{
	std::vector<Raw> events;
	SubBuffer walk;

	walk.load(page.data(), page.size());
	while (walk.next()) {
		CHECK(walk.data() >= page.data() + 16 &&
		      walk.data() + walk.size() <= page.data() + page.size());
		events.push_back({walk.ts_ns(), {walk.data(), walk.data() + walk.size()}});
	}
	if (unsound)
		*unsound = walk.unsound();
	else
		CHECK(!walk.unsound());
	CHECK(!walk.next());
	return events;
}

/* By libtraceevent, which believes what it reads. */
std::vector<Raw> walked_by_library(std::vector<uint8_t> page, int *missed = nullptr)
{
	std::unique_ptr<kbuffer, void (*)(kbuffer *)> walk(
		kbuffer_alloc(KBUFFER_LSIZE_SAME_AS_HOST, KBUFFER_ENDIAN_SAME_AS_HOST), kbuffer_free);
	std::vector<Raw> events;
	unsigned long long ts;

	kbuffer_load_subbuffer(walk.get(), page.data());
	if (missed)
		*missed = kbuffer_missed_events(walk.get());
	for (void *data = kbuffer_read_event(walk.get(), &ts); data;
	     data = kbuffer_next_event(walk.get(), &ts)) {
		const auto *bytes = static_cast<const uint8_t *>(data);

		events.push_back({ts, {bytes, bytes + kbuffer_event_size(walk.get())}});
	}
	return events;
}

std::vector<Event> decoded(const std::vector<std::vector<uint8_t>> &pages)
{
	const Formats formats = golden_formats();
	std::vector<Event> events;

	for (const auto &page : pages)
		for (const Raw &raw : walked(page)) {
			Event event = {};

			CHECK(formats.decode(raw.data.data(), raw.data.size(), &event));
			event.ts_ns = raw.ts_ns;
			events.push_back(event);
		}
	return events;
}

void put_word(std::vector<uint8_t> *page, uint32_t word)
{
	const auto *bytes = reinterpret_cast<const uint8_t *>(&word);

	page->insert(page->end(), bytes, bytes + 4);
}

/* A page with a header of time 1000 and whatever `words` are. */
std::vector<uint8_t> page_of(std::initializer_list<uint32_t> words)
{
	std::vector<uint8_t> page;

	put_word(&page, 1000);
	put_word(&page, 0);
	put_word(&page, static_cast<uint32_t>(words.size() * 4));
	put_word(&page, 0);
	for (uint32_t word : words)
		put_word(&page, word);
	return page;
}

/* A stream over a pipe, which gives back whole pages as trace_pipe_raw does. */
struct Piped {
	Piped()
	{
		int ends[2];

		if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
			throw std::runtime_error("pipe2");
		reader = Fd(ends[0]);
		writer = Fd(ends[1]);
	}
	void put(const std::vector<uint8_t> &page)
	{
		CHECK_EQ(write(writer.get(), page.data(), page.size()), static_cast<ssize_t>(page.size()));
	}

	Fd reader, writer;
};

std::vector<Event> taken(Stream *stream)
{
	std::vector<Event> events;

	while (const Event *event = stream->front()) {
		events.push_back(*event);
		stream->pop();
	}
	return events;
}

} // namespace

TEST(pages_as_the_library_reads_them)
{
	size_t events = 0;

	for (const char *name : {"calls.pages", "sleep.pages", "overwritten.pages"})
		for (const auto &page : golden_pages(name)) {
			const auto ours = walked(page);

			CHECK(ours == walked_by_library(page));
			events += ours.size();
		}
	CHECK_EQ(events, 82u + 250u + 84u + 84u);
}

TEST(pages_with_a_pause_have_time_extends)
{
	const auto events = decoded(golden_pages("sleep.pages"));
	uint64_t longest = 0;

	for (size_t i = 1; i < events.size(); i++) {
		CHECK(events[i].ts_ns >= events[i - 1].ts_ns);
		longest = std::max(longest, events[i].ts_ns - events[i - 1].ts_ns);
	}
	CHECK(longest > 300'000'000 && longest < 400'000'000);
}

TEST(pages_tell_what_was_overwritten)
{
	const auto pages = golden_pages("overwritten.pages");
	SubBuffer walk;
	int missed;

	walk.load(pages[0].data(), pages[0].size());
	CHECK(walk.missed_events());
	walked_by_library(pages[0], &missed);
	CHECK_EQ(missed, 588);
	walk.load(pages[1].data(), pages[1].size());
	CHECK(!walk.missed_events());
}

/* The kernel's own text of the same events is the reference for the binary ones, and the other way round. */
TEST(pages_hold_what_the_text_says)
{
	const auto events = decoded(golden_pages("calls.pages"));
	const std::string text = golden("calls.txt");
	size_t from = 0, i = 0;
	unsigned kinds[5] = {};

	for (size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1, i++) {
		Event line = {};

		CHECK_EQ(int(parse_line(std::string_view(text).substr(from, end - from), &line)),
			 int(Line::event));
		CHECK(i < events.size());
		const Event &event = events[i];
		CHECK_EQ(int(event.kind), int(line.kind));
		CHECK_EQ(event.tid, line.tid);
		CHECK(event.ts_ns >= line.ts_ns && event.ts_ns < line.ts_ns + 1000);
		CHECK_EQ(line.cpu, 0);
		kinds[int(event.kind)]++;
		switch (event.kind) {
		case EventKind::enter:
			CHECK_EQ(event.nr, line.nr);
			CHECK(memcmp(event.args, line.args, sizeof(event.args)) == 0);
			break;
		case EventKind::leave:
			CHECK_EQ(event.nr, line.nr);
			CHECK_EQ(event.ret, line.ret);
			break;
		case EventKind::task_new:
			CHECK_EQ(event.thread, line.thread);
			CHECK(!event.thread);
			[[fallthrough]];
		case EventKind::exec:
			CHECK_EQ(event.other_tid, line.other_tid);
			break;
		case EventKind::task_gone:
			break;
		}
	}
	CHECK_EQ(i, events.size());
	for (EventKind kind :
	     {EventKind::enter, EventKind::leave, EventKind::task_new, EventKind::exec, EventKind::task_gone})
		CHECK(kinds[int(kind)] > 0);
	CHECK_EQ(kinds[int(EventKind::task_new)], 2u);
	CHECK_EQ(kinds[int(EventKind::task_gone)], 3u);
}

TEST(pages_cut_short)
{
	const auto whole = golden_pages("calls.pages")[0];
	const auto all = walked(whole);
	bool unsound;

	/* The page is shorter than its commit says: nothing of it can be trusted. */
	for (size_t bytes = 0; bytes < 16 + 0xf58; bytes++) {
		CHECK(walked({whole.begin(), whole.begin() + static_cast<long>(bytes)}, &unsound).empty());
		CHECK(unsound);
	}
	/* The commit is shorter than the events: those before it come, the one it cuts does not. */
	for (uint32_t commit = 0; commit < 0xf58; commit += 4) {
		std::vector<uint8_t> page(whole.begin(), whole.begin() + 16 + static_cast<long>(commit));

		memcpy(page.data() + 8, &commit, sizeof(commit));
		const auto some = walked(page, &unsound);
		CHECK(some.size() < all.size());
		CHECK(std::equal(some.begin(), some.end(), all.begin()));
		uint32_t used = 0;
		for (const Raw &raw : some)
			used += 4 + static_cast<uint32_t>(raw.data.size());
		CHECK_EQ(unsound, used != commit);
	}
}

TEST(pages_of_each_kind_of_event)
{
	const auto padding_inside = page_of({29 | 1 << 5, 8, 0, 2 | 5 << 5, 11, 12});
	const auto events = walked(padding_inside);
	CHECK_EQ(events.size(), 1u);
	CHECK_EQ(events[0].ts_ns, 1006u);
	CHECK(events == walked_by_library(padding_inside));

	CHECK(walked(page_of({29, 0xffffffff, 0xffffffff})).empty()); /* the rest is empty */

	const auto long_one = page_of({0 | 7 << 5, 12, 1, 2, 1 | 1 << 5, 9});
	CHECK(walked(long_one) == walked_by_library(long_one));
	CHECK_EQ(walked(long_one).size(), 2u);
	CHECK_EQ(walked(long_one)[0].data.size(), 8u);

	const auto extended = page_of({30 | 3 << 5, 2, 1 | 1 << 5, 9, 31 | 77 << 5, 0x10, 1, 5});
	CHECK(walked(extended) == walked_by_library(extended));
	CHECK_EQ(walked(extended)[0].ts_ns, 1000u + 3 + (2ull << 27) + 1);
	CHECK_EQ(walked(extended)[1].ts_ns, 77 + (0x10ull << 27));
}

TEST(pages_with_lengths_that_lead_nowhere)
{
	bool unsound;

	for (const auto &page :
	     {page_of({28, 1}), page_of({30}), page_of({31 | 1 << 5}), page_of({29 | 1 << 5, 0}),
	      page_of({29 | 1 << 5, 0xfffffffc}), page_of({29 | 1 << 5, 64}), page_of({0, 0}),
	      page_of({0, 3}), page_of({0, 0xffffffff}), page_of({0, 0xfffffffe}), page_of({0, 64})}) {
		CHECK(walked(page, &unsound).empty());
		CHECK(unsound);
	}
}

TEST(pages_at_random_stay_within_their_memory)
{
	const Formats formats = golden_formats();
	const auto golden = golden_pages("calls.pages")[0];
	size_t unsound_pages = 0, events = 0, undecoded = 0;

	for (uint32_t seed = 0; seed < 20000; seed++) {
		std::mt19937 random(seed);
		std::vector<uint8_t> page = golden;
		bool unsound = false;

		if (seed % 4 == 0) {
			page.resize(random() % 256);
			for (uint8_t &byte : page)
				byte = static_cast<uint8_t>(random());
			if (page.size() >= 16 && seed % 8 == 0) {
				const uint64_t commit = page.size() - 16;

				memcpy(page.data() + 8, &commit, sizeof(commit));
			}
		} else {
			for (uint32_t flips = 1 + random() % 16; flips; flips--)
				page[random() % (16 + 0xf58)] ^= static_cast<uint8_t>(1u << random() % 8);
		}
		for (const Raw &raw : walked(page, &unsound)) {
			std::vector<uint8_t> exact =
				raw.data; /* so that ASan sees what decode reads beyond */
			Event event;

			undecoded += !formats.decode(exact.data(), exact.size(), &event);
			events++;
		}
		unsound_pages += unsound;
	}
	CHECK(unsound_pages > 1000);
	CHECK(events > 100'000);
	CHECK(undecoded > 100);
}

TEST(page_stream_in_order_and_whole)
{
	const Formats formats = golden_formats();
	const auto pages = golden_pages("sleep.pages");
	Piped pipe;
	PageStream stream(std::move(pipe.reader), formats, 3, 2);
	tb_error err = {};

	CHECK_EQ(stream.fill(&err), 0);
	CHECK(stream.exhausted());
	CHECK(!stream.front());
	for (const auto &page : pages)
		pipe.put(page);
	CHECK_EQ(stream.fill(&err), 1);
	CHECK(!stream.exhausted()); /* room for two pages only */
	CHECK_EQ(stream.received(), walked(pages[0]).size() + walked(pages[1]).size());
	CHECK(stream.front());
	CHECK_EQ(stream.fill(&err), 0); /* events are left */
	auto events = taken(&stream);
	CHECK_EQ(stream.fill(&err), 1);
	CHECK(stream.exhausted());
	for (const Event &event : taken(&stream))
		events.push_back(event);
	const auto expected = decoded(pages);
	CHECK_EQ(events.size(), expected.size());
	for (size_t i = 0; i < events.size(); i++) {
		CHECK_EQ(events[i].ts_ns, expected[i].ts_ns);
		CHECK_EQ(events[i].tid, expected[i].tid);
		CHECK_EQ(events[i].cpu, 3);
		CHECK(!events[i].lost_before);
	}
	CHECK_EQ(stream.received(), expected.size());
	CHECK_EQ(stream.undecoded(), 0u);
}

/* What was taken to be all at one look is not all at the next. */
TEST(page_stream_is_exhausted_only_by_its_last_look)
{
	const Formats formats = golden_formats();
	const auto pages = golden_pages("sleep.pages");
	Piped pipe;
	PageStream stream(std::move(pipe.reader), formats, 0, 4);
	tb_error err = {};

	pipe.put(pages[0]);
	CHECK_EQ(stream.fill(&err), 1);
	CHECK(stream.exhausted());
	CHECK(stream.front());
	CHECK_EQ(stream.fill(&err), 0);
	CHECK(!stream.exhausted());
}

namespace
{

/* Whose events have lost_before, of what the stream has now. */
std::vector<size_t> marks(PageStream *stream)
{
	std::vector<size_t> at;
	size_t i = 0;

	for (const Event &event : taken(stream)) {
		if (event.lost_before)
			at.push_back(i);
		i++;
	}
	return at;
}

/* A stream that has read `pages`. */
struct Filled : Piped {
	explicit Filled(const std::vector<std::vector<uint8_t>> &pages)
		: stream(std::move(reader), formats, 0, 16)
	{
		tb_error err = {};

		for (const auto &page : pages)
			put(page);
		CHECK_EQ(stream.fill(&err), 1);
	}

	const Formats formats = golden_formats();
	PageStream stream;
};

} // namespace

TEST(page_stream_marks_what_was_overwritten)
{
	Filled f(golden_pages("overwritten.pages"));

	CHECK(marks(&f.stream) == std::vector<size_t>{0});
}

TEST(page_stream_marks_where_newer_events_may_have_been_dropped)
{
	const auto pages = golden_pages("sleep.pages");
	const size_t first = walked(pages[0]).size(), second = walked(pages[1]).size();
	Filled f(pages), g(pages), h(pages);

	CHECK(!f.stream.suspected());
	f.stream.suspect(first - 10, first + 5);
	CHECK(f.stream.suspected());
	CHECK(marks(&f.stream) == std::vector<size_t>{first});
	f.stream.suspect(1, first); /* passed already */
	CHECK(marks(&f.stream).empty());

	g.stream.suspect(first, first);
	g.stream.suspect(first + second, first + second + 1000);
	CHECK(marks(&g.stream) == (std::vector<size_t>{first, first + second}));

	h.stream.suspect(1'000'000, 1'000'001); /* far ahead */
	CHECK(!h.stream.suspected());
	CHECK(marks(&h.stream).empty());
}

TEST(page_stream_marks_what_it_cannot_read)
{
	auto broken = golden_pages("calls.pages")[0];

	broken[16] = 0; /* the first event is a long one now, of a length that leads out of the page */
	memset(broken.data() + 20, 0xff, 4);
	Filled f({broken, golden_pages("sleep.pages")[0]});

	CHECK(marks(&f.stream) == std::vector<size_t>{0});
	CHECK_EQ(f.stream.undecoded(), 1u);
}

/* A kernel whose reader is held up while it turns the page drops what was written meanwhile, and tells nobody. */
TEST(page_stream_notices_a_page_that_was_not_given_whole)
{
	const auto sleep = golden_pages("sleep.pages");

	/* The page's first `events`, and a copy of the rest as the kernel makes it. */
	const auto split = [](const std::vector<uint8_t> &page, size_t events) {
		std::vector<uint8_t> head = page, tail(page.size());
		SubBuffer walk;

		walk.load(page.data(), page.size());
		for (size_t i = 0; i < events; i++)
			CHECK(walk.next());
		const auto at = static_cast<size_t>(walk.data() + walk.size() - page.data());
		uint64_t commit, ts = walk.ts_ns();
		memcpy(&commit, page.data() + 8, 8);
		const uint64_t first = at - 16, second = commit - first;
		memcpy(head.data() + 8, &first, 8);
		memcpy(tail.data(), &ts, 8);
		memcpy(tail.data() + 8, &second, 8);
		memcpy(tail.data() + 16, page.data() + at, second);
		return std::pair{head, tail};
	};
	Filled whole(sleep);
	CHECK(marks(&whole.stream).empty());
	CHECK_EQ(whole.stream.short_pages(), 0u);
	for (size_t events = 1; events < walked(sleep[0]).size(); events++) {
		const auto [head, tail] = split(sleep[0], events);
		Filled both({head, tail, sleep[1], sleep[2]}), cut({head, sleep[1], sleep[2]});

		CHECK(marks(&both.stream).empty());
		CHECK_EQ(both.stream.short_pages(), 0u);
		/* The last event or two could have been left out for want of room. */
		if (events > walked(sleep[0]).size() - 4)
			continue;
		CHECK(marks(&cut.stream) == std::vector<size_t>{events});
		CHECK_EQ(cut.stream.short_pages(), 1u);
	}
}
