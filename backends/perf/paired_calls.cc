/* SPDX-License-Identifier: Apache-2.0 */
/* Entries and exits of all calls, made one by the pairing that pairing backends share; and entries alone. */
#include <cerrno>
#include <cstring>

#include "call_pairing.h"
#include "calls.h"
#include "registers.h"

namespace tb::perf
{

namespace
{

constexpr uint8_t kAllArgs = 0x3f;

uint32_t arch_of_sample(const Sample &sample, bool mark)
{
	if (!sample.registers)
		return kNativeArch;
	return arch_of(sample.abi, load<ArchRegisters>(sample.registers), mark);
}

/* False when the raw data is too short. Registers of 32-bit calls are 32 bits wide. */
bool read_entry(const Sample &sample, const CallsConfig &config, tracebench::SyscallEntry *entry)
{
	const RawLayout &layout = config.layout;

	if (!raw_field(sample, layout.enter_nr, &entry->nr) ||
	    !raw_field(sample, layout.enter_args, &entry->args))
		return false;
	entry->ts_ns = sample.ts_ns;
	entry->tid = sample.tid;
	entry->tgid = sample.tgid;
	entry->cpu = sample.cpu;
	entry->arch = arch_of_sample(sample, config.mark);
	if (entry->arch == kForeignArch)
		for (uint64_t &word : entry->args)
			word = static_cast<uint32_t>(word);
	return true;
}

bool read_exit(const Sample &sample, const CallsConfig &config, tracebench::SyscallExit *exit)
{
	const RawLayout &layout = config.layout;

	if (!raw_field(sample, layout.exit_nr, &exit->nr) || !raw_field(sample, layout.exit_ret, &exit->ret))
		return false;
	exit->ts_ns = sample.ts_ns;
	exit->tid = sample.tid;
	exit->tgid = sample.tgid;
	exit->cpu = sample.cpu;
	exit->arch = arch_of_sample(sample, config.mark);
	/* A new program's registers and mode say nothing of the call; the number is its architecture's, see registers.h. */
	if (exit->ret == 0 && exit->nr == SYS_execve && sample.registers &&
	    may_be_fresh(load<ArchRegisters>(sample.registers)))
		exit->arch = kNativeArch;
	return true;
}

class PairedCalls final : public Calls
{
public:
	explicit PairedCalls(const CallsConfig &config) : config_(config), pairing_(config.filter)
	{
		if (config.gate_tid)
			pairing_.arm(config.gate_tid);
	}

	unsigned take(const Sample &sample, tb_record out[2]) override
	{
		tracebench::SyscallEntry entry;
		tracebench::SyscallExit exit;

		if (sample.type == config_.type_enter && read_entry(sample, config_, &entry))
			return pairing_.entry(entry, out);
		if (sample.type == config_.type_exit && read_exit(sample, config_, &exit))
			return pairing_.exit(exit, out);
		undecodable_++;
		return 0;
	}

	void lost() override { pairing_.lost(); }

	unsigned settle(tb_record *out, unsigned capacity) override { return pairing_.settle(out, capacity); }

	CallsHealth health() const override
	{
		const tracebench::PairingCounters &c = pairing_.counters();
		CallsHealth health;

		health.births = c.births;
		health.refused = c.refused;
		health.partial_calls = c.partial_calls;
		health.unpaired_exits = c.unpaired_exits;
		health.table_full = c.table_full;
		health.undecodable = undecodable_;
		return health;
	}

private:
	const CallsConfig config_;
	tracebench::CallPairing pairing_;
	uint64_t undecodable_ = 0;
};

class EntryCalls final : public Calls
{
public:
	explicit EntryCalls(const CallsConfig &config) : config_(config), live_(config.gate_tid == 0) {}

	unsigned take(const Sample &sample, tb_record out[2]) override
	{
		tracebench::SyscallEntry entry;

		if (sample.type != config_.type_enter || !read_entry(sample, config_, &entry)) {
			health_.undecodable++;
			return 0;
		}
		const bool native = entry.arch == kNativeArch;
		const bool exec = native && (entry.nr == SYS_execve || entry.nr == SYS_execveat);

		if (!live_ && exec && entry.tid == config_.gate_tid)
			live_ = true;
		if (!live_ ||
		    (config_.filter.active && !(native && tb_filter__wants(&config_.filter, entry.nr))))
			return 0;
		*out = {};
		out->ts_ns = entry.ts_ns;
		out->tid = entry.tid;
		out->tgid = entry.tgid;
		out->nr = static_cast<tb_s32>(entry.nr);
		out->arch = entry.arch;
		out->cpu = entry.cpu;
		out->kind = TB_KIND_CALL;
		out->args_valid = kAllArgs;
		out->flags = TB_F_ENTER;
		if (never_returns(entry.arch, entry.nr))
			out->flags |= TB_F_NO_RETURN;
		memcpy(out->args, entry.args, sizeof(out->args));
		return 1;
	}

	void lost() override {} /* each record stands for itself */
	CallsHealth health() const override { return health_; }

private:
	static bool never_returns(uint32_t arch, int64_t nr)
	{
		if (arch == kNativeArch)
			return nr == SYS_exit || nr == SYS_exit_group;
		return nr == 1 || nr == (kForeignArch == TB_ARCH_I386 ? 252 : 248);
	}

	const CallsConfig config_;
	bool live_;
	CallsHealth health_;
};

} // namespace

std::unique_ptr<Calls> make_paired_calls(const CallsConfig &config)
{
	return std::make_unique<PairedCalls>(config);
}

std::unique_ptr<Calls> make_entry_calls(const CallsConfig &config)
{
	return std::make_unique<EntryCalls>(config);
}

} // namespace tb::perf
