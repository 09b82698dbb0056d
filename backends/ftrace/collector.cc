/* SPDX-License-Identifier: Apache-2.0 */
#include "collector.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>

#include "clock.h"

namespace tb::ftrace
{

namespace
{

#if defined(__x86_64__)
constexpr uint32_t kArch = TB_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArch = TB_ARCH_AARCH64;
#else
#error "x86-64 and arm64 only"
#endif

constexpr int kStrandedTries = 8;
/* Stranded records are in the kernel's count of events and not in ours; see README. */
constexpr uint64_t kStrandedMax = 1024;

/* The process of a thread of which no event told; 0 when it is gone. */
uint32_t tgid_from_proc(uint32_t tid)
{
	char path[64], line[128];
	uint32_t tgid = 0;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %u", &tgid) == 1)
			break;
	fclose(file);
	return tgid;
}

} // namespace

Collector::Collector(const tb_filter &filter, tracebench::CallPairing::Mode mode) : pairing_(filter, mode)
{
	pairing_.set_tgid_lookup(tgid_from_proc);
}

int Collector::add_pages(const Instance &instance, const Formats &formats, bool has_calls, unsigned pages,
			 tb_error *err)
{
	for (size_t i = 0; i < instance.cpus().size(); i++) {
		const unsigned cpu = instance.cpus()[i];
		char path[64];
		Fd fd;

		snprintf(path, sizeof(path), "per_cpu/cpu%u/trace_pipe_raw", cpu);
		int code = instance.open(path, O_RDONLY | O_NONBLOCK, &fd, err);
		if (code < 0)
			return code;
		auto stream = std::make_unique<PageStream>(std::move(fd), formats, cpu, pages);
		if (has_calls) {
			events_per_page_ = formats.events_per_page();
			watched_.push_back({stream.get(), &instance, i, 0, 0});
			call_streams_++;
		}
		streams_.push_back(std::move(stream));
	}
	return 0;
}

int Collector::add_text(const Instance &instance, tb_error *err)
{
	Fd fd;
	int code = instance.open("trace_pipe", O_RDONLY | O_NONBLOCK, &fd, err);

	if (code < 0)
		return code;
	streams_.push_back(std::make_unique<TextStream>(std::move(fd), instance.cpus().size()));
	call_streams_++;
	return 0;
}

void Collector::poll_fds(std::vector<int> *fds) const
{
	for (size_t i = 0; i < call_streams_; i++)
		fds->push_back(streams_[i]->fd());
}

uint64_t Collector::undecoded() const
{
	uint64_t sum = 0;

	for (const auto &stream : streams_)
		sum += stream->undecoded();
	return sum;
}

uint64_t Collector::received() const
{
	uint64_t sum = 0;

	for (size_t i = 0; i < call_streams_; i++)
		sum += streams_[i]->received();
	return sum;
}

uint64_t Collector::short_pages() const
{
	uint64_t sum = 0;

	for (const Watched &watched : watched_)
		sum += watched.stream->short_pages();
	return sum;
}

int Collector::find_stranded(const Instance &instance, uint64_t *stranded, tb_error *err)
{
	bool was_empty = false;
	uint64_t unread = 0;

	for (int i = 0; i < kStrandedTries; i++) {
		int code = fill(err);
		if (code < 0)
			return code;
		const bool is_empty =
			std::all_of(streams_.begin(), streams_.begin() + static_cast<long>(call_streams_),
				    [](const auto &s) { return s->exhausted() && s->empty(); });
		if (is_empty && was_empty) {
			stranded_ = std::max(stranded_, unread);
			break;
		}
		was_empty = is_empty;
		unread = 0;
		for (size_t cpu = 0; cpu < instance.cpus().size(); cpu++) {
			CpuStats stats;

			code = instance.read_stats(cpu, &stats, err);
			if (code < 0)
				return code;
			unread += stats.unread;
		}
	}
	*stranded = stranded_;
	return 0;
}

int Collector::collect(tb_record *out, uint32_t capacity, tb_round *round, tb_error *err)
{
	const uint64_t cut = tb_monotonic_ns();
	uint32_t count = 0;
	bool unfinished;

	if (has_spill_ && capacity) {
		out[count++] = spill_;
		has_spill_ = false;
	}
	do {
		int code = fill(err);

		round->visible_ns = tb_monotonic_ns();
		if (code == 0)
			code = look_for_losses(err);
		if (code < 0)
			return code;
		unfinished = merge(cut, out, capacity, &count);
	} while (unfinished);
	return static_cast<int>(count);
}

int Collector::fill(tb_error *err)
{
	for (size_t i = 0; i < streams_.size(); i++) {
		int code = streams_[i]->fill(err);

		if (code < 0)
			return code;
	}
	return 0;
}

/* After the reading: what was thrown away before any event we have is in the counters by now. */
int Collector::look_for_losses(tb_error *err)
{
	bool lossy = false;

	for (Watched &watched : watched_) {
		if (watched.stream->reads() != watched.reads) {
			int code = find_place(&watched, err);
			if (code < 0)
				return code;
		}
		lossy |= watched.stream->suspected();
	}
	pairing_.set_lossy(lossy);
	return 0;
}

/*
 * Newer events are thrown away while the buffer is full, at its end; the place lies behind all that the buffer holds then,
 * and is closed when we take a page out of it. So since we last asked it lay at most as many pages before the end as
 * we have taken since. What was overwritten instead is marked on the page behind it.
 */
int Collector::find_place(Watched *watched, tb_error *err)
{
	CpuStats stats;
	int code = watched->instance->read_stats(watched->cpu_index, &stats, err);
	if (code < 0)
		return code;
	const uint64_t taken =
		watched->stream->reads() - std::exchange(watched->reads, watched->stream->reads());
	const uint64_t lost = stats.dropped + stats.commit_overrun;
	if (lost == watched->lost)
		return 0;
	watched->lost = lost;
	const uint64_t end = stats.read + stats.unread;
	const uint64_t span = (taken + 1) * events_per_page_ + kStrandedMax;

	/* The counters of one reading are not of one moment: losses counted above may lie behind the end read before. */
	code = watched->instance->read_stats(watched->cpu_index, &stats, err);
	if (code == 0)
		watched->stream->suspect(end > span ? end - span : 0, stats.read + stats.unread);
	return code;
}

/* Hands on events older than the cut. True when streams must be filled before it can go on. */
bool Collector::merge(uint64_t cut, tb_record *out, uint32_t capacity, uint32_t *count)
{
	for (;;) {
		Stream *oldest = nullptr;
		uint64_t oldest_ts = cut, next_ts = cut;

		for (const auto &stream : streams_) {
			const Event *event = stream->front();

			if (!event) {
				if (!stream->exhausted())
					return *count < capacity;
				continue;
			}
			if (event->ts_ns < oldest_ts) {
				next_ts = oldest_ts;
				oldest_ts = event->ts_ns;
				oldest = stream.get();
			} else {
				next_ts = std::min(next_ts, event->ts_ns);
			}
		}
		if (!oldest)
			return false;
		/* The run of the oldest, up to the next one's. */
		const Event *event = oldest->front();
		do {
			tb_record made[2];

			if (*count == capacity)
				return false;
			const unsigned n = take(*event, made);
			oldest->pop();
			if (n > 0)
				out[(*count)++] = made[0];
			if (n > 1 && *count < capacity) {
				out[(*count)++] = made[1];
			} else if (n > 1) {
				spill_ = made[1];
				has_spill_ = true;
			}
			event = oldest->front();
		} while (event && event->ts_ns < next_ts);
	}
}

unsigned Collector::take(const Event &event, tb_record out[2])
{
	if (event.lost_before)
		pairing_.lost();
	switch (event.kind) {
	case EventKind::enter: {
		tracebench::SyscallEntry entry = {event.ts_ns, event.tid, 0, event.cpu, event.nr, kArch, {}};

		memcpy(entry.args, event.args, sizeof(entry.args));
		return pairing_.entry(entry, out);
	}
	case EventKind::leave:
		return pairing_.exit({event.ts_ns, event.tid, 0, event.cpu, event.nr, kArch, event.ret}, out);
	case EventKind::task_new:
		task_events_++;
		return pairing_.task_new(event.other_tid,
					 event.thread ? pairing_.tgid_of(event.tid) : event.other_tid, out);
	case EventKind::exec:
		return pairing_.exec(event.tid, event.other_tid, out);
	case EventKind::task_gone:
		task_events_++;
		return pairing_.task_gone(event.tid, out);
	}
	return 0;
}

} // namespace tb::ftrace
