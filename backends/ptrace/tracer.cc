/* SPDX-License-Identifier: Apache-2.0 */
#include "tracer.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "clock.h"

namespace tb_ptrace
{

namespace
{

constexpr uint64_t ns_per_us = 1'000;
constexpr uint64_t ns_per_ms = 1'000'000;

/* The session looks at its gates between rounds; a round that has records ends after this. */
constexpr uint64_t round_ns = ns_per_ms;

constexpr uint64_t attach_deadline_ns = 2'000 * ns_per_ms;
constexpr uint64_t detach_deadline_ns = 2'000 * ns_per_ms;
constexpr uint64_t detach_look_ns = 20 * ns_per_ms;

/*
 * wait4 looks at its tracees in the order they were attached, so that on many CPUs a few busy old tasks could keep
 * the younger ones waiting without end. Every so many stops all that stand are collected before any is answered.
 */
constexpr uint32_t sweep_every = 64;

bool is_stopping(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

/* Raw ptrace: the tasks vanish at any moment (SIGKILL), which is never an error here; their death is waited for. */
int request(__ptrace_request what, pid_t tid, unsigned long data)
{
	return ptrace(what, tid, nullptr, data) == 0 || errno == ESRCH ? 0 : -errno;
}

pid_t tracer_of(pid_t pid)
{
	char text[64], line[128];
	pid_t tracer = 0;

	snprintf(text, sizeof(text), "/proc/%d/status", pid);
	FILE *file = fopen(text, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file) && sscanf(line, "TracerPid: %d", &tracer) != 1)
		;
	fclose(file);
	return tracer;
}

int seize_error(pid_t pid, int code, struct tb_error *err)
{
	if (code == -ESRCH)
		return tb_error__set(err, code, "PTRACE_SEIZE: the target (pid %d) is gone", pid);

	pid_t other = code == -EPERM ? tracer_of(pid) : 0;

	if (other) {
		tb_error__set(err, code, "PTRACE_SEIZE: pid %d is traced by pid %d already", pid, other);
		tb_error__mend(err, "end that tracer: a task has one tracer at a time");
		return code;
	}
	tb_error__set(err, code, "PTRACE_SEIZE of pid %d: %s", pid, strerror(-code));
	if (code == -EPERM)
		tb_error__mend(err,
			       "run as root, or check kernel.yama.ptrace_scope (0 or 1) and, in a container, "
			       "--cap-add=SYS_PTRACE");
	return code;
}

/* Z or X in /proc/TID/stat, or no such task. */
bool is_dead(pid_t tid)
{
	char text[512];

	snprintf(text, sizeof(text), "/proc/%d/stat", tid);
	FILE *file = fopen(text, "re");

	if (!file)
		return true;

	size_t size = fread(text, 1, sizeof(text) - 1, file);

	fclose(file);
	text[size] = '\0';

	const char *comm_end = strrchr(text, ')');

	return comm_end && comm_end[1] && (comm_end[2] == 'Z' || comm_end[2] == 'X');
}

} /* namespace */

/* --- attaching ------------------------------------------------------------------------------------------------- */

int tracer::attach(pid_t pid, struct tb_error *err)
{
	unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
				PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;

	if (seccomp_)
		options |= PTRACE_O_TRACESECCOMP;
	if (ptrace(PTRACE_SEIZE, pid, nullptr, options) != 0)
		return seize_error(pid, -errno, err);
	attached_ = true;
	tasks_[pid].tid = tasks_[pid].tgid = pid;

	/* A seized task runs on. With seccomp its filter makes the stops; without, it must be stopped once to step. */
	if (seccomp_)
		return 0;

	int rc = request(PTRACE_INTERRUPT, pid, 0);

	if (rc)
		return tb_error__set(err, rc, "PTRACE_INTERRUPT of pid %d: %s", pid, strerror(-rc));
	rc = wait_.bound(tb_monotonic_ns() + attach_deadline_ns, err);
	while (!rc) {
		struct stop stop;
		int got = wait_.next(&stop);

		if (got == 0)
			rc = tb_error__set(err, -ETIMEDOUT,
					   "the target (pid %d) did not stop within 2 s of "
					   "PTRACE_INTERRUPT: it sleeps where no signal reaches it",
					   pid);
		else if (got < 0)
			rc = tb_error__set(err, got, "wait4 for the target (pid %d): %s", pid,
					   strerror(-got));
		else if (!WIFSTOPPED(stop.status))
			rc = tb_error__set(err, -ESRCH, "the target (pid %d) ended before its execve", pid);
		else
			rc = answer(stop, err);
		if (!rc && stop.status >> 16 == PTRACE_EVENT_STOP)
			break;
	}
	wait_.unbound();
	return rc;
}

/* --- the round ------------------------------------------------------------------------------------------------- */

int tracer::round(struct tb_record *out, uint32_t capacity, uint32_t timeout_us, struct tb_round *round,
		  struct tb_error *err)
{
	const bool wait = timeout_us != 0;
	uint64_t deadline = tb_monotonic_ns() + (wait ? timeout_us * ns_per_us : round_ns);
	bool ended = false;
	int rc = 0;

