/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/*
 * What one call is, detail `full`: one record, made by the exit, with what the exit no longer has taken from elsewhere.
 *
 * The kernel runs seccomp before the entry tracepoint, so an exit without an entry was refused; and it delivers
 * signals after the exit tracepoint, so a thread that a signal kills has left its call first. One that is killed where
 * a tracer has stopped it, before the entry tracepoint, passes the exit as well, with −ENOSYS (x86-64).
 *
 * Two ways to know of entries. `paired`: the entry program is always attached. `lean` (Linux 6.10 for
 * sched_prepare_exec, which sees the registers of an execve just before they are gone): the exit program alone, and
 * the entry program only for targets under seccomp.
 */
#ifndef TRACEBENCH_EBPF_CALLS_H
#define TRACEBENCH_EBPF_CALLS_H

#include "transport.h"

#define ENOSYS 38

/* call__keep with the strings, where the transport carries them. */
static __always_inline _Bool full__keep(enum transport transport, const struct caller *who, __s32 nr,
					const struct pt_regs *regs)
{
	if (!call__keep(who, nr, regs))
		return 0;
	if (transport == RING_BUFFER_STRINGS)
		strings__keep(who, nr, regs);
	return 1;
}

/* Entry of a call whose record its exit makes, except for calls that do not come back or come back without registers. */
static __always_inline int full__enter(enum transport transport, enum hook hook, __u64 *ctx)
{
	struct caller who = caller__current();
	tb_u8 *state = task__state(who.tid);
	__s32 nr = ctx[1];
	const struct pt_regs *regs;
	tb_u8 class;

	if (*state == TB_TASK_NONE)
		return 0;
	regs = hook__regs(hook, ctx);
	class = nr__class(who.foreign, nr);
	if (*state == TB_TASK_ARMED) {
		/* Perhaps the execve that makes it the target; sched_process_exec will tell. */
		if ((class & TB_NR_KEEP) && (class & TB_NR_WANTED))
			full__keep(transport, &who, nr, regs);
		return 0;
	}
	if (!(class & (TB_NR_KEEP | TB_NR_EXITS))) {
		*state = TB_TASK_IN_CALL;
		return 0;
	}
	*state = TB_TASK_IN_SILENT;
	if (!(class & TB_NR_WANTED))
		return 0;
	if (class & TB_NR_EXITS) {
		struct event e = {
			.nr = nr, .flags = TB_F_NO_RETURN | TB_F_ENTER, .kind = TB_KIND_CALL, .regs = regs};

		emit(transport, ctx, &who, &e);
	} else if (full__keep(transport, &who, nr, regs)) {
		*state = TB_TASK_IN_KEPT;
	}
	return 0;
}

static __always_inline void full__exit_kept(enum transport transport, enum hook hook, __u64 *ctx,
					    const struct caller *who)
{
	const struct tb_kept *call = bpf_map_lookup_elem(&kept, &who->tid);

	if (!call) { /* nothing takes an entry away while its thread is inside the call */
		COUNT_RARE(kept_full);
		return;
	}
	struct event e = {
		.nr = call->nr,
		.ret = hook__return(hook, ctx),
		.flags = TB_F_RET | TB_F_ENTRY_ARGS,
		.kind = TB_KIND_CALL,
		.kept = call,
	};

	emit(transport, ctx, who, &e);
	bpf_map_delete_elem(&kept, &who->tid);
}

/* Its registers are the interrupted code's by now, and it has no arguments. */
static __always_inline int lean__sigreturn(enum transport transport, __u64 *ctx, const struct caller *who,
					   __s64 ret)
{
	/* i386 has two, sigreturn and rt_sigreturn, and nothing tells which. */
	struct event e = {
		.nr = who->foreign ? -1 : config.nr_sigreturn,
		.ret = ret,
		.flags = TB_F_RET,
		.kind = TB_KIND_CALL,
	};

	if (nr__class(who->foreign, e.nr) & TB_NR_WANTED)
		emit(transport, ctx, who, &e);
	return 0;
}

static long entries__are_watched(__u32 round, void *since)
{
	(void)round;
	return entries.watched || bpf_ktime_get_ns() - *(__u64 *)since > TB_ENTRIES_PATIENCE_NS;
}

/* After a call by which the thread may have come under a seccomp filter: the next one may be refused. */
static __always_inline void lean__watch_entries(tb_u8 *state)
{
	__u64 since = bpf_ktime_get_ns();

	if (entries.watched || bpf_get_current_task_btf()->seccomp.mode == 0)
		return;
	entries.wanted = 1;
	bpf_loop(1 << 20, entries__are_watched, &since, 0);
	if (entries.watched)
		*state = TB_TASK_TRACKED;
	else
		COUNT_RARE(refusals_unproven);
}

