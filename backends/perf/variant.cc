/* SPDX-License-Identifier: Apache-2.0 */
#include "variant.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "expression.h"
#include "functions.h"
#include "registers.h"

namespace tb::perf
{

namespace
{

constexpr char kRawEnter[] = "raw_syscalls/sys_enter";
constexpr char kRawExit[] = "raw_syscalls/sys_exit";

/* Bytes of the tracepoints' raw data: head, number, and six arguments or the return value. */
constexpr uint32_t kEnterBytes = 8 + 8 + 48;
constexpr uint32_t kExitBytes = 8 + 8 + 8;
constexpr Way kOneRecord = kExitHasArguments ? Way::exits : Way::pairs;

constexpr Variant kVariants[] = {
	{"", kOneRecord, false, false},           {"pair", Way::pairs, false, false},
	{"enter", Way::entries, false, false},    {"count", Way::counts, false, false},
	{"cgroup", kOneRecord, true, false},      {"lean", kOneRecord, false, true},
	{"uprobe", Way::functions, false, false},
};

struct NamedCall {
	int nr;
	const char *entry;
};
constexpr NamedCall kExecs[] = {{SYS_execve, "syscalls/sys_enter_execve"},
				{SYS_execveat, "syscalls/sys_enter_execveat"}};
constexpr NamedCall kEnds[] = {{SYS_exit, "syscalls/sys_enter_exit"},
			       {SYS_exit_group, "syscalls/sys_enter_exit_group"}};

class Planner
{
public:
	Planner(const Variant &variant, const tb_filter &filter, const Tracefs &tracefs, Plan *plan,
		tb_error *err)
		: variant_(variant), filter_(filter), tracefs_(tracefs), plan_(plan), err_(err)
	{
	}

	int make()
	{
		plan_->calls.filter = filter_;
		plan_->calls.lean = variant_.lean;
		plan_->calls.mark = !variant_.lean && instruction_leaves_mark();
		const int code = variant_.way == Way::exits ? plan_exits() : plan_entries();
		plan_->record_bytes_max += kLostBytes;
		return code;
	}

private:
	bool wants(int nr) const { return tb_filter__wants(&filter_, nr); }

	int lookup(const char *event, uint32_t *id)
	{
		const int code = tracefs_.event_id(event, id);

		if (code == 0)
			return 0;
		tb_error__set(err_, code, "tracepoint %s: %s", event, strerror(-code));
		tb_error__mend(err_, "use a kernel with CONFIG_FTRACE_SYSCALLS=y");
		return code == -ENOENT ? -ENOTSUP : code;
	}

	int locate(const char *event, const char *field, uint32_t *offset)
	{
		const int code = tracefs_.field_offset(event, field, offset);

		return code < 0 ? tb_error__set(err_, code, "the format of %s has no field %s: %s", event,
						field, strerror(-code))
				: 0;
	}

	int use_enter(uint32_t *id)
	{
		int code = lookup(kRawEnter, id);
		if (code == 0)
			code = locate(kRawEnter, "id", &plan_->calls.layout.enter_nr);
		if (code == 0)
			code = locate(kRawEnter, "args", &plan_->calls.layout.enter_args);
		plan_->calls.type_enter = static_cast<uint16_t>(*id);
		return code;
	}

	int use_exit(uint32_t *id)
	{
		int code = lookup(kRawExit, id);
		if (code == 0)
			code = locate(kRawExit, "id", &plan_->calls.layout.exit_nr);
		if (code == 0)
			code = locate(kRawExit, "ret", &plan_->calls.layout.exit_ret);
		plan_->calls.type_exit = static_cast<uint16_t>(*id);
		return code;
	}

	/*
	 * The kernel's hook for tracepoints of single calls tests a bit and is done, which is cheaper than a filter on
	 * all entries. Kernels without them get the filter.
	 */
	template <size_t N>
	int add_entries(const NamedCall (&calls)[N], bool all, Carries carries, Begins begins)
	{
		std::vector<int> unnamed;

		for (const NamedCall &call : calls) {
			uint32_t id;

			if (!all && !wants(call.nr))
				continue;
			if (tracefs_.event_id(call.entry, &id) == 0) {
				plan_->events.push_back({id, "", carries, begins});
				plan_->calls.entry_points.push_back({static_cast<uint16_t>(id), call.nr});
			} else {
				unnamed.push_back(call.nr);
			}
		}
		if (unnamed.empty())
			return 0;
		uint32_t id;
		const int code = use_enter(&id);
		if (code == 0)
			plan_->events.push_back({id, id_expression(unnamed), carries, begins});
		return code;
	}

