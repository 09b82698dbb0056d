/* SPDX-License-Identifier: Apache-2.0 */
/* The source contract (source.h) over the BPF programs. Built as a plug-in: it needs libelf and libz. */
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

#include "carrier.h"
#include "clock.h"
#include "kernel_log.h"
#include "programs.h"
#include "refusal.h"
#include "running_tree.h"
#include "source.h"
#include "variant.h"

using namespace tb::ebpf;

struct tb_source {
	/* Destroyed last to first: the carrier's buffers belong to the object of the programs. */
	const Variant *variant = nullptr;
	Programs programs;
	std::unique_ptr<CarrierBase> carrier;
	Mapping counts; /* variant `count` only */
	EntryPolicy entry_policy = EntryPolicy::automatic;
	bool misses_are_told = false;
	bool totals = false;
	bool follows_running =
		false;      /* else what the launcher's child becomes; a control group is the variant's */
	uint32_t found = 0; /* threads that were the target from the start */
};

namespace
{

constexpr uint64_t kProbeBufferBytes = 65536;

const char *option(const tb_source_config *config, const char *name)
{
	for (uint32_t i = 0; i < config->options_count; i++)
		if (strcmp(config->options[i].name, name) == 0)
			return config->options[i].value;
	return nullptr;
}

/* Option `entries`: auto (also when absent), always, on-demand. */
int parse_entry_policy(const char *text, EntryPolicy *policy, tb_error *err)
{
	if (!text || strcmp(text, "auto") == 0)
		*policy = EntryPolicy::automatic;
	else if (strcmp(text, "always") == 0)
		*policy = EntryPolicy::always;
	else if (strcmp(text, "on-demand") == 0)
		*policy = EntryPolicy::on_demand;
	else
		return tb_error__set(err, -EINVAL, "option 'entries' is auto, always or on-demand, not '%s'",
				     text);
	return 0;
}

/* Option `follow`: launched (also when absent), running. Only whoever makes no records can begin in the middle of a call. */
int parse_follow(const char *text, const Variant &variant, bool *running, tb_error *err)
{
	*running = text && strcmp(text, "running") == 0;
	if (text && !*running && strcmp(text, "launched") != 0)
		return tb_error__set(err, -EINVAL, "option 'follow' is launched or running, not '%s'", text);
	if (*running && variant.carrier != Carrier::counts)
		return tb_error__set(err, -EINVAL,
				     "variant '%s' begins with an execve, not with what runs already",
				     variant.name);
	return 0;
}

/*
 * Whether the collector looks often enough to answer within TB_ENTRIES_PATIENCE_NS: by a short timer, or woken by the
 * record of the very call that asks.
 */
bool answers_in_time(const tb_source_config *config)
{
	switch (config->wakeup) {
	case TB_WAKE_TIMER:
		return config->wakeup_value <= TB_ENTRIES_PATIENCE_NS / 1000 / 4;
	case TB_WAKE_ADAPTIVE:
		return !config->filter.active;
	default:
		return false;
	}
}

int open_source(const tb_source_config *config, tb_source *source, tb_geometry *geometry, tb_error *err)
{
	if (config->abi != TB_SOURCE_ABI)
		return tb_error__set(err, -EPROTO, "source ABI %u asked of a plug-in of ABI %d", config->abi,
				     TB_SOURCE_ABI);
	if (!find_variant(config->variant, false, false))
		return tb_error__set(err, -EINVAL, "the eBPF backend has no variant '%s'", config->variant);
	const char *cgroup = option(config, "cgroup");
	source->variant = find_variant(config->variant, config->paths, cgroup != nullptr);
	if (!source->variant)
		return tb_error__set(err, -EOPNOTSUPP, "no program of variant '%s' %s", config->variant,
				     cgroup ? "takes a control group" : "reads strings");
	const char *object = option(config, "object");
	if (!object)
		return tb_error__set(err, -EINVAL, "option 'object', the path of the BPF object, is missing");
	int code = parse_entry_policy(option(config, "entries"), &source->entry_policy, err);
	if (code == 0)
		code = parse_follow(option(config, "follow"), *source->variant, &source->follows_running,
				    err);
	if (source->entry_policy == EntryPolicy::automatic && !answers_in_time(config))
		source->entry_policy = EntryPolicy::always;
	if (code == 0)
		code = require_initial_pid_namespace(err);
	if (code < 0)
		return code;
	FunctionSite site;
	code = read_function_site(config, *source->variant, &site, err);
	if (code < 0)
		return code;
	source->carrier = make_carrier(source->variant->carrier);
	if (!source->carrier)
		return tb_error__set(err, -ENOMEM, "no memory for a carrier");

	MapSizes sizes;
	sizes.totals = source->totals = config->totals && source->variant->carrier == Carrier::counts;
	code = source->carrier->plan(config, &sizes, err);
	if (code < 0)
		return code;
	code = source->programs.load(*source->variant, object, &config->filter, sizes, site, err);
	if (code == -EINVAL && source->variant->carrier == Carrier::mmap_ring && !err->mend[0])
		tb_error__mend(err, "before Linux 5.12 there is no atomic exchange for the mapped ring: "
				    "--backends ebpf/ringbuf");
	if (code == -EINVAL && source->variant->carrier == Carrier::printk && !err->mend[0])
		tb_error__mend(err, "before Linux 5.16 a program prints three values at once, which are no "
				    "record: --backends ebpf/perfbuf");
	if (code < 0)
		return code;
	code = source->carrier->open(source->programs, geometry, err);
	if (code == 0 && cgroup)
		code = source->programs.take_cgroup(cgroup, err);
	if (code < 0)
		return code;
	if (source->variant->carrier == Carrier::counts) {
		code = source->counts.map(source->programs.map_fd("counts"),
					  sizeof(tb_counts) * source->programs.possible_cpus(), PROT_READ);
		if (code < 0)
			return tb_error__set(err, code, "mapping the call counters: %s", strerror(-code));
	}
	uint64_t misses;
	source->misses_are_told = source->programs.recursion_misses(&misses);
	return 0;
}

int ebpf__open(const tb_source_config *config, tb_source **out, tb_geometry *geometry, tb_error *err)
{
	std::unique_ptr<tb_source> source(new (std::nothrow) tb_source);
	if (!source)
		return tb_error__set(err, -ENOMEM, "no memory for a source");
	int code = open_source(config, source.get(), geometry, err);
	if (code == 0)
		*out = source.release();
	return code;
}

/* Short of something that another moment may have: no answer about the machine. */
bool is_momentary(int code)
{
	return code == -ENOMEM || code == -EMFILE || code == -ENFILE || code == -EAGAIN || code == -EINTR;
}

int ebpf__probe(const tb_source_config *config, tb_error *err)
{
	tb_source_config tiny = *config;
	tb_geometry geometry;
	tb_source source;

	tiny.buffer_bytes = kProbeBufferBytes;
	int code = open_source(&tiny, &source, &geometry, err);
	if (code == 0)
		code = source.programs.attach(getpid(), EntryPolicy::always, err);
	if (code == 0)
		return 1;
	return is_momentary(code) ? code : 0;
}

int ebpf__arm(tb_source *source, pid_t pid, tb_error *err)
{
	if (pid <= 0 || kill(pid, 0) != 0) {
		int code = pid <= 0 ? -EINVAL : -errno;

		return tb_error__set(err, code, "process %d cannot be traced: %s", pid, strerror(-code));
	}
	int code = source->programs.attach(pid, source->entry_policy, err);
	if (code < 0 || source->variant->cgroup)
		return code;
	if (source->follows_running)
		return follow_running_tree(&source->programs, pid, &source->found, err);
	source->programs.arm(pid);
	source->found = 1;
	return 0;
}

int ebpf__drain(tb_source *source, tb_record *out, uint32_t capacity, uint32_t timeout_us, tb_round *round,
		tb_error *err)
{
	const uint64_t deadline = tb_monotonic_ns() + timeout_us * 1000ull;

	round->per_record_visible = 0;
	for (;;) {
		int code = source->programs.watch_entries_if_wanted(err);
		if (code < 0)
			return code;
		int count = source->carrier->collect(out, capacity, round, err);
		if (count != 0 || timeout_us == 0 || round->visible_ns >= deadline)
			return count;
		source->carrier->wait(deadline - round->visible_ns);
	}
}

int ebpf__disarm(tb_source *source, tb_error *)
{
	source->programs.detach();
	return 0;
}

int ebpf__stats(tb_source *source, tb_counter *out, uint32_t capacity, tb_error *)
{
	const tb_unit unit = source->variant->carrier == Carrier::counts ? TB_UNIT_CALL : TB_UNIT_RECORD;
	const tb_cpu *cpus = source->programs.cpus();
	tb_cpu sum = {};
	uint64_t misses;
	uint32_t used = 0;

	for (uint32_t i = 0; i < source->programs.possible_cpus(); i++) {
		sum.lost += __atomic_load_n(&cpus[i].lost, __ATOMIC_RELAXED);
		sum.collisions += __atomic_load_n(&cpus[i].collisions, __ATOMIC_RELAXED);
		sum.kept_full += __atomic_load_n(&cpus[i].kept_full, __ATOMIC_RELAXED);
		sum.died_inside += __atomic_load_n(&cpus[i].died_inside, __ATOMIC_RELAXED);
		sum.refusals_unproven += __atomic_load_n(&cpus[i].refusals_unproven, __ATOMIC_RELAXED);
		sum.births += __atomic_load_n(&cpus[i].births, __ATOMIC_RELAXED);
		sum.tasks += __atomic_load_n(&cpus[i].tasks, __ATOMIC_RELAXED);
	}
	source->programs.recursion_misses(&misses);
	add_counter(out, capacity, &used, "buffer_full", TB_PLACE_KERNEL, unit, sum.lost);
	add_counter(out, capacity, &used, "collisions", TB_PLACE_KERNEL, unit, sum.collisions);
	add_counter(out, capacity, &used, "kept_full", TB_PLACE_KERNEL, unit, sum.kept_full);
	add_counter(out, capacity, &used, "died_inside", TB_PLACE_KERNEL, unit, sum.died_inside);
	if (source->misses_are_told)
		add_counter(out, capacity, &used, "recursion_misses", TB_PLACE_KERNEL, unit, misses);
	else
		add_counter(out, capacity, &used, "recursion_misses_not_counted", TB_PLACE_HEALTH, unit, 0);
	add_counter(out, capacity, &used, "births", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, sum.births);
	add_counter(out, capacity, &used, "refusals_unproven", TB_PLACE_HEALTH, TB_UNIT_MESSAGE,
		    sum.refusals_unproven);
	add_counter(out, capacity, &used, "entries_watched", TB_PLACE_HEALTH, TB_UNIT_MESSAGE,
		    source->programs.entries_are_watched());
	if (source->variant->carrier == Carrier::counts)
		add_counter(out, capacity, &used, "tasks", TB_PLACE_HEALTH, TB_UNIT_MESSAGE,
			    source->found + sum.tasks);
	if (source->variant->hook != Hook::system_calls)
		add_counter(out, capacity, &used, "uprobe_link", TB_PLACE_HEALTH, TB_UNIT_MESSAGE,
			    has_uprobe_links());
	return used + source->carrier->stats(out + used, capacity - used);
}

/* Numbers beyond the tables belong to no table of names (x32 on x86-64), so they count as foreign. */
int ebpf__counts(tb_source *source, uint64_t *counts, uint64_t *foreign, tb_error *err)
{
	const auto *cpus = source->counts.as<tb_counts>();

	if (!cpus)
		return tb_error__set(err, -ENOTSUP, "variant '%s' delivers records, not counts",
				     source->variant->name);
	memset(counts, 0, sizeof(*counts) * TB_NR_MAX);
	*foreign = 0;
	for (uint32_t i = 0; i < source->programs.possible_cpus(); i++) {
		for (int nr = 0; nr < TB_NR_MAX; nr++)
			counts[nr] += __atomic_load_n(&cpus[i].native[nr], __ATOMIC_RELAXED);
		*foreign += __atomic_load_n(&cpus[i].foreign, __ATOMIC_RELAXED) +
			    __atomic_load_n(&cpus[i].beyond, __ATOMIC_RELAXED);
	}
	return 0;
}

int ebpf__total(tb_source *source, uint64_t *calls, tb_error *err)
{
	const auto *cpus = source->counts.as<tb_counts>();

	if (!source->totals)
		return tb_error__set(err, -EOPNOTSUPP, "opened without totals");
	*calls = 0;
	for (uint32_t i = 0; i < source->programs.possible_cpus(); i++)
		*calls += __atomic_load_n(&cpus[i].total, __ATOMIC_RELAXED);
	return 0;
}

void ebpf__close(tb_source *source)
{
	delete source;
}

const tb_source_ops ops = {
	.abi = TB_SOURCE_ABI,
	.name = "ebpf",
	.probe = ebpf__probe,
	.open = ebpf__open,
	.arm = ebpf__arm,
	.drain = ebpf__drain,
	.disarm = ebpf__disarm,
	.stats = ebpf__stats,
	.counts = ebpf__counts,
	.total = ebpf__total,
	.close = ebpf__close,
};

} // namespace

extern "C" __attribute__((visibility("default"))) const tb_source_ops *tb_source_plugin(void)
{
	KernelLog::install();
	return &ops;
}