static __always_inline int full__exit(enum transport transport, enum hook hook, _Bool lean, __u64 *ctx)
{
	struct caller who = caller__current();
	tb_u8 *state = task__state(who.tid);
	tb_u8 was = *state;
	struct event e = {.flags = TB_F_RET, .kind = TB_KIND_CALL};
	tb_u8 class;

	if (was <= TB_TASK_ARMED)
		return 0;
	if (was != TB_TASK_TARGET) {
		*state = task__at_rest();
		if (was == TB_TASK_IN_SILENT)
			return 0;
		if (was == TB_TASK_IN_KEPT) {
			full__exit_kept(transport, hook, ctx, &who);
			return 0;
		}
		if (was == TB_TASK_NEWBORN) {
			COUNT_RARE(births);
			e.kind = TB_KIND_BIRTH;
		} else if (was == TB_TASK_TRACKED) {
			e.kind = TB_KIND_REFUSED;
		}
	}
	e.regs = hook__regs(hook, ctx);
	e.nr = regs__nr(e.regs);
	e.ret = hook__return(hook, ctx);
	if (lean && e.nr == -1 && e.ret != -ENOSYS)
		return lean__sigreturn(transport, ctx, &who, e.ret);
	/*
	 * Without entries watched, −ENOSYS in a thread that is killed is all there is to tell it by. Silent, because
	 * its death would take an attempt of exit for the call.
	 */
	if ((e.kind == TB_KIND_REFUSED || (was == TB_TASK_TARGET && e.ret == -ENOSYS)) &&
	    caller__is_killed()) {
		e.kind = TB_KIND_REFUSED;
		e.flags = TB_F_NO_RETURN;
		e.ret = 0;
		*state = TB_TASK_IN_SILENT;
	}
	class = nr__class(who.foreign, e.nr);
	if (class & TB_NR_WANTED)
		emit(transport, ctx, &who, &e);
	if (lean && (class & TB_NR_FILTERS))
		lean__watch_entries(state);
	return 0;
}

/* sched_prepare_exec: the execve will succeed or kill, and its registers are still there. */
static __always_inline int lean__prepare_exec(enum transport transport)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	struct caller who = caller__current();
	tb_u8 *state = task__state(who.tid);
	const struct pt_regs *regs;
	_Bool done = 0;

	if (*state == TB_TASK_NONE || *state == TB_TASK_IN_KEPT)
		return 0;
	regs = (const void *)bpf_task_pt_regs((void *)task);
	if (nr__class(who.foreign, regs__nr(regs)) & TB_NR_WANTED)
		done = full__keep(transport, &who, regs__nr(regs), regs);
	if (*state != TB_TASK_ARMED)
		*state = done ? TB_TASK_IN_KEPT : TB_TASK_IN_SILENT;
	return 0;
}

/*
 * sched_process_exit: a thread that got here through exit or exit_group stands inside that call. One that a signal
 * kills has another number in its registers, that of its last call, or −1 when an interrupt or a fault came after it.
 */
static __always_inline int lean__task_exit(enum transport transport, __u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct caller who = caller__current();
	tb_u8 was = *task__state(who.tid);
	tb_u8 class;

	task__gone(who.tid);
	if (was != TB_TASK_TARGET)
		return 0;
	struct event e = {
		.regs = (const void *)bpf_task_pt_regs(task),
		.flags = TB_F_NO_RETURN | TB_F_ENTER,
		.kind = TB_KIND_CALL,
	};

	e.nr = regs__nr(e.regs);
	class = nr__class(who.foreign, e.nr);
	if ((class & TB_NR_WANTED) && (class & TB_NR_EXITS))
		emit(transport, ctx, &who, &e);
	return 0;
}

/* Variant `enter`: the entry makes the record, and nothing is known of the exit. */
static __always_inline int enter__enter(enum transport transport, __u64 *ctx)
{
	const struct pt_regs *regs = (const void *)ctx[0];
	struct caller who = caller__current();
	tb_u8 state = *task__state(who.tid);
	__s32 nr = ctx[1];
	tb_u8 class;

	if (state == TB_TASK_NONE)
		return 0;
	class = nr__class(who.foreign, nr);
	if (!(class & TB_NR_WANTED))
		return 0;
	if (state == TB_TASK_ARMED) {
		if (class & TB_NR_KEEP)
			call__keep(&who, nr, regs);
		return 0;
	}
	struct event e = {
		.nr = nr,
		.flags = TB_F_ENTER | (class & TB_NR_EXITS ? TB_F_NO_RETURN : 0),
		.kind = TB_KIND_CALL,
		.regs = regs,
	};

	emit(transport, ctx, &who, &e);
	return 0;
}

#endif
