/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record a call. When a call returns, the user registers still hold its arguments; what they do not hold comes from
 * elsewhere:
 *
 * - A successful execve has fresh registers: its arguments are kept from the entry. Where that was lost they are missing.
 * - rt_sigreturn exits with number −1, and has no arguments.
 * - exit and exit_group do not return: their entry is the record.
 * - fork and its like return once more in the new task, with 0, which no caller of theirs is ever told.
 */
#include "calls.h"

#include "registers.h"

#if defined(__x86_64__)

#include <cerrno>
#include <unordered_map>

namespace tb::perf
{

namespace
{

constexpr int32_t kSigreturn = SYS_rt_sigreturn;
constexpr uint8_t kAllArgs = 0x3f;
constexpr uint8_t kLeanForeignArgs = 0x1c; /* edx, esi, edi: arguments 2 to 4 of i386 */
constexpr size_t kKeptMax = 1u << 16;

constexpr int32_t kForeignExecveat = 358; /* of i386: no header of a 64-bit build has it */

bool is_exec(uint32_t arch, int64_t nr)
{
	return arch == kNativeArch ? nr == SYS_execve || nr == SYS_execveat
				   : nr == kForeignExecve || nr == kForeignExecveat;
}

bool is_fork(uint32_t arch, int64_t nr)
{
	return arch == kNativeArch ? nr == SYS_clone || nr == SYS_fork || nr == SYS_vfork || nr == SYS_clone3
				   : nr == 120 || nr == 2 || nr == 190 || nr == 435;
}

void native_args(const CallRegisters &r, uint64_t args[6])
{
	args[0] = r.di;
	args[1] = r.si;
	args[2] = r.dx;
	args[3] = r.r10;
	args[4] = r.r8;
	args[5] = r.r9;
}

void foreign_args(const CallRegisters &r, uint64_t args[6])
{
	args[0] = static_cast<uint32_t>(r.bx);
	args[1] = static_cast<uint32_t>(r.cx);
	args[2] = static_cast<uint32_t>(r.dx);
	args[3] = static_cast<uint32_t>(r.si);
	args[4] = static_cast<uint32_t>(r.di);
	args[5] = static_cast<uint32_t>(r.bp);
}

/* What the kernel hands to a new program. No call but exec's leaves it so: all of these take an argument that is not 0. */
bool are_fresh(const CallRegisters &r)
{
	return !(r.bx | r.cx | r.dx | r.si | r.di | r.bp | r.r8 | r.r9 | r.r10);
}

class ExitCalls final : public Calls
{
public:
	explicit ExitCalls(const CallsConfig &config) : config_(config), live_(config.gate_tid == 0) {}

	unsigned take(const Sample &sample, tb_record out[2]) override
	{
		if (sample.type == config_.type_exit)
			return live_ ? on_exit(sample, out) : 0;

		int64_t nr;
		if (!entry_number(sample, &nr)) {
			health_.undecodable++;
			return 0;
		}
		return on_entry(sample, nr, out);
	}

	void lost() override { epoch_++; }
	CallsHealth health() const override { return health_; }

private:
	/* An execve that has entered. */
	struct Kept {
		uint32_t tgid;
		int32_t nr;
		uint64_t epoch;
		uint64_t args[6];
	};
	using KeptCalls = std::unordered_map<uint32_t, Kept>;

	bool entry_number(const Sample &sample, int64_t *nr) const
	{
		for (const EntryPoint &point : config_.entry_points) {
			if (point.type == sample.type) {
				*nr = point.nr;
				return true;
			}
		}
		return sample.type == config_.type_enter && raw_field(sample, config_.layout.enter_nr, nr);
	}

	CallRegisters registers(const Sample &sample) const
	{
		if (!sample.registers)
			return {};
		if (!config_.lean)
			return load<CallRegisters>(sample.registers);
		const auto lean = load<LeanRegisters>(sample.registers);
		return {0, 0, lean.dx, lean.si, lean.di, 0, 0, lean.r8, lean.r9, lean.r10};
	}

	bool wanted(uint32_t arch, int64_t nr) const
	{
		return !config_.filter.active ||
		       (arch == kNativeArch && tb_filter__wants(&config_.filter, nr));
	}

	tb_record *fill(tb_record *out, const Sample &sample, int64_t nr, uint32_t arch, uint32_t flags) const
	{
		*out = {};
		out->ts_ns = sample.ts_ns;
		out->tid = sample.tid;
		out->tgid = sample.tgid;
		out->nr = static_cast<tb_s32>(nr);
		out->arch = arch;
		out->cpu = sample.cpu;
		out->kind = TB_KIND_CALL;
		out->flags = flags;
		return out;
	}

	/* Entries of native calls only: the tracepoints of single calls are silent for i386. */
	unsigned on_entry(const Sample &sample, int64_t nr, tb_record *out)
	{
		const CallRegisters r = registers(sample);

		if (arch_of(sample.abi, r.cx, r.ip, config_.mark) != kNativeArch)
			return 0;
		if (is_exec(kNativeArch, nr)) {
			if (sample.tid == config_.gate_tid)
				live_ = true;
			if (live_)
				keep(sample, nr, r);
			return 0;
		}
		if (!live_ || !wanted(kNativeArch, nr))
			return 0;
		fill(out, sample, nr, kNativeArch, TB_F_NO_RETURN | TB_F_ENTER);
		native_args(r, out->args);
		out->args_valid = sample.registers ? kAllArgs : 0;
		return 1;
	}

