/* SPDX-License-Identifier: Apache-2.0 */
#include "programs.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "call_classes.h"
#include "kernel_log.h"
#include "paths.h"
#include "refusal.h"
#include "tracepoint.h"

namespace tb::ebpf
{

Mapping::~Mapping()
{
	if (address_)
		munmap(address_, bytes_);
}

int Mapping::map(int fd, size_t bytes, int protection)
{
	const size_t page = sysconf(_SC_PAGESIZE);

	bytes_ = (bytes + page - 1) / page * page;
	void *address = mmap(nullptr, bytes_, protection, MAP_SHARED, fd, 0);
	if (address == MAP_FAILED)
		return -errno;
	address_ = address;
	return 0;
}

int Programs::map_fd(const char *name) const
{
	return bpf_object__find_map_fd_by_name(object_.get(), name);
}

int Programs::size_maps(const Variant &variant, const MapSizes &sizes)
{
	struct Wanted {
		const char *name;
		bool used;
		uint64_t entries; /* 0: as declared */
	} const wanted[] = {
		{"cpus", true, possible_cpus_},
		{"rings", variant.carrier == Carrier::mmap_ring,
		 uint64_t{sizes.ring_cpus} * sizes.ring_slots},
		{"ringbuf", variant.carrier == Carrier::ring_buffer, sizes.ringbuf_bytes},
		{"strung", variant.strings, 0},
		{"kept_strings", variant.strings, 0},
		{"perfbuf", variant.carrier == Carrier::perf_buffer, 0},
		{".rodata.printk", variant.carrier == Carrier::printk, 0},
		{"counts", variant.carrier == Carrier::counts, possible_cpus_},
		{"followed", variant.cgroup, 0},
	};

	for (const Wanted &w : wanted) {
		bpf_map *map = bpf_object__find_map_by_name(object_.get(), w.name);
		if (!map)
			return -ENOENT;
		int code = bpf_map__set_autocreate(map, w.used);
		if (code == 0 && w.used && w.entries)
			code = w.entries > UINT32_MAX ? -E2BIG : bpf_map__set_max_entries(map, w.entries);
		if (code < 0)
			return code;
	}
	return 0;
}

template <typename T> T *Programs::section(const char *name) const
{
	const bpf_map *map = bpf_object__find_map_by_name(object_.get(), name);
	size_t bytes = 0;
	void *memory = map ? bpf_map__initial_value(map, &bytes) : nullptr;

	return bytes >= sizeof(T) ? static_cast<T *>(memory) : nullptr;
}

/* By what the running kernel has, not by its version. */
void Programs::choose_programs(const Variant &variant)
{
	if (variant.hook != Hook::system_calls) {
		names_[on_exit] = variant.hook == Hook::usdt ? "function_usdt"
				  : has_uprobe_links()       ? "function_multi"
							     : "function_single";
		return;
	}
	lean_ = variant.on_exit_lean &&
		libbpf_find_vmlinux_btf_id("sched_prepare_exec", BPF_TRACE_RAW_TP) > 0;
	names_[on_enter] = variant.on_enter;
	names_[on_exit] = lean_ ? variant.on_exit_lean : variant.on_exit_paired;
	names_[on_exec] = variant.on_exec;
	names_[prepare_exec] = lean_ ? variant.prepare_exec_lean : nullptr;
	names_[task_fork] = variant.cgroup ? nullptr : "task_fork";
	names_[task_exit] = lean_ ? variant.task_exit_lean : "task_exit";
}

int Programs::autoload(const Variant &variant, tb_error *err)
{
	for (int slot = 0; slot < kSlots; slot++) {
		if (!names_[slot])
			continue;
		programs_[slot] = bpf_object__find_program_by_name(object_.get(), names_[slot]);
		if (!programs_[slot]) {
			tb_error__set(
				err, -ENOTSUP,
				"variant '%s' needs program %s, which the object for this architecture lacks",
				variant.name, names_[slot]);
			tb_error__mend(err, "--backends ebpf/ringbuf");
			return -ENOTSUP;
		}
		bpf_program__set_autoload(programs_[slot], true);
	}
	return 0;
}

int Programs::configure(const Variant &variant, const tb_filter *filter, const MapSizes &sizes, tb_error *err)
{
	auto *config = section<tb_bpf_config>(".rodata.config");

	if (!config || !section<uint8_t[TB_TASKS]>(".bss.tasks") || !section<tb_entries>(".bss.entries")) {
		tb_error__set(err, -EPROTO, "the BPF object does not belong to this build");
		tb_error__mend(err, "npm run build");
		return -EPROTO;
	}
	config->slots = sizes.ring_slots;
	config->born_state = variant.born;
	config->submit = sizes.submit;
	config->wake_bytes = sizes.submit_bytes;
	config->totals = sizes.totals;
	fill_call_classes(config, filter);
	for (int nr = 0; variant.strings && nr < TB_NR_CLASSES; nr++)
		config->path_arguments[nr] = tb_path_arguments(nr);
	int code = size_maps(variant, sizes);
	return code < 0 ? tb_error__set(err, code, "sizing the BPF maps: %s", strerror(-code)) : 0;
}

int Programs::load(const Variant &variant, const char *path, const tb_filter *filter, const MapSizes &sizes,
		   const FunctionSite &site, tb_error *err)
{
	variant_ = &variant;
	site_ = site;
	KernelLog::start();
	possible_cpus_ = libbpf_num_possible_cpus();
	if (access(path, R_OK) != 0) {
		int code = -errno;

		tb_error__set(err, code, "the BPF object %s: %s", path, strerror(-code));
		tb_error__mend(err, "apt-get install clang libelf-dev && npm run build");
		return code;
	}
	object_.reset(bpf_object__open_file(path, nullptr));
	if (!object_)
		return explain_refusal(err, -errno, "reading the BPF object");
	choose_programs(variant);
	int code = autoload(variant, err);
	if (code == 0)
		code = configure(variant, filter, sizes, err);
	if (code < 0)
		return code;
	code = bpf_object__load(object_.get());
	if (code < 0)
		return explain_refusal(err, code, "loading the BPF programs");
	code = find_tracepoints(err);
	if (code < 0)
		return code;
	tasks_ = *section<uint8_t[TB_TASKS]>(".bss.tasks");
	entries_ = section<tb_entries>(".bss.entries");
	code = cpus_.map(map_fd("cpus"), sizeof(tb_cpu) * possible_cpus_, PROT_READ | PROT_WRITE);
	return code < 0 ? tb_error__set(err, code, "mapping the per-CPU counters: %s", strerror(-code)) : 0;
}

int Programs::find_tracepoints(tb_error *err)
{
	for (Slot slot : {on_enter, on_exit}) {
		if (!programs_[slot] || bpf_program__type(programs_[slot]) != BPF_PROG_TYPE_TRACEPOINT)
			continue;
		const int64_t id = tracepoint_id(programs_[slot]);

		if (id < 0) {
			const int code = static_cast<int>(id);

			tb_error__set(err, code, "the id of the tracepoint %s cannot be read: %s",
				      bpf_program__section_name(programs_[slot]), strerror(-code));
			if (code == -EPERM || code == -EACCES)
				tb_error__mend(err, "run as root, e.g. with sudo");
			return code == -ENOENT ? -ENOTSUP : code;
		}
		tracepoints_[slot] = static_cast<uint64_t>(id);
	}
	return 0;
}

bpf_link *Programs::make_link(Slot slot, pid_t pid) const
{
	const bpf_program *program = programs_[slot];

	if (variant_->hook != Hook::system_calls)
		return attach_function(program, pid, *variant_, site_);
	return bpf_program__type(program) == BPF_PROG_TYPE_TRACEPOINT
		       ? attach_tracepoint(program, tracepoints_[slot])
		       : bpf_program__attach(program);
}

int Programs::attach_one(Slot slot, pid_t pid, tb_error *err)
{
	links_[slot].reset(make_link(slot, pid));
	if (links_[slot])
		return 0;
	int code = -errno;
	if (variant_->hook != Hook::system_calls)
		return explain_unattached(err, code, *variant_, site_);
	char operation[80];

	snprintf(operation, sizeof(operation), "attaching program %s", names_[slot]);
	return explain_refusal(err, code, operation);
}

/* A container's default profile is a filter that every program in it inherits. */
static bool is_under_seccomp(pid_t pid)
{
	char path[64], line[256];
	int mode = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *status = fopen(path, "re");
	if (!status)
		return false;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	fclose(status);
	return mode != 0;
}

/*
 * The program that asks for entries to be watched waits with preemption disabled, so a collector on its CPU
 * could not answer. Which CPUs are meant is decided before arm: the launcher and the session pin before it.
 */
static bool shares_a_cpu_with(pid_t pid)
{
	cpu_set_t ours, theirs, both;

	if (sched_getaffinity(0, sizeof(ours), &ours) != 0 ||
	    sched_getaffinity(pid, sizeof(theirs), &theirs) != 0)
		return true;
	CPU_AND(&both, &ours, &theirs);
	return CPU_COUNT(&both) > 0;
}

bool Programs::must_watch_entries(pid_t pid, EntryPolicy policy) const
{
	if (!lean_ || policy == EntryPolicy::always || is_under_seccomp(pid))
		return true;
	return policy == EntryPolicy::automatic && shares_a_cpu_with(pid);
}

int Programs::attach(pid_t pid, EntryPolicy policy, tb_error *err)
{
	const bool watch_entries = must_watch_entries(pid, policy);

	KernelLog::start();
	for (Slot slot : {task_exit, task_fork, on_exec, prepare_exec, on_enter, on_exit}) {
		if (!programs_[slot] || (slot == on_enter && !watch_entries))
			continue;
		int code = attach_one(slot, pid, err);
		if (code < 0) {
			detach();
			return code;
		}
	}
	entries_->watched = watch_entries;
	attached_ = true;
	return 0;
}

int Programs::watch_entries_if_wanted(tb_error *err)
{
	if (!__atomic_load_n(&entries_->wanted, __ATOMIC_RELAXED) || entries_->watched || !attached_)
		return 0;
	KernelLog::start();
	int code = attach_one(on_enter, 0, err);
	if (code == 0)
		__atomic_store_n(&entries_->watched, 1, __ATOMIC_RELEASE);
	return code;
}

/* The exit program first: without the entry program it would see refusals everywhere. */
void Programs::detach()
{
	attached_ = false;
	for (auto &link : links_)
		link.reset();
}

void Programs::arm(uint32_t tid)
{
	__atomic_store_n(&tasks_[TB_TASK_SLOT(tid)], TB_TASK_ARMED, __ATOMIC_RELEASE);
}

bool Programs::follow(uint32_t tid)
{
	uint8_t none = TB_TASK_NONE;

	return __atomic_compare_exchange_n(&tasks_[TB_TASK_SLOT(tid)], &none, TB_TASK_TARGET, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

void Programs::let_go(uint32_t tid)
{
	__atomic_store_n(&tasks_[TB_TASK_SLOT(tid)], TB_TASK_NONE, __ATOMIC_RELEASE);
}

int Programs::take_cgroup(const char *path, tb_error *err)
{
	const uint32_t only = 0;
	const int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = group < 0 ? -errno : 0;

	if (code == 0 && bpf_map_update_elem(map_fd("followed"), &only, &group, BPF_ANY) != 0)
		code = -errno;
	if (group >= 0)
		close(group);
	if (code == 0)
		return 0;
	tb_error__set(err, code, "the control group %s cannot be followed: %s", path, strerror(-code));
	/* What is no group of version 2 is a bad descriptor to this map. */
	if (code == -EBADF)
		tb_error__mend(err, "name a folder of the cgroup2 hierarchy (findmnt -t cgroup2)");
	return code;
}

bool Programs::recursion_misses(uint64_t *misses) const
{
	*misses = 0;
	for (Slot slot : {on_enter, on_exit}) {
		if (!programs_[slot])
			continue;
		bpf_prog_info info = {};
		uint32_t length = sizeof(info);

		if (bpf_prog_get_info_by_fd(bpf_program__fd(programs_[slot]), &info, &length) != 0 ||
		    length < offsetof(bpf_prog_info, recursion_misses) + sizeof(info.recursion_misses))
			return false;
		*misses += info.recursion_misses;
	}
	return true;
}

} // namespace tb::ebpf
