/* SPDX-License-Identifier: Apache-2.0 */
/* The BPF object of one variant: loaded, attached, detached, and the memory it shares with us. */
#ifndef TRACEBENCH_EBPF_PROGRAMS_H
#define TRACEBENCH_EBPF_PROGRAMS_H

#include <bpf/libbpf.h>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sys/types.h>

#include "function_site.h"
#include "shared.h"
#include "source.h"
#include "variant.h"

namespace tb::ebpf
{

/* Memory of a BPF_F_MMAPABLE array; unmapped with its owner. */
class Mapping
{
public:
	Mapping() = default;
	Mapping(const Mapping &) = delete;
	Mapping &operator=(const Mapping &) = delete;
	~Mapping();

	/* 0 or -errno. */
	int map(int fd, size_t bytes, int protection);
	template <typename T> T *as() const { return static_cast<T *>(address_); }

private:
	void *address_ = nullptr;
	size_t bytes_ = 0;
};

/* When the entry program is attached beside a lean exit program; see struct tb_entries. */
enum class EntryPolicy {
	automatic, /* from the start, unless the collector can answer: it shares no CPU with the target */
	always,
	on_demand,
};

/* Sizes that the variant's maps are created with; zero where it has no such map. */
struct MapSizes {
	uint32_t ring_cpus = 0;     /* memory-mapped ring: CPUs that have a ring */
	uint32_t ring_slots = 0;    /* records of each */
	uint32_t ringbuf_bytes = 0; /* a power of two, page-aligned */
	uint32_t submit = 0;        /* enum tb_submit_policy */
	uint32_t submit_bytes = 0;
	bool totals = false; /* of the counters */
};

class Programs
{
public:
	Programs() = default;
	Programs(const Programs &) = delete;
	Programs &operator=(const Programs &) = delete;

	/* Loads from the object file at `path`; `site` is of variants that trace a function. 0 or -errno with *err filled. */
	int load(const Variant &variant, const char *path, const tb_filter *filter, const MapSizes &sizes,
		 const FunctionSite &site, tb_error *err);

	/*
	 * Attaches what is needed to follow `pid`. 0 or -errno; on failure what was attached is detached again.
	 */
	int attach(pid_t pid, EntryPolicy policy, tb_error *err);
	void detach();

	/* Where the variant takes one: the control group at `path` is the target, and all below it. Before attach. 0 or -errno. */
	int take_cgroup(const char *path, tb_error *err);

	/* From its next successful execve on, the thread `tid` and what grows from it is the target. */
	void arm(uint32_t tid);

	/* From its next call on, the running thread `tid` and what grows from it is the target. False when it was already. */
	bool follow(uint32_t tid);
	void let_go(uint32_t tid);

	/* Attaches the entry program when the programs have asked for it; cheap when not. 0 or -errno. */
	int watch_entries_if_wanted(tb_error *err);
	bool entries_are_watched() const { return entries_->watched; }

	/*
	 * Runs that the kernel skipped because the program was already running on that CPU. False where the
	 * kernel does not tell (before Linux 5.12).
	 */
	bool recursion_misses(uint64_t *misses) const;

	int map_fd(const char *name) const;
	uint32_t possible_cpus() const { return possible_cpus_; }
	tb_cpu *cpus() const { return cpus_.as<tb_cpu>(); }

private:
	struct CloseObject {
		void operator()(bpf_object *object) const { bpf_object__close(object); }
	};
	struct DestroyLink {
		void operator()(bpf_link *link) const { bpf_link__destroy(link); }
	};
	enum Slot { on_exit, on_enter, prepare_exec, on_exec, task_fork, task_exit, kSlots };

	void choose_programs(const Variant &variant);
	int autoload(const Variant &variant, tb_error *err);
	int configure(const Variant &variant, const tb_filter *filter, const MapSizes &sizes, tb_error *err);
	int size_maps(const Variant &variant, const MapSizes &sizes);
	bool must_watch_entries(pid_t pid, EntryPolicy policy) const;
	int find_tracepoints(tb_error *err);
	int attach_one(Slot slot, pid_t pid, tb_error *err);
	bpf_link *make_link(Slot slot, pid_t pid) const;
	template <typename T> T *section(const char *name) const;

	/* Members are destroyed last to first: links, then mappings, then the object with its descriptors. */
	std::unique_ptr<bpf_object, CloseObject> object_;
	Mapping cpus_;
	std::unique_ptr<bpf_link, DestroyLink> links_[kSlots];
	const Variant *variant_ = nullptr;
	FunctionSite site_ = {};
	const char *names_[kSlots] = {};
	bpf_program *programs_[kSlots] = {};
	uint64_t tracepoints_[kSlots] = {}; /* ids, of programs on classic ones */
	bool lean_ = false;
	bool attached_ = false;
	uint8_t *tasks_ = nullptr;      /* .bss.tasks, mapped by libbpf */
	tb_entries *entries_ = nullptr; /* .bss.entries, the same */
	uint32_t possible_cpus_ = 0;
};

} // namespace tb::ebpf

#endif
