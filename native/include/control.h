/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control page: what a stamped workload and the collector share, and nothing else.
 *
 * A memfd that the trial creates, the launcher hands on as descriptor TB_CONTROL_FD and the workload maps MAP_SHARED.
 * The workload declares its calls and counts what it issued; the collector opens the gates. A workload that is
 * started without the descriptor maps anonymous memory instead, finds every gate open, and prints the same truth
 * line: it can be run by hand and under foreign tools.
 *
 * Gates are spun on, not slept on: a gate that made a system call would put calls of its own between START and END,
 * and the loss counters could no longer be said to cover exactly the stamped section.
 *
 * Writers: W = workload, C = collector. Every field has one writer. Fields marked atomic are read while the
 * other side runs (acquire/release); the rest is published by the gate that follows.
 */
#ifndef TRACEBENCH_CONTROL_H
#define TRACEBENCH_CONTROL_H

#include <stdint.h>

#define TB_CONTROL_ABI   3
#define TB_CONTROL_MAGIC 0x6b6f6f6c62657274ull /* distinguishes a control page from any other descriptor */
#define TB_CONTROL_FD    100                   /* far from the descriptors a workload opens */
#define TB_LANES         64
#define TB_KINDS_MAX     32

/*
 * Stamp: lane:6 | seq:26 | time:32, from the top. Time is CLOCK_MONOTONIC in units of 16 ns, so it wraps
 * after 68.7 s; sequence numbers wrap after 67 M calls of a lane. Both are unwrapped by the ledger.
 */
#define TB_STAMP_SEQ_BITS   26
#define TB_STAMP_TIME_BITS  32
#define TB_STAMP_TIME_SHIFT 4 /* 2^4 ns */
#define TB_STAMP_SEQ_MASK   ((1ull << TB_STAMP_SEQ_BITS) - 1)
#define TB_STAMP_TIME_MASK  ((1ull << TB_STAMP_TIME_BITS) - 1)

static inline uint64_t tb_stamp__pack(uint32_t lane, uint64_t seq, uint64_t now_ns)
{
	return (uint64_t)lane << (TB_STAMP_SEQ_BITS + TB_STAMP_TIME_BITS) |
	       (seq & TB_STAMP_SEQ_MASK) << TB_STAMP_TIME_BITS |
	       ((now_ns >> TB_STAMP_TIME_SHIFT) & TB_STAMP_TIME_MASK);
}

static inline uint32_t tb_stamp__lane(uint64_t stamp)
{
	return stamp >> (TB_STAMP_SEQ_BITS + TB_STAMP_TIME_BITS);
}

static inline uint64_t tb_stamp__seq(uint64_t stamp)
{
	return stamp >> TB_STAMP_TIME_BITS & TB_STAMP_SEQ_MASK;
}

static inline uint64_t tb_stamp__time(uint64_t stamp)
{
	return stamp & TB_STAMP_TIME_MASK;
}

/*
 * START and END are getppid(TB_MARK_0, TB_MARK_1, TB_MARK_START|TB_MARK_END, stamp): getppid ignores every register,
 * and no other call carries these words. They are made by the workload's main thread and are not stamped calls:
 * their stamp's lane and sequence are 0. A workload whose stamped calls are those of a function makes them by that function.
 */
#define TB_MARK_0     0x74726163656d6172ull
#define TB_MARK_1     0x6b2d62656e63682eull
#define TB_MARK_START 1
#define TB_MARK_END   2

enum tb_gate {
	TB_GATE_NONE = 0,
	/*
	 * The workload is prepared and warm. What it did so far may have filled the buffers; they are drained before it
	 * goes on, so that START cannot be what a full buffer loses.
	 */
	TB_GATE_WARM = 1,
	TB_GATE_START = 2, /* the workload has made START and waits */
	TB_GATE_END = 3,   /* the workload has made END and waits; all its counts are final */
};

enum tb_call_class {
	TB_CLASS_STAMPED = 1, /* every one carries a stamp: enters missing, latency, order */
	TB_CLASS_COUNTED = 2, /* the number is known, there is no stamp: count check only */
};

enum tb_ret_rule {
	TB_RET_ANY = 0,    /* not checked */
	TB_RET_EQUALS = 1, /* ret == ret_value */
	TB_RET_NONNEG = 2, /* ret >= 0 */
	TB_RET_NONE = 3,   /* the call does not return (exit_group) */
};

/*
 * One kind of call made between START and END. The nr identifies it (in the table of the build's own arch).
 * arg_mask/arg_value: argument registers that must be delivered exactly so. arg_hash: registers that the kernel
 * ignores for this call and which the workload fills with tb_stamp__hash(stamp, i), so that contents are proved
 * call by call and not only once.
 */