	/* Exits of rt_sigreturn have the number −1. */
	std::vector<int> besides_for_exits() const
	{
		return wants(SYS_rt_sigreturn) ? std::vector<int>{-1} : std::vector<int>{};
	}

	int plan_exits()
	{
		uint32_t id;
		int code = use_exit(&id);
		if (code < 0)
			return code;
		plan_->events.push_back(
			{id, id_expression(filter_, besides_for_exits()), Carries::call, Begins::execve});
		/* Exits of wanted execs that have the number of another call; what else passes here is not counted as a call. */
		if (filter_.active && (wants(SYS_execve) || wants(SYS_execveat))) {
			std::vector<int> numbers = {kForeignExecve};

			if (!wants(SYS_execve))
				numbers.push_back(SYS_execve);
			plan_->events.push_back({id, "ret==0&&(" + id_expression(numbers) + ")",
						 Carries::note, Begins::execve});
		}
		plan_->gated = variant_.by_cgroup;
		code = add_entries(kExecs, plan_->gated, Carries::note, Begins::armed);
		if (code == 0)
			code = add_entries(kEnds, false, Carries::call, Begins::execve);
		plan_->registers = variant_.lean ? kLeanMask : kCallMask;
		plan_->call_bytes = sample_bytes(kExitBytes, __builtin_popcountll(plan_->registers));
		plan_->record_bytes_max = sample_bytes(kEnterBytes, __builtin_popcountll(plan_->registers));
		return code;
	}

	int plan_entries()
	{
		const unsigned registers = __builtin_popcountll(kArchMask);
		uint32_t id;
		std::vector<int> besides;

		/* The execve that begins the target has its entry before anything could be started by it. */
		plan_->gated = variant_.by_cgroup || wants(SYS_execve) || wants(SYS_execveat);
		if (plan_->gated)
			besides = {SYS_execve, SYS_execveat};
		int code = use_enter(&id);
		if (code < 0)
			return code;
		plan_->events.push_back({id, id_expression(filter_, besides), Carries::call,
					 plan_->gated ? Begins::armed : Begins::execve});
		plan_->registers = kArchMask;
		plan_->call_bytes = plan_->record_bytes_max = sample_bytes(kEnterBytes, registers);
		if (variant_.way == Way::entries)
			return 0;
		code = use_exit(&id);
		if (code < 0)
			return code;
		for (int nr : besides_for_exits())
			besides.push_back(nr);
		if (wants(SYS_execve) || wants(SYS_execveat))
			besides.push_back(kForeignExecve);
		plan_->events.push_back(
			{id, id_expression(filter_, besides), Carries::returns, Begins::execve});
		plan_->call_bytes += sample_bytes(kExitBytes, registers);
		return 0;
	}

	const Variant &variant_;
	const tb_filter &filter_;
	const Tracefs &tracefs_;
	Plan *plan_;
	tb_error *err_;
};

} // namespace

const Variant *find_variant(const char *name)
{
	for (const Variant &variant : kVariants)
		if (strcmp(variant.name, name) == 0)
			return &variant;
	return nullptr;
}

int make_plan(const Variant &variant, const tb_filter &filter, const Tracefs &tracefs, Plan *plan,
	      tb_error *err)
{
	*plan = {};
	return Planner(variant, filter, tracefs, plan, err).make();
}

std::unique_ptr<Calls> make_calls(const Variant &variant, const CallsConfig &config)
{
	switch (variant.way) {
	case Way::exits:
		return make_exit_calls(config);
	case Way::pairs:
		return make_paired_calls(config);
	case Way::entries:
		return make_entry_calls(config);
	case Way::functions:
		return make_function_calls();
	case Way::counts:
		break;
	}
	return nullptr;
}

} // namespace tb::perf
