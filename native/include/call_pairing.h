/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls out of separate entry and exit streams: the one place where two records of a mechanism become one record of
 * ours (docs/method.md, "What one call is"). For mechanisms whose exit does not carry what the entry did.
 *
 * The caller hands over what it read in an order that is right within each thread. Each member returns how many records
 * it wrote to `out`, 0, 1 or 2, all of them finished.
 *
 * Losses. A mechanism that loses records says where: lost() between the two records that may not be neighbours,
 * set_lossy() where it cannot say so closely. Then an exit is given to an entry only when nothing can have been lost
 * between them, because with a loss in between it may belong to a later call of the same number. What comes out is
 *
 * - both records came, nothing was lost between them: the call;
 * - the entry came: the call without a return (TB_F_ENTER, no TB_F_RET): the oracle's `partial`;
 * - the exit alone came: nothing. Its arguments are unknown, and it may as well be a call that seccomp refused; it is
 *   counted in unpaired_exits. Without a loss it is no doubt a refused call, and delivered as one.
 *
 * So of a call that is missing one or both records were lost, and of a partial one at most one. Where calls are all there is,
 * lost records = 2 × missing + partial − unpaired exits.
 *
 * Memory is bounded: one slot a thread, kThreadsMax at most; records of threads beyond are dropped and counted. Not
 * thread-safe.
 */
#ifndef TRACEBENCH_CALL_PAIRING_H
#define TRACEBENCH_CALL_PAIRING_H

#include <cstdint>
#include <functional>
#include <memory>

#include "source.h"

namespace tracebench
{

/* arch is one of TB_ARCH_*. tgid 0: not known to the mechanism; then it comes from task_new(). */
struct SyscallEntry {
	uint64_t ts_ns;
	uint32_t tid, tgid;
	uint16_t cpu;
	int64_t nr;
	uint32_t arch;
	uint64_t args[6];
};

struct SyscallExit {
	uint64_t ts_ns;
	uint32_t tid, tgid;
	uint16_t cpu;
	int64_t nr;
	uint32_t arch;
	int64_t ret;
};

struct PairingCounters {
	uint64_t births = 0;
	uint64_t refused = 0;
	uint64_t partial_calls =
		0; /* an entry delivered without its return, because that was lost or in doubt */
	uint64_t unpaired_exits = 0; /* an exit thrown away, because its entry was lost or in doubt */
	uint64_t died_inside = 0;    /* threads that ended inside a call without an exit */
	uint64_t unknown_tgids = 0;  /* threads whose process could not be told; their tgid is their tid */
	uint64_t table_full = 0;     /* records dropped: more than kThreadsMax threads */
};

class CallPairing
{
public:
	static constexpr uint32_t kThreadsMax = 1u << 16;

	enum class Mode {
		calls,   /* entries and exits: one record a call */
		entries, /* entries alone: variants `enter`. exit() must not be called */
	};

	explicit CallPairing(const tb_filter &filter, Mode mode = Mode::calls);
	~CallPairing();
	CallPairing(const CallPairing &) = delete;
	CallPairing &operator=(const CallPairing &) = delete;

	/*
	 * `tid` is the launcher's child: from its next successful execve on it and what grows from it is the target.
	 * Whatever comes before is dropped. Without this every thread belongs to the target from the start.
	 */
	void arm(uint32_t tid);

	/* How to find the process of a thread that neither its records nor task_new() named. Called once a thread. */
	void set_tgid_lookup(std::function<uint32_t(uint32_t tid)> lookup)
	{
		tgid_lookup_ = std::move(lookup);
	}

	unsigned entry(const SyscallEntry &entry, tb_record out[2]);
	unsigned exit(const SyscallExit &exit, tb_record out[2]);

	/*
	 * What happened to the threads, where the mechanism tells. None of it is necessary in Mode::calls: births are
	 * known by their return, execs by theirs, and a tid that comes again by its birth. In Mode::entries exec() is
	 * what begins the target.
	 */
	unsigned task_new(uint32_t tid, uint32_t tgid, tb_record out[2]);
	unsigned task_gone(uint32_t tid, tb_record out[2]);
	/* A successful execve; a thread that is not the leader takes over the leader's tid by it. */
	unsigned exec(uint32_t tid_now, uint32_t tid_before, tb_record out[2]);

	/* Between the last record handed over and the next one, records may be missing. */
	void lost() { epoch_++; }
	/* While set, the same holds between any two records that were not made on the same CPU. */
	void set_lossy(bool lossy) { lossy_ = lossy; }

	/*
	 * When all that was recorded has been handed over: writes the kept calls whose exit is in doubt by now (it would be
	 * thrown away if it came), `capacity` at most, so that none is waited for in vain: the last call of a thread may
	 * be one of them. Returns how many; fewer than `capacity` when there are no more. Cheap when nothing was lost.
	 */
	unsigned settle(tb_record *out, unsigned capacity);

	const PairingCounters &counters() const { return counters_; }
	/* Process of a known thread; 0 when it is not known. */
	uint32_t tgid_of(uint32_t tid) const;

private:
	enum class State : uint8_t {
		outside, /* in user mode, as far as we know */
		inside,  /* entered a wanted call, kept in the slot */
		silent,  /* entered a call that is not wanted */
		newborn, /* made by a fork; its first exit is its birth */
	};

	/* A thread. One line of the cache and a half. */
	struct Slot {
		uint32_t tid; /* 0: free */
		uint32_t tgid;
		State state;
		uint8_t call_class; /* of the kept call */
		uint16_t cpu;       /* of its last record */
		uint32_t arch;      /* of the kept call */
		uint64_t epoch;     /* at its last record */
		uint64_t ts_ns;     /* the rest: the kept call */
		int64_t nr;
		uint64_t args[6];
	};

	Slot *find(uint32_t tid) const;
	Slot *find_or_make(uint32_t tid, uint32_t tgid, bool *is_new);
	void erase(Slot *slot);
	bool grow();
	uint32_t home(uint32_t tid) const { return (tid * 0x9e3779b1u) >> shift_; }
	void learn_tgid(Slot *slot, uint32_t tgid);

	bool wanted(uint32_t arch, int64_t nr) const;
	bool doubtful(const Slot &slot, uint16_t cpu) const;
	unsigned first_call(const SyscallEntry &entry, tb_record *out);
	unsigned first_return(const SyscallExit &exit, tb_record *out);
	unsigned abandon(Slot *slot, tb_record *out);
	unsigned birth(Slot *slot, const SyscallExit &exit, tb_record *out);
	unsigned without_entry(Slot *slot, bool is_new, const SyscallExit &exit, tb_record *out);
	Slot *exec_under_old_tid(uint32_t tgid, const Slot *leader) const;
	void keep(Slot *slot, const SyscallEntry &entry, uint8_t call_class);

	tb_filter filter_;
	Mode mode_;
	std::function<uint32_t(uint32_t)> tgid_lookup_;
	std::unique_ptr<Slot[]> slots_;
	uint32_t shift_; /* 32 − log2 of the number of slots */
	uint32_t used_ = 0;
	uint32_t armed_tid_ = 0; /* not 0: the target has not begun */
	bool lossy_ = false;
	uint64_t epoch_ = 0;
	uint64_t settled_epoch_ = 0; /* no kept call is older than this */
	PairingCounters counters_;
};

} // namespace tracebench

#endif
