// SPDX-License-Identifier: Apache-2.0
#include "../include/call_pairing.h"

#include <array>
#include <cstring>
#include <new>
#include <sys/syscall.h>
#include <utility>

namespace tracebench
{

namespace
{

#if defined(__x86_64__)
constexpr uint32_t kNativeArch = TB_ARCH_X86_64;
constexpr uint32_t kForeignArch = TB_ARCH_I386;
#elif defined(__aarch64__)
constexpr uint32_t kNativeArch = TB_ARCH_AARCH64;
constexpr uint32_t kForeignArch = TB_ARCH_ARM;
#else
#error "x86-64 and arm64 only"
#endif

constexpr uint32_t kSlotsFirst = 256;
constexpr uint8_t kAllArgs = 0x3f;

/* What is special about a call. */
enum Class : uint8_t {
	kPlain = 0,
	kExec = 1, /* on success its exit no longer has the number's arguments, and perhaps another tid */
	kSigreturn = 2, /* exits with number −1 */
	kExits = 4,     /* never returns */
	kForks = 8,     /* returns once more, with 0, in the task it made */
};

using ClassTable = std::array<uint8_t, TB_NR_MAX>;

constexpr ClassTable native_classes()
{
	ClassTable table = {};

	table[SYS_execve] = table[SYS_execveat] = kExec;
	table[SYS_rt_sigreturn] = kSigreturn;
	table[SYS_exit] = table[SYS_exit_group] = kExits;
	table[SYS_clone] = table[SYS_clone3] = kForks;
#ifdef SYS_fork
	table[SYS_fork] = table[SYS_vfork] = kForks;
#endif
	return table;
}

/* i386 and 32-bit arm agree on the old ones. */
constexpr ClassTable foreign_classes()
{
	ClassTable table = {};

	table[1] = kExits;
	table[2] = table[120] = table[190] = table[435] = kForks;
	table[11] = kExec;
	table[119] = table[173] = kSigreturn;
#if defined(__x86_64__)
	table[252] = kExits;
	table[358] = kExec;
#else
	table[248] = kExits;
	table[387] = kExec;
#endif
	return table;
}

constexpr ClassTable kNativeClasses = native_classes();
constexpr ClassTable kForeignClasses = foreign_classes();

uint8_t class_of(uint32_t arch, int64_t nr)
{
	if (nr < 0 || nr >= TB_NR_MAX)
		return kPlain;
	if (arch == kNativeArch)
		return kNativeClasses[static_cast<size_t>(nr)];
	return arch == kForeignArch ? kForeignClasses[static_cast<size_t>(nr)] : uint8_t{kPlain};
}

/*
 * x86 returns from a successful execve or execveat with execve's number in the architecture of the *new* program. So this
 * may also be another call of that number: what kept the entry has to be an exec.
 */
bool is_exec_success(const SyscallExit &exit)
{
	return exit.ret == 0 && ((class_of(kNativeArch, exit.nr) | class_of(kForeignArch, exit.nr)) & kExec);
}

void fill(tb_record *out, uint64_t ts_ns, uint32_t tid, uint32_t tgid, uint16_t cpu, int64_t nr,
	  uint32_t arch, uint8_t kind, uint32_t flags)
{
	*out = {};
	out->ts_ns = ts_ns;
	out->tid = tid;
	out->tgid = tgid;
	out->nr = static_cast<tb_s32>(nr);
	out->arch = arch;
	out->cpu = cpu;
	out->kind = kind;
	out->flags = flags;
}

void give_args(tb_record *out, const uint64_t args[6])
{
	out->args_valid = kAllArgs;
	memcpy(out->args, args, sizeof(out->args));
}

} // namespace

CallPairing::CallPairing(const tb_filter &filter, Mode mode)
	: filter_(filter), mode_(mode), slots_(new Slot[kSlotsFirst]()), shift_(32 - 8)
{
	static_assert(kSlotsFirst == 1u << 8);
}

CallPairing::~CallPairing() = default;

void CallPairing::arm(uint32_t tid)
{
	armed_tid_ = tid;
}

/* ---- the table: linear probing, freed by shifting back, so that it holds no tombstones */

CallPairing::Slot *CallPairing::find(uint32_t tid) const
{
	const uint32_t mask = (1u << (32 - shift_)) - 1;

	for (uint32_t i = home(tid); slots_[i].tid; i = (i + 1) & mask)
		if (slots_[i].tid == tid)
			return &slots_[i];
	return nullptr;
}

/* NULL when there are too many threads, which is counted. */
CallPairing::Slot *CallPairing::find_or_make(uint32_t tid, uint32_t tgid, bool *is_new)
{
	Slot *slot = find(tid);

	*is_new = !slot;
	if (slot) {
		if (tgid)
			slot->tgid = tgid;
		return slot;
	}
	if (tid == 0 || used_ >= kThreadsMax || !grow()) {
		counters_.table_full++;
		return nullptr;
	}
	const uint32_t mask = (1u << (32 - shift_)) - 1;
	uint32_t i = home(tid);

	while (slots_[i].tid)
		i = (i + 1) & mask;
	slot = &slots_[i];
	*slot = {};
	slot->tid = tid;
	slot->epoch = epoch_;
	learn_tgid(slot, tgid);
	used_++;
	return slot;
}

void CallPairing::learn_tgid(Slot *slot, uint32_t tgid)
{
	if (!tgid && tgid_lookup_)
		tgid = tgid_lookup_(slot->tid);
	if (!tgid) {
		counters_.unknown_tgids++;
		tgid = slot->tid;
	}
	slot->tgid = tgid;
}

/* Makes room for one more, at most half full. False when memory is short. */
bool CallPairing::grow()
{
	const uint32_t count = 1u << (32 - shift_);

	if (used_ < count / 2)
		return true;
	std::unique_ptr<Slot[]> larger(new (std::nothrow) Slot[count * 2]());
	if (!larger)
		return false;
	std::unique_ptr<Slot[]> smaller = std::exchange(slots_, std::move(larger));

	shift_--;
	for (uint32_t i = 0; i < count; i++) {
		if (!smaller[i].tid)
			continue;
		uint32_t at = home(smaller[i].tid);

		while (slots_[at].tid)
			at = (at + 1) & (count * 2 - 1);
		slots_[at] = smaller[i];
	}
	return true;
}

void CallPairing::erase(Slot *slot)
{
	const uint32_t mask = (1u << (32 - shift_)) - 1;
	uint32_t hole = static_cast<uint32_t>(slot - slots_.get());

	for (uint32_t i = (hole + 1) & mask; slots_[i].tid; i = (i + 1) & mask) {
		/* It may fill the hole when its home does not lie behind it. */
		if (((i - home(slots_[i].tid)) & mask) < ((i - hole) & mask))
			continue;
		slots_[hole] = slots_[i];
		hole = i;
	}
	slots_[hole].tid = 0;
	used_--;
}

uint32_t CallPairing::tgid_of(uint32_t tid) const
{
	const Slot *slot = find(tid);

	return slot ? slot->tgid : 0;
}

/* ---- what a record means */

/* A filter names native numbers. */
bool CallPairing::wanted(uint32_t arch, int64_t nr) const
{
	return !filter_.active || (arch == kNativeArch && tb_filter__wants(&filter_, nr));
}

/* Whether records of this thread may be missing since its last one. */
bool CallPairing::doubtful(const Slot &slot, uint16_t cpu) const
{
	return slot.epoch != epoch_ || (lossy_ && slot.cpu != cpu);
}

void CallPairing::keep(Slot *slot, const SyscallEntry &entry, uint8_t call_class)
{
	slot->state = State::inside;
	slot->call_class = call_class;
	slot->arch = entry.arch;
	slot->ts_ns = entry.ts_ns;
	slot->nr = entry.nr;
	memcpy(slot->args, entry.args, sizeof(slot->args));
}

/* The kept call, whose return did not come. */
unsigned CallPairing::abandon(Slot *slot, tb_record *out)
{
	if (slot->state != State::inside)
		return 0;
	slot->state = State::outside;
	fill(out, slot->ts_ns, slot->tid, slot->tgid, slot->cpu, slot->nr, slot->arch, TB_KIND_CALL,
	     TB_F_ENTER | TB_F_ENTRY_ARGS);
	give_args(out, slot->args);
	return 1;
}

unsigned CallPairing::entry(const SyscallEntry &entry, tb_record out[2])
{
	if (armed_tid_)
		return first_call(entry, out);

	const uint8_t call_class = class_of(entry.arch, entry.nr);
	bool is_new;
	Slot *slot = find_or_make(entry.tid, entry.tgid, &is_new);
	if (!slot)
		return 0;
	unsigned made = abandon(slot, out); /* the next call came, so that one's exit was lost */
	counters_.partial_calls += made;

	slot->cpu = entry.cpu;
	slot->epoch = epoch_;
	slot->state = State::silent;
	if (!wanted(entry.arch, entry.nr))
		return made;
	if (mode_ == Mode::calls && !(call_class & kExits)) {
		keep(slot, entry, call_class);
		return made;
	}
	fill(out + made, entry.ts_ns, entry.tid, slot->tgid, entry.cpu, entry.nr, entry.arch, TB_KIND_CALL,
	     TB_F_ENTER | (call_class & kExits ? TB_F_NO_RETURN : 0));
	give_args(out + made, entry.args);
	return made + 1;
}

unsigned CallPairing::exit(const SyscallExit &exit, tb_record out[2])
{
	if (armed_tid_)
		return first_return(exit, out);

	bool is_new;
	Slot *slot = find_or_make(exit.tid, exit.tgid, &is_new);
	if (!slot)
		return 0;
	const bool doubt = doubtful(*slot, exit.cpu);
	const uint8_t call_class = class_of(exit.arch, exit.nr);
	unsigned made = 0;

	/*
	 * No caller of these is ever told 0, so it is the new task, whatever we thought of its tid. Without a filter a new
	 * task's first exit is its birth under any number (a foreign one); with one its birth may have been kept back.
	 */
	if (exit.ret == 0 &&
	    ((call_class & kForks) || (slot->state == State::newborn && !doubt && !filter_.active))) {
		made = birth(slot, exit, out);
	} else if (slot->state == State::silent) {
		/* Of a call that is not wanted. */
	} else if (slot->state == State::inside) {
		const bool same = slot->arch == exit.arch && slot->nr == exit.nr;
		const bool sigreturn = (slot->call_class & kSigreturn) && exit.nr == -1;
		/* An execve may change the arch; which arch a mechanism tells of its exit is its own affair. */
		const bool exec =
			(slot->call_class & kExec) && (slot->nr == exit.nr || is_exec_success(exit));

		if (!doubt && (same || sigreturn || exec)) {
			fill(out, exit.ts_ns, exit.tid, slot->tgid, exit.cpu, slot->nr, slot->arch,
			     TB_KIND_CALL, TB_F_RET | TB_F_ENTRY_ARGS);
			give_args(out, slot->args);
			out->ret = exit.ret;
			made = 1;
		} else {
			made = abandon(slot, out);
			counters_.partial_calls += made;
			counters_.unpaired_exits++;
		}
	} else {
		made = without_entry(slot, is_new, exit, out);
	}
	slot->state = State::outside;
	slot->cpu = exit.cpu;
	slot->epoch = epoch_;
	return made;
}

unsigned CallPairing::birth(Slot *slot, const SyscallExit &exit, tb_record *out)
{
	unsigned made =
		abandon(slot, out); /* of a thread that had this tid before and whose end was not seen */

	counters_.partial_calls += made;
	if (!wanted(exit.arch, exit.nr))
		return made;
	counters_.births++;
	fill(out + made, exit.ts_ns, exit.tid, slot->tgid, exit.cpu, exit.nr, exit.arch, TB_KIND_BIRTH,
	     TB_F_RET);
	out[made].ret = exit.ret;
	return made + 1;
}

unsigned CallPairing::without_entry(Slot *slot, bool is_new, const SyscallExit &exit, tb_record *out)
{
	if (is_exec_success(exit)) {
		Slot *before = exec_under_old_tid(slot->tgid, slot);

		if (before && !doubtful(*before, exit.cpu)) {
			fill(out, exit.ts_ns, exit.tid, slot->tgid, exit.cpu, before->nr, before->arch,
			     TB_KIND_CALL, TB_F_RET | TB_F_ENTRY_ARGS);
			give_args(out, before->args);
			before->state = State::outside;
			return 1;
		}
		/* It happened, so it was not refused, whatever became of its entry. */
		counters_.unpaired_exits++;
		return 0;
	}
	/* rt_sigreturn, but of another number than is wanted. */
	if (filter_.active && exit.nr == -1)
		return 0;
	if (!wanted(exit.arch, exit.nr))
		return 0;
	/* A thread never seen before: whether anything of it was lost is not known, only whether anything was at all. */
	if (is_new ? epoch_ != 0 || lossy_ : doubtful(*slot, exit.cpu)) {
		counters_.unpaired_exits++;
		return 0;
	}
	counters_.refused++;
	fill(out, exit.ts_ns, exit.tid, slot->tgid, exit.cpu, exit.nr, exit.arch, TB_KIND_REFUSED, TB_F_RET);
	out->ret = exit.ret;
	return 1;
}

/* The execve of another thread of the process, where nobody told us that it takes the leader's tid. Rare. */
CallPairing::Slot *CallPairing::exec_under_old_tid(uint32_t tgid, const Slot *leader) const
{
	for (uint32_t i = 0; i < 1u << (32 - shift_); i++) {
		Slot *slot = &slots_[i];

		if (slot->tid && slot != leader && slot->tgid == tgid && slot->state == State::inside &&
		    (slot->call_class & kExec))
			return slot;
	}
	return nullptr;
}

unsigned CallPairing::settle(tb_record *out, unsigned capacity)
{
	unsigned made = 0;

	if (settled_epoch_ == epoch_ || armed_tid_)
		return 0;
	for (uint32_t i = 0; i < 1u << (32 - shift_); i++) {
		Slot *slot = &slots_[i];

		if (!slot->tid || slot->state != State::inside || slot->epoch == epoch_)
			continue;
		if (made == capacity)
			return made;
		made += abandon(slot, out + made);
		counters_.partial_calls++;
	}
	settled_epoch_ = epoch_;
	return made;
}

/* ---- the beginning of the target */

unsigned CallPairing::first_call(const SyscallEntry &entry, tb_record *out)
{
	const uint8_t call_class = class_of(entry.arch, entry.nr);
	bool is_new;
	(void)out;

	if (entry.tid != armed_tid_)
		return 0;
	Slot *slot = find_or_make(entry.tid, entry.tgid, &is_new);
	if (!slot)
		return 0;
	slot->cpu = entry.cpu;
	slot->epoch = epoch_;
	if (call_class & kExec)
		keep(slot, entry, call_class);
	else
		slot->state = State::silent;
	return 0;
}

unsigned CallPairing::first_return(const SyscallExit &exit, tb_record *out)
{
	if (exit.tid != armed_tid_)
		return 0;
	Slot *slot = find(exit.tid);
	if (!slot)
		return 0;
	if (slot->state == State::inside && exit.ret == 0) {
		armed_tid_ = 0;
		if (wanted(slot->arch, slot->nr))
			return this->exit(exit, out);
	}
	slot->state = State::outside;
	return 0;
}

/* ---- what happens to threads */

unsigned CallPairing::task_new(uint32_t tid, uint32_t tgid, tb_record out[2])
{
	bool is_new;

	if (armed_tid_)
		return 0;
	Slot *slot = find_or_make(tid, tgid, &is_new);
	if (!slot)
		return 0;
	unsigned made =
		abandon(slot, out); /* of a thread that had this tid before and whose end was not seen */
	counters_.partial_calls += made;
	slot->state = State::newborn;
	slot->epoch = epoch_;
	return made;
}

unsigned CallPairing::task_gone(uint32_t tid, tb_record out[2])
{
	Slot *slot = find(tid);

	if (!slot)
		return 0;
	const bool doubt = slot->epoch != epoch_ || lossy_;
	unsigned made = abandon(slot, out);

	if (made && !doubt) {
		out->flags |= TB_F_NO_RETURN;
		counters_.died_inside++;
	} else {
		counters_.partial_calls += made;
	}
	erase(slot);
	return made;
}

unsigned CallPairing::exec(uint32_t tid_now, uint32_t tid_before, tb_record out[2])
{
	unsigned made = 0;

	if (armed_tid_) {
		if (tid_now != armed_tid_)
			return 0;
		armed_tid_ = 0;
		Slot *slot = find(tid_now);

		if (!slot || slot->state != State::inside)
			return 0;
		if (!wanted(slot->arch, slot->nr))
			slot->state = State::silent;
		else if (mode_ == Mode::entries) {
			made = abandon(slot, out);
			out->flags &= ~TB_F_ENTRY_ARGS; /* made at the entry like all others */
			slot->state = State::silent;
		}
		return made;
	}
	if (tid_now == tid_before)
		return 0;
	Slot *before = find(tid_before);

	if (!before)
		return 0;
	made = task_gone(tid_now, out); /* the old leader, when its end was not told */
	before = find(tid_before);      /* that may have moved it */
	const Slot moved = *before;
	bool is_new;

	erase(before);
	Slot *slot = find_or_make(tid_now, moved.tgid, &is_new);
	if (slot) {
		*slot = moved;
		slot->tid = tid_now;
	}
	return made;
}

} // namespace tracebench
