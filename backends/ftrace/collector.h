/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of a trace, merged by time, as calls.
 *
 * The merge has a cut: the clock is read first, then every CPU, and only what is older than the clock reading is handed
 * on. An event takes its time before it is committed, and a thread commits its event before it goes on, to another CPU or
 * not. So when an event is older than the cut all earlier ones of its thread are committed before the cut, and read: order
 * within each thread is proved. Between threads it is that of the times, except for an event that another CPU was
 * still committing when we read it.
 */
#ifndef TRACEBENCH_FTRACE_COLLECTOR_H
#define TRACEBENCH_FTRACE_COLLECTOR_H

#include <memory>
#include <vector>

#include "call_pairing.h"
#include "instance.h"
#include "stream.h"

namespace tb::ftrace
{

class Collector
{
public:
	Collector(const tb_filter &filter, tracebench::CallPairing::Mode mode);

	/* Reads binary pages of every CPU of `instance`. Streams that carry calls are looked at for losses. */
	int add_pages(const Instance &instance, const Formats &formats, bool has_calls, unsigned pages,
		      tb_error *err);
	int add_text(const Instance &instance, tb_error *err);

	void arm(pid_t pid) { pairing_.arm(static_cast<uint32_t>(pid)); }

	/* One look without waiting; the rest as the source contract's drain. */
	int collect(tb_record *out, uint32_t capacity, tb_round *round, tb_error *err);

	/*
	 * Records that `instance` counts as unread and does not give us any more: those that were still unread while twice
	 * nothing was to be had. Only grows; what cannot be told now (records keep coming) will be told by a later call.
	 */
	int find_stranded(const Instance &instance, uint64_t *stranded, tb_error *err);
	uint64_t short_pages() const;

	/* Descriptors that become readable when there is something. */
	void poll_fds(std::vector<int> *fds) const;

	const tracebench::PairingCounters &counters() const { return pairing_.counters(); }
	/* Events of tasks that were made or have gone. */
	uint64_t task_events() const { return task_events_; }
	uint64_t undecoded() const;
	/* Events of streams that carry calls, as far as the kernel has given them to us. */
	uint64_t received() const;

private:
	/* A stream of a CPU whose losses are told by its instance. */
	struct Watched {
		PageStream *stream;
		const Instance *instance;
		size_t cpu_index;
		uint64_t lost;
		uint64_t reads; /* when its losses were last asked for */
	};

	int fill(tb_error *err);
	int look_for_losses(tb_error *err);
	int find_place(Watched *watched, tb_error *err);
	bool merge(uint64_t cut, tb_record *out, uint32_t capacity, uint32_t *count);
	unsigned take(const Event &event, tb_record out[2]);

	tracebench::CallPairing pairing_;
	std::vector<std::unique_ptr<Stream>> streams_;
	std::vector<Watched> watched_;
	size_t call_streams_ = 0; /* the first so many carry calls */
	uint64_t stranded_ = 0;
	uint64_t task_events_ = 0;
	uint64_t events_per_page_ = 0;
	tb_record spill_ = {}; /* the second record of an event for which only one fitted */
	bool has_spill_ = false;
};

} // namespace tb::ftrace

#endif