	out_ = out;
	capacity_ = capacity;
	arena_ = round->arena;
	count_ = static_cast<uint32_t>(std::min<size_t>(kept_.size(), capacity));
	for (uint32_t i = 0; i < count_; i++) {
		out[i] = kept_[i].record;
		tb_paths__deliver(kept_[i].paths.data, kept_[i].paths.bytes, arena_, &out[i],
				  &path_counters_);
	}
	kept_.erase(kept_.begin(), kept_.begin() + count_);

	round->per_record_visible = 1;
	if (count_)
		deadline = tb_monotonic_ns() + round_ns;
	if (wait)
		rc = wait_.bound(deadline, err);

	while (!rc && count_ < capacity_) {
		const uint32_t before = count_;
		struct stop stop;
		int got = next_stop(wait, &stop);

		if (got == 0)
			break;
		if (got < 0) {
			ended = got == -ECHILD;
			if (!ended)
				rc = tb_error__set(err, got, "wait4 for the target: %s", strerror(-got));
			break;
		}
		round->visible_ns = stop.seen_ns;
		rc = answer(stop, err);
		if (rc)
			break;
		if (!before && count_) {
			deadline = stop.seen_ns + round_ns;
			if (wait)
				rc = wait_.bound(deadline, err);
		} else if (stop.seen_ns >= deadline) {
			break;
		}
	}
	if (wait)
		wait_.unbound();
	out_ = nullptr;
	capacity_ = 0;
	arena_ = nullptr;

