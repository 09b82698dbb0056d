/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracer: the tree of tasks that are attached, and what each of their stops means.
 *
 * Every stop is answered before the next one is waited for, so between two calls of `round` all tasks run (or are
 * on their way to a stop that nobody has seen yet).
 */
#ifndef TRACEBENCH_PTRACE_TRACER_H
#define TRACEBENCH_PTRACE_TRACER_H

#include <cstdint>
#include <deque>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

#include "calls.h"
#include "source.h"
#include "stop_wait.h"

namespace tb_ptrace
{

struct health {
	uint64_t stops = 0;             /* wait statuses of stopped tasks */
	uint64_t signals_delivered = 0; /* signal-delivery-stops passed on */
	uint64_t group_stops = 0;       /* job-control stops the tasks were left in */
	uint64_t births = 0;            /* tasks that came to be inside the target */
	uint64_t deaths = 0;            /* tasks of the target whose death was waited for */
	uint64_t open_at_disarm = 0; /* calls that had entered and not returned when their task was let go */
	uint64_t stale_stops =
		0; /* stops whose task had been killed or replaced by an exec before they were read */
	uint64_t unpaired_exits =
		0; /* returns of calls whose entry was not seen, or was delivered as not returning */
	uint64_t unknown_stops = 0; /* stops of a kind that none of the options asked for */
	uint64_t unknown_tgids = 0; /* threads whose process could not be told; delivered with tgid = tid */
};

/* All on the drain thread. What throws (std::bad_alloc) is caught at the slots. */
class tracer
{
public:
	tracer(bool seccomp, bool paths, const struct tb_filter &filter)
		: seccomp_(seccomp), paths_(paths), filter_(filter)
	{
	}

	int open(struct tb_error *err) { return wait_.open(err); }
	int attach(pid_t pid, struct tb_error *err);
	int round(struct tb_record *out, uint32_t capacity, uint32_t timeout_us, struct tb_round *round,
		  struct tb_error *err);
	int detach(struct tb_error *err);

	const struct health &counters() const { return health_; }
	/* null without detail `paths`. */
	const struct tb_path_counters *path_counters() const { return paths_ ? &path_counters_ : nullptr; }

private:
	struct task {
		pid_t tid = 0;
		pid_t tgid = 0;
		bool in_call = false; /* `open` has entered and not returned */
		bool leaving = false; /* exit or exit_group was delivered */
		struct call open;
	};

	int next_stop(bool wait, struct stop *out);
	int answer(const struct stop &stop, struct tb_error *err);
	int resume(task &task, int signal, struct tb_error *err);
	int listen(task &task, struct tb_error *err);
	int let_go(task &task, int signal, struct tb_error *err);
	int release_all(struct tb_error *err);
	int kill_all(struct tb_error *err);

	task &find(pid_t tid, bool *is_new);
	void forget(pid_t tid);
	bool only_dead_leaders() const;

	/* False when the stop is not there any more and the task must be left alone. */
	int on_call_stop(task &task, uint64_t now, bool *there, struct tb_error *err);
	void on_birth(task &task, uint64_t now);
	void on_exec(task &task, uint64_t now);
	void on_death(pid_t tid, uint64_t now);

	bool wants(const struct call &call) const;
	void read_paths(task &task) const;
	void deliver(const task &task, uint8_t kind, uint32_t flags, const struct call &call, uint64_t now);

	const bool seccomp_;
	const bool paths_;
	const struct tb_filter filter_;
	stop_wait wait_;
	struct health health_;
	struct tb_path_counters path_counters_ = {};

	std::unordered_map<pid_t, task> tasks_;
	task *last_ = nullptr;          /* most stops come from the task that had the last one */
	std::deque<struct stop> swept_; /* seen and not answered yet */
	uint32_t since_sweep_ = 0;

	bool attached_ = false;
	bool live_ = false;       /* the target's first execve has succeeded */
	bool letting_go_ = false; /* from detach on: a task that stops is let go */

	/* Where deliver puts records: the caller's, then those of one stop that did not fit, for the next round. */
	struct tb_record *out_ = nullptr;
	uint32_t capacity_ = 0;
	uint32_t count_ = 0;
	struct tb_arena *arena_ = nullptr;
	struct kept {
		struct tb_record record;
		struct tb_paths paths;
	};
	std::vector<struct kept> kept_;
};

} /* namespace tb_ptrace */

#endif