	void keep(const Sample &sample, int64_t nr, const CallRegisters &r)
	{
		/* Of threads whose exit never came: they died, or tracing ended for them by a set-uid program. */
		if (kept_.size() >= kKeptMax)
			kept_.clear(); /* those that do return are counted in execs_without_entry */
		Kept &call = kept_[sample.tid];
		call.tgid = sample.tgid;
		call.nr = static_cast<int32_t>(nr);
		call.epoch = epoch_;
		native_args(r, call.args);
	}

	/* The kept entry of the execve that returns here; false when there is none, or when it may be that of an earlier one. */
	bool take_entry(const Sample &sample, Kept *entry)
	{
		KeptCalls::iterator it = kept_.find(sample.tid);

		/* A thread that is not the leader takes over its tid; by then all others of the process are gone. */
		for (auto other = kept_.begin(); it == kept_.end() && other != kept_.end(); ++other)
			if (other->second.tgid == sample.tgid)
				it = other;
		if (it == kept_.end())
			return false;
		*entry = it->second;
		kept_.erase(it);
		return entry->epoch == epoch_;
	}

	/*
	 * The number at the exit is execve's in the new program's architecture, whichever call it was and whoever made it. Native
	 * calls have an entry; where none was lost, a call without one is an i386 one.
	 */
	unsigned on_exec(const Sample &sample, tb_record *out)
	{
		Kept entry;
		const bool kept = take_entry(sample, &entry);
		const bool native = kept || epoch_ != 0;
		const uint32_t arch = native ? kNativeArch : kForeignArch;
		const int32_t nr = kept ? entry.nr : native ? SYS_execve : kForeignExecve;

		health_.execs_without_entry += !kept;
		if (!wanted(arch, nr))
			return 0;
		fill(out, sample, nr, arch, TB_F_RET);
		if (kept) {
			out->flags |= TB_F_ENTRY_ARGS;
			out->args_valid = kAllArgs;
			memcpy(out->args, entry.args, sizeof(out->args));
		}
		return 1;
	}

	/*
	 * Of the registers that a lean sample lacks one may be all that another call has: ebx of i386's 59, oldolduname. There
	 * only the number counts that exec leaves for the new program's architecture.
	 */
	bool may_be_exec(const Sample &sample, int64_t nr) const
	{
		if (config_.lean)
			return nr == (sample.abi == PERF_SAMPLE_REGS_ABI_32 ? kForeignExecve : SYS_execve);
		return is_exec(kNativeArch, nr) || is_exec(kForeignArch, nr);
	}

	unsigned on_exit(const Sample &sample, tb_record *out)
	{
		int64_t nr, ret;

		if (!raw_field(sample, config_.layout.exit_nr, &nr) ||
		    !raw_field(sample, config_.layout.exit_ret, &ret)) {
			health_.undecodable++;
			return 0;
		}
		const CallRegisters r = registers(sample);

		if (ret == 0 && may_be_exec(sample, nr) && are_fresh(r))
			return on_exec(sample, out);
		if (!kept_.empty())
			kept_.erase(sample.tid); /* an execve that failed, or whose exit was lost */
		if (nr == -1 && ret != -ENOSYS)
			return on_sigreturn(sample, ret, out);

		const uint32_t arch = arch_of(sample.abi, r.cx, r.ip, config_.mark);
		if (!wanted(arch, nr))
			return 0;
		fill(out, sample, nr, arch, TB_F_RET);
		out->ret = ret;
		if (ret == 0 && is_fork(arch, nr)) {
			out->kind = TB_KIND_BIRTH;
			health_.births++;
		}
		if (arch == kNativeArch)
			native_args(r, out->args);
		else
			foreign_args(r, out->args);
		out->args_valid = !sample.registers                      ? 0
				  : config_.lean && arch == kForeignArch ? kLeanForeignArgs
									 : kAllArgs;
		return 1;
	}

	/* The registers are those of the interrupted code. i386 has two of them, which nothing tells apart. */
	unsigned on_sigreturn(const Sample &sample, int64_t ret, tb_record *out)
	{
		const bool foreign = sample.abi == PERF_SAMPLE_REGS_ABI_32;
		const uint32_t arch = foreign ? kForeignArch : kNativeArch;

		if (!wanted(arch, foreign ? -1 : kSigreturn))
			return 0;
		fill(out, sample, foreign ? -1 : kSigreturn, arch, TB_F_RET);
		out->ret = ret;
		return 1;
	}

	const CallsConfig config_;
	bool live_;
	uint64_t epoch_ = 0;
	KeptCalls kept_;
	CallsHealth health_;
};

} // namespace

std::unique_ptr<Calls> make_exit_calls(const CallsConfig &config)
{
	return std::make_unique<ExitCalls>(config);
}

} // namespace tb::perf

#else

namespace tb::perf
{

std::unique_ptr<Calls> make_exit_calls(const CallsConfig &)
{
	return nullptr;
}

} // namespace tb::perf

#endif