struct tb_call_kind {
	int32_t nr;         /* TB_NR_FUNCTION: calls of the function that the workload has for its stamps */
	uint8_t call_class; /* enum tb_call_class */
	uint8_t stamp_arg;  /* 0–5: which register carries the stamp */
	uint8_t ret_rule;   /* enum tb_ret_rule */
	uint8_t blocks;     /* 1: may sleep, so it is left out of the latency distribution */
	uint8_t arg_mask;   /* bit i: args[i] == arg_value[i] */
	uint8_t arg_hash;   /* bit i: args[i] == tb_stamp__hash(stamp, i) */
	uint8_t pad[6];
	int64_t ret_value;
	uint64_t arg_value[6];
	uint64_t issued; /* W, atomic for children: how many were made between START and END */
};

/* What register i holds when arg_hash names it. Cheap, and different for every stamp and register. */
static inline uint64_t tb_stamp__hash(uint64_t stamp, unsigned i)
{
	return (stamp ^ (0x9e3779b97f4a7c15ull * (i + 1))) * 0xbf58476d1ce4e5b9ull;
}

/*
 * When calls are due in an open loop. Times are picoseconds, so that a period of a third of a microsecond does not drift:
 * off by less than 4 in a million at 4 M calls a second. All zero: a closed loop, every call as soon as the one before it
 * has returned.
 */
struct tb_pace {
	uint64_t interval_ps; /* from one burst of a lane to its next */
	uint64_t burst_calls; /* of a lane, due at once; 1: evenly spaced */
	uint64_t stagger_ps;  /* lane l is behind lane 0 by l times this */
};

/* Two looks at the clock are some 50 ns apart; a call sent later than this was held up by something else. */
#define TB_PACE_LATE_NS 1000

/* When call `seq` of a lane is due, CLOCK_MONOTONIC ns. Only for a pace whose interval is not 0. */
static inline uint64_t tb_pace__due_ns(const struct tb_pace *pace, uint64_t section_start_ns, uint32_t lane,
				       uint64_t seq)
{
	uint64_t burst = pace->burst_calls == 1 ? seq : seq / pace->burst_calls;

	return section_start_ns + (burst * pace->interval_ps + lane * pace->stagger_ps) / 1000;
}

struct tb_control {
	uint64_t magic; /* C: TB_CONTROL_MAGIC */
	uint32_t abi;   /* C: TB_CONTROL_ABI */
	uint32_t size;  /* C: sizeof(struct tb_control) */

	uint32_t gate;     /* W, atomic: enum tb_gate, the gate reached */
	uint32_t released; /* C, atomic: enum tb_gate, the last gate opened; by the last of the collectors */
	uint32_t kinds;    /* W: entries of kind[] in use; final before START */
	uint32_t lanes;    /* W: lanes in use; final before START */

	/* C: how many collectors must be done with a gate before it opens; and by gate, atomic, how many are. */
	uint32_t collectors;
	uint32_t passed[TB_GATE_END + 1];

	/* W; final at the END gate. Times are CLOCK_MONOTONIC ns. */
	uint64_t section_start_ns; /* after the START gate opened, before the first call of the section */
	uint64_t section_end_ns;   /* after the last call of the section, before END */
	uint64_t calls;            /* stamped calls of the section, all lanes */
	/*
	 * W; final once the target has exited: reading a CPU clock is a system call, so it is read before START and after
	 * the END gate, and the time spun at the gates is taken off. CPU time of the workload and its children.
	 */
	uint64_t section_cpu_ns;
	/* W; final as above: what was taken off since START was let through, of all lanes. CPU time, and no work. */
	uint64_t section_spun_ns;

	struct tb_pace pace; /* W; final before START */
	/*
	 * W; final at the END gate. Over all lanes: time spent waiting for calls to be due (CPU or not; none of it is in
	 * section_cpu_ns unless the CPU was taken away meanwhile), bursts begun more than TB_PACE_LATE_NS after they were due,
	 * and by how much the latest was.
	 */
	uint64_t waited_ns;
	uint64_t late_bursts;
	uint64_t latest_ns;

	uint32_t
		clock_enters_kernel; /* W: 1 when clock_gettime(CLOCK_MONOTONIC) was seen to make a system call */
	uint32_t error;              /* W: errno that stopped the workload, 0 when none */
	char error_text[112];        /* W: what failed, NUL-terminated */

	uint64_t lane_issued[TB_LANES]; /* W, atomic: stamps used per lane, sequence numbers 0 … issued−1 */
	struct tb_call_kind kind[TB_KINDS_MAX];
};

/* A collector is done with a gate. It must not call this twice for one gate. */
static inline void tb_control__pass(struct tb_control *control, enum tb_gate gate)
{
	if (__atomic_add_fetch(&control->passed[gate], 1, __ATOMIC_ACQ_REL) >= control->collectors)
		__atomic_store_n(&control->released, (uint32_t)gate, __ATOMIC_RELEASE);
}

#endif