	if (rc)
		return rc;
	if (ended && !count_) /* with records, the next round finds the same again */
		return TB_DRAIN_END;
	return static_cast<int>(count_);
}

int tracer::next_stop(bool wait, struct stop *out)
{
	if (swept_.empty()) {
		if (tasks_.size() < 2 || ++since_sweep_ < sweep_every)
			return wait ? wait_.next(out) : wait_.poll(out);
		/* Nothing is answered while sweeping, so there are at most as many as there are tasks. */
		since_sweep_ = 0;
		for (struct stop stop; wait_.poll(&stop) > 0;)
			swept_.push_back(stop);
		if (swept_.empty())
			return wait ? wait_.next(out) : wait_.poll(out);
	}
	*out = swept_.front();
	swept_.pop_front();
	return 1;
}

/* --- what a stop means ----------------------------------------------------------------------------------------- */

int tracer::answer(const struct stop &stop, struct tb_error *err)
{
	if (!WIFSTOPPED(stop.status)) {
		on_death(stop.tid, stop.seen_ns);
		return 0;
	}

	const int signal = WSTOPSIG(stop.status);
	bool is_new = false;
	task &task = find(stop.tid, &is_new);

	health_.stops++;
	if (signal == (SIGTRAP | 0x80)) {
		bool there = true;
		int rc = on_call_stop(task, stop.seen_ns, &there, err);

		return rc || !there ? rc : resume(task, 0, err);
	}
	switch (stop.status >> 16) {
	case 0: /* signal-delivery-stop: the task gets it as if nobody had looked */
		health_.signals_delivered++;
		return resume(task, signal, err);
	case PTRACE_EVENT_SECCOMP: {
		bool there = true;
		int rc = on_call_stop(task, stop.seen_ns, &there, err);

		return rc || !there ? rc : resume(task, 0, err);
	}
	case PTRACE_EVENT_STOP:
		if (is_new)
			on_birth(task, stop.seen_ns);
		if (is_stopping(signal)) {
			health_.group_stops++;
			return listen(task, err);
		}
		return resume(task, 0, err); /* SIGTRAP: interrupted, new, or continued by SIGCONT */
	case PTRACE_EVENT_EXEC:
		on_exec(task, stop.seen_ns);
		return resume(task, 0, err);
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE: /* the child is attached already and says so itself, before or after this */
		return resume(task, 0, err);
	default:
		health_.unknown_stops++;
		return resume(task, 0, err);
	}
}

int tracer::on_call_stop(task &task, uint64_t now, bool *there, struct tb_error *err)
{
	switch (read_call_stop(task.tid, &task.open)) {
	case call_stop::entry:
	case call_stop::
		seccomp: /* since 4.8 after the entry's stop, which the seccomp variant does not ask for */
		task.in_call = true;
		read_paths(task);
		if (live_ && never_returns(task.open.arch, task.open.nr)) {
			deliver(task, TB_KIND_CALL, TB_F_NO_RETURN | TB_F_ENTER | TB_F_ENTRY_ARGS, task.open,
				now);
			task.in_call = false;
			task.leaving = true;
		}
		return 0;
	case call_stop::exit:
		if (task.in_call && live_)
			deliver(task, TB_KIND_CALL, TB_F_RET | TB_F_ENTRY_ARGS, task.open, now);
		else if (live_)
			health_.unpaired_exits++;
		task.in_call = false;
		return 0;
	case call_stop::gone:
	case call_stop::stale:
		health_.stale_stops++;
		*there = false;
		return 0;
	case call_stop::failed:
		break;
	}

	int code = -errno;

	tb_error__set(err, code, "PTRACE_GET_SYSCALL_INFO of task %d: %s", task.tid, strerror(-code));
	tb_error__mend(err, "Linux 5.3 or later is needed");
	return code;
}

/* An attached task whose first stop this is returns from the call that made it: no call, no call stop. */
void tracer::on_birth(task &task, uint64_t now)
{
	struct call call;

	if (!live_ || !read_birth(task.tid, &call))
		return;
	health_.births++;
	deliver(task, TB_KIND_BIRTH, TB_F_RET, call, now);
}

/*
 * The task that called execve is the leader from here on, under the leader's tid. Of the old leader no death is told;
 * those of the other threads were told before.
 */
void tracer::on_exec(task &task, uint64_t now)
{
	unsigned long former = 0;

	if (ptrace(PTRACE_GETEVENTMSG, task.tid, nullptr, &former) != 0)
		return;

	const pid_t former_tid = static_cast<pid_t>(former);

	if (former_tid != task.tid) {
		if (task.in_call && live_)
			deliver(task, TB_KIND_CALL, TB_F_NO_RETURN | TB_F_ENTRY_ARGS, task.open, now);
		health_.deaths++;
		task.in_call = task.leaving = false;

		auto caller = tasks_.find(former_tid);

		if (caller != tasks_.end()) {
			task.in_call = caller->second.in_call;
			task.open = caller->second.open;
			forget(former_tid);
		}
	}
	live_ = true;
}

void tracer::on_death(pid_t tid, uint64_t now)
{
	auto dead = tasks_.find(tid);

	if (dead == tasks_.end())
		return; /* killed before its first stop */
	if (dead->second.in_call && live_)
		deliver(dead->second, TB_KIND_CALL, TB_F_NO_RETURN | TB_F_ENTRY_ARGS, dead->second.open, now);
	if (live_) /* a helper thread that whoever stood at the gate had, and that its execve ended, was no target's */
		health_.deaths++;
	forget(tid);
}

bool tracer::wants(const struct call &call) const
{
	return !filter_.active || (call.arch == native_arch && tb_filter__wants(&filter_, call.nr));
}

/* The task stands still, but its memory may be another's as well. */
void tracer::read_paths(task &task) const
{
	struct call &call = task.open;

	call.paths.bytes = 0;
	if (!paths_ || call.arch != native_arch || !wants(call))
		return;
	const uint8_t which = tb_path_arguments(call.nr);

	if (which)
		tb_paths__read(&call.paths, task.tid, which, call.args);
}

void tracer::deliver(const task &task, uint8_t kind, uint32_t flags, const struct call &call, uint64_t now)
{
	if (!wants(call))
		return;

	const bool fits = count_ < capacity_;
	struct tb_record *record;

	if (fits) {
		record = &out_[count_++];
	} else {
		struct kept &kept = kept_.emplace_back();

		kept.paths = call.paths;
		record = &kept.record;
	}
	record->ts_ns = now;
	record->tid = static_cast<tb_u32>(task.tid);
	record->tgid = static_cast<tb_u32>(task.tgid);
	record->nr = call.nr;
	record->arch = call.arch;
	record->cpu = TB_CPU_UNKNOWN;
	record->kind = kind;
	record->args_valid = call.args_valid;
	record->flags = flags;
	record->ret = flags & TB_F_RET ? call.ret : 0;
	memcpy(record->args, call.args, sizeof(record->args));
	record->aux = 0;
	if (fits && call.paths.bytes)
		tb_paths__deliver(call.paths.data, call.paths.bytes, arena_, record, &path_counters_);
}

/* --- restarting ------------------------------------------------------------------------------------------------ */

int tracer::resume(task &task, int signal, struct tb_error *err)
{
	if (letting_go_)
		return let_go(task, signal, err);

	/* With seccomp only the return of a call that has stopped at its entry is waited for. */
	int rc = request(seccomp_ && !task.in_call ? PTRACE_CONT : PTRACE_SYSCALL, task.tid,
			 static_cast<unsigned long>(signal));

	return rc ? tb_error__set(err, rc, "restarting task %d: %s", task.tid, strerror(-rc)) : 0;
}

/* Leaves a group-stopped task stopped, until SIGCONT makes it stop here again, as job control wants it (3.4). */
int tracer::listen(task &task, struct tb_error *err)
{
	if (letting_go_)
		return let_go(task, 0, err);

	int rc = request(PTRACE_LISTEN, task.tid, 0);

	return rc ? tb_error__set(err, rc, "PTRACE_LISTEN on task %d: %s", task.tid, strerror(-rc)) : 0;
}

int tracer::let_go(task &task, int signal, struct tb_error *err)
{
	const pid_t tid = task.tid;

	/* Without a tracer its filter would refuse every wanted call with ENOSYS. */
	if (seccomp_) {
		kill(task.tgid, SIGKILL);
		return 0;
	}
	if (task.in_call)
		health_.open_at_disarm++;

	int rc = request(PTRACE_DETACH, tid, static_cast<unsigned long>(signal));

	forget(tid);
	return rc ? tb_error__set(err, rc, "PTRACE_DETACH of task %d: %s", tid, strerror(-rc)) : 0;
}

/* --- detaching ------------------------------------------------------------------------------------------------- */

int tracer::detach(struct tb_error *err)
{
	if (!attached_)
		return 0;
	attached_ = false;

	int rc = seccomp_ ? kill_all(err) : release_all(err);

	wait_.unbound();
	if (!rc && !wait_.sigchld_untouched()) {
		rc = tb_error__set(
			err, -EBUSY,
			"the disposition of SIGCHLD was changed while ptrace ran: stops cost up to twice "
			"as much with it, so these figures are not ptrace's");
		tb_error__mend(err, "start no process through child_process in a trial");
	}
	return rc;
}

int tracer::release_all(struct tb_error *err)
{
	const uint64_t deadline = tb_monotonic_ns() + detach_deadline_ns;

	letting_go_ = true;
	for (const auto &entry : tasks_)
		request(PTRACE_INTERRUPT, entry.first, 0);

	for (;;) {
		struct stop stop;
		int rc = wait_.bound(std::min(deadline, tb_monotonic_ns() + detach_look_ns), err);

		if (rc)
			return rc;

		int got = next_stop(true, &stop);

		if (got == -ECHILD || (got == 0 && only_dead_leaders()))
			return 0;
		if (got < 0)
			return tb_error__set(err, got, "waiting for the target's tasks to stop: %s",
					     strerror(-got));
		rc = got ? answer(stop, err) : 0;
		if (rc)
			return rc;
		if (tb_monotonic_ns() >= deadline) {
			rc = tb_error__set(err, -ETIMEDOUT,
					   "task %d did not stop within 2 s and cannot be detached",
					   tasks_.empty() ? 0 : tasks_.begin()->first);
			tb_error__mend(
				err, "it sleeps where no signal reaches it; it is let go or killed when this "
				     "process ends");
			return rc;
		}
	}
}

/*
 * A leader that has exited before its threads is a zombie that can neither be waited for nor detached until the last
 * of them is gone; the kernel lets go of it when the drain thread ends.
 */
bool tracer::only_dead_leaders() const
{
	return !tasks_.empty() && std::all_of(tasks_.begin(), tasks_.end(), [](const auto &entry) {
		return entry.second.leaving && entry.second.tid == entry.second.tgid && is_dead(entry.first);
	});
}

int tracer::kill_all(struct tb_error *err)
{
	const uint64_t deadline = tb_monotonic_ns() + detach_deadline_ns;
	struct stop stop;
	int got;

	/* What has ended already needs no killing. */
	while ((got = wait_.poll(&stop)) > 0 && !WIFSTOPPED(stop.status))
		on_death(stop.tid, stop.seen_ns);
	if (got == -ECHILD)
		return 0;
	if (got > 0)
		swept_.push_back(stop);

	const size_t alive = tasks_.size();

	letting_go_ = true;
	for (const auto &entry : tasks_)
		kill(entry.second.tgid, SIGKILL);
	int rc = wait_.bound(deadline, err);

	while (!rc && (got = next_stop(true, &stop)) > 0)
		rc = answer(stop, err);
	if (rc)
		return rc;
	if (got != -ECHILD)
		return tb_error__set(err, got ? got : -ETIMEDOUT, "task %d did not die within 2 s of SIGKILL",
				     tasks_.empty() ? 0 : tasks_.begin()->first);
	tb_error__set(err, -EBUSY,
		      "the target still ran (%zu tasks) and was killed: its seccomp filter cannot be taken "
		      "off, and "
		      "without a tracer it refuses every wanted call with ENOSYS",
		      alive);
	tb_error__mend(err, "stop after the target has ended, or use the default variant of ptrace");
	return -EBUSY;
}

/* --- the table ------------------------------------------------------------------------------------------------- */

tracer::task &tracer::find(pid_t tid, bool *is_new)
{
	if (last_ && last_->tid == tid)
		return *last_;

	auto [entry, inserted] = tasks_.try_emplace(tid);

	last_ = &entry->second;
	if (inserted) {
		*is_new = true;
		last_->tid = tid;
		last_->tgid = read_tgid(tid);
		if (!last_->tgid) {
			health_.unknown_tgids++;
			last_->tgid = tid;
		}
	}
	return *last_;
}

void tracer::forget(pid_t tid)
{
	if (last_ && last_->tid == tid)
		last_ = nullptr;
	tasks_.erase(tid);
}

} /* namespace tb_ptrace */
