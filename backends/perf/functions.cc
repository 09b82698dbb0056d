/* SPDX-License-Identifier: Apache-2.0 */
#include "functions.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "elf_symbol.h"
#include "registers.h"

namespace tb::perf
{

namespace
{

constexpr char kPmuType[] = "/sys/bus/event_source/devices/uprobe/type";

/* Raw data of a hit: the tracer's head and the address, filled up to a whole word with the size before it. */
constexpr uint32_t kHitBytes = 8 + 8 + 4;

class FunctionCalls final : public Calls
{
public:
	unsigned take(const Sample &sample, tb_record out[2]) override
	{
		*out = {};
		out->ts_ns = sample.ts_ns;
		out->tid = sample.tid;
		out->tgid = sample.tgid;
		out->nr = TB_NR_FUNCTION;
		out->arch = kNativeArch;
		out->cpu = sample.cpu;
		out->kind = TB_KIND_FUNCTION;
		out->flags = TB_F_ENTER;
		if (sample.registers) {
			out->args_valid = 0x3f;
			function_args(load<FunctionRegisters>(sample.registers), out->args);
		}
		return 1;
	}

	void lost() override {} /* each record stands for itself */
	CallsHealth health() const override { return {}; }
};

const char *option(const tb_source_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->options_count; i++)
		if (strcmp(config->options[i].name, name) == 0)
			return config->options[i].value;
	return nullptr;
}

int read_pmu_type(uint32_t *type, tb_error *err)
{
	FILE *file = fopen(kPmuType, "re");

	if (!file) {
		const int code = errno == ENOENT ? -ENOTSUP : -errno;

		tb_error__set(err, code, "this kernel has no events for uprobes: %s: %s", kPmuType,
			      strerror(errno));
		tb_error__mend(err, "use a kernel with CONFIG_UPROBES=y and CONFIG_UPROBE_EVENTS=y");
		return code;
	}
	const bool read = fscanf(file, "%u", type) == 1;
	fclose(file);
	return read ? 0 : tb_error__set(err, -EPROTO, "%s has no number", kPmuType);
}

} // namespace

int make_function_plan(const tb_source_config *config, Plan *plan, tb_error *err)
{
	const char *program = option(config, "program"), *function = option(config, "function");
	TargetEvent event = {0, "", Carries::call, Begins::execve, {}};

	*plan = {};
	if (config->filter.active)
		return tb_error__set(err, -EOPNOTSUPP,
				     "a filter of system calls says nothing of a function: variant 'uprobe' "
				     "has none");
	if (!program || !function)
		return tb_error__set(err, -EINVAL,
				     "options 'program' and 'function', which say what variant 'uprobe' "
				     "traces, are missing");
	int code = read_pmu_type(&event.uprobe.pmu_type, err);
	if (code == 0)
		code = symbol_offset(program, function, &event.uprobe.offset, err);
	if (code < 0)
		return code;
	event.uprobe.program = program;
	plan->events.push_back(event);
	plan->registers = kFunctionMask;
	plan->call_bytes = sample_bytes(kHitBytes, __builtin_popcountll(kFunctionMask));
	plan->record_bytes_max = plan->call_bytes + kLostBytes;
	return 0;
}

std::unique_ptr<Calls> make_function_calls()
{
	return std::make_unique<FunctionCalls>();
}

} // namespace tb::perf
