/* SPDX-License-Identifier: Apache-2.0 */
/* From datagrams to records: receives, sorts out what is of the target's session, makes its calls into records. */
#ifndef TRACEBENCH_AUDITD_COLLECTOR_H
#define TRACEBENCH_AUDITD_COLLECTOR_H

#include "event_join.h"
#include "held_calls.h"
#include "socket.h"
#include "source.h"

namespace tb::auditd
{

/* The call in which the target waited at its gate when tracing began. It may end traced, and is not the target's. */
struct GateCall {
	bool known = false;
	int32_t pid = 0;
	int32_t nr = 0;
	uint64_t args[4] = {};
};

struct Target {
	uint32_t session = UINT32_MAX;
	int64_t monotonic_offset_ns = 0; /* CLOCK_REALTIME − CLOCK_MONOTONIC */
	GateCall gate_call;
};

/* Datagrams, since the collector was made. */
struct Received {
	uint64_t calls = 0;
	uint64_t companions = 0; /* other records of delivered calls */
	uint64_t strays =
		0; /* records of no call that is known: its SYSCALL was lost, or it is somebody else's */
	uint64_t foreign = 0;   /* SYSCALL records of other sessions */
	uint64_t control = 0;   /* CONFIG_CHANGE, LOGIN and other records that belong to no call */
	uint64_t malformed = 0; /* SYSCALL records that could not be read */
	uint64_t markers = 0;   /* answers to pokes */
	uint64_t overruns = 0;  /* ENOBUFS */
};

class Collector
{
public:
	Collector(Socket &socket, uint32_t native_arch);

	/* Detail `paths`, before begin(). */
	void read_paths();
	bool allocated() const { return batch_.allocated(); }
	void begin(const Target &target) { target_ = target; }
	/* What the record that a poke raises says behind its identification. */
	void expect_marker(uint32_t backlog_limit);

	/* As tb_source_ops.drain. nap_us: look so often when idle; 0: wait until the kernel wakes. */
	int drain(tb_record *out, uint32_t capacity, uint32_t timeout_us, uint32_t nap_us, tb_round *round,
		  tb_error *err);

	const Received &received() const { return received_; }
	EventJoin &join() { return join_; }
	/*
	 * Nothing is on its way any more: what has not come never will. True when calls waited for it, which the next drain
	 * hands over.
	 */
	bool settle();
	/* null without detail `paths`. */
	const tb_path_counters *path_counters() const { return paths_ ? &held_.counters() : nullptr; }

private:
	/* Three records a call and more: a round of 1,024 calls needs some thousand slots. */
	static constexpr uint32_t kSlots = 4096;
	/* The fields wanted of a SYSCALL record end within 430 bytes; the rest of it is cut off. */
	static constexpr uint32_t kSlotBytes = 640;
	/* With paths: a name of 800 bytes in hexadecimal, and what comes before and behind it. */
	static constexpr uint32_t kPathSlotBytes = 2048;

	int receive_all(tb_error *err);
	uint32_t take_received(tb_record *out, uint32_t capacity);
	bool take_datagram(const Datagram &datagram, tb_record *out);
	bool take_call(std::string_view text, tb_record *out);
	bool is_gate_call(const SyscallRecord &call);

	Socket &socket_;
	Batch batch_;
	EventJoin join_;
	const uint32_t native_arch_;
	bool paths_ = false;
	HeldCalls held_;
	bool giving_up_ = false;    /* settled: held calls are handed over as they are */
	tb_arena *arena_ = nullptr; /* of the round */
	Target target_;
	Received received_;
	uint32_t filled_ = 0, taken_ = 0; /* slots of batch_ */
	bool dry_ = false;                /* the last look found the socket empty */
	uint64_t visible_ns_ = 0;         /* when what is in batch_ had been received */
	char marker_[96] = {};
};

} // namespace tb::auditd

#endif
