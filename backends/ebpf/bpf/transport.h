/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/*
 * Five ways for a record to reach user space, behind one inlined function. The transport is a constant of each
 * program, so that a kernel that lacks what one of them needs never sees its instructions.
 */
#ifndef TRACEBENCH_EBPF_TRANSPORT_H
#define TRACEBENCH_EBPF_TRANSPORT_H

#include "strings.h"

enum transport {
	MMAP_RING, /* per-CPU rings in a mapped array: no lock, no wake-up; x86-64, Linux 5.12 (atomic exchange) */
	RING_BUFFER,         /* BPF_MAP_TYPE_RINGBUF: one ring for all CPUs; Linux 5.8 */
	RING_BUFFER_STRINGS, /* the same with the strings of path arguments; atomic exchange as MMAP_RING */
	PERF_BUFFER,         /* BPF_MAP_TYPE_PERF_EVENT_ARRAY: one ring per CPU, owned by perf */
	PRINTK, /* bpf_trace_vprintk: text in every tracing instance that has the event on; Linux 5.16 */
};

/* What goes into a record. Registers, a kept call or neither (no arguments): decided when the code is inlined. */
struct event {
	__s64 ret;
	__s32 nr;
	tb_u32 flags;
	tb_u8 kind;
	const struct pt_regs *regs;
	const struct tb_kept *kept;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* possible CPUs × config.slots */
	__type(key, __u32);
	__type(value, struct tb_record);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ringbuf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} perfbuf SEC(".maps");

static __always_inline void event__args(const struct event *e, _Bool foreign, tb_u64 args[6])
{
	if (e->kept)
		__builtin_memcpy(args, e->kept->args, sizeof(e->kept->args));
	else if (e->regs)
		regs__args(e->regs, foreign, args);
	else
		__builtin_memset(args, 0, sizeof(e->kept->args));
}

static __always_inline void record__fill(struct tb_record *r, __u32 cpu, const struct caller *who,
					 const struct event *e)
{
	r->ts_ns = e->kept && !(e->flags & TB_F_RET) ? e->kept->ts_ns : bpf_ktime_get_ns();
	r->tid = who->tid;
	r->tgid = who->tgid;
	r->nr = e->nr;
	r->arch = e->kept ? e->kept->arch : who->foreign ? TB_ARCH_OF_FOREIGN : TB_ARCH_OF_NATIVE;
	r->cpu = cpu;
	r->kind = e->kind;
	r->args_valid = e->kept || e->regs ? 0x3f : 0;
	r->flags = e->flags;
	r->ret = e->ret;
	event__args(e, who->foreign, r->args);
	r->aux = 0;
}

#define compiler_barrier() asm volatile("" ::: "memory")

#ifdef TB_HAS_MMAP_RING
static __always_inline void emit_mmap_ring(const struct caller *who, const struct event *e)
{
	__u32 number, key;
	struct tb_cpu *cpu = cpu__this(&number);
	struct tb_record *r;
	__u64 head;

	if (!cpu)
		return;
	/*
	 * A full barrier besides: the collector that finds busy clear knows that every later record has a
	 * later timestamp than its own clock reading.
	 */
	if (__sync_lock_test_and_set(&cpu->busy, 1)) {
		__sync_fetch_and_add(&cpu->collisions, 1);
		return;
	}
	head = cpu->head;
	if (head - cpu->tail_seen >= config.slots) {
		cpu->tail_seen = *(volatile tb_u64 *)&cpu->tail;
		if (head - cpu->tail_seen >= config.slots) {
			cpu->lost++;
			goto out;
		}
	}
	key = number * config.slots + cpu->slot;
	r = bpf_map_lookup_elem(&rings, &key);
	if (!r) {
		cpu->lost++;
		goto out;
	}
	record__fill(r, number, who, e);
	cpu->slot = cpu->slot + 1 == config.slots ? 0 : cpu->slot + 1;
	compiler_barrier();
	*(volatile tb_u64 *)&cpu->head = head + 1;
out:
	compiler_barrier();
	*(volatile tb_u32 *)&cpu->busy = 0;
}
#endif

static __always_inline __u64 submit_flags(void)
{
	if (config.submit == TB_SUBMIT_NO_WAKEUP)
		return BPF_RB_NO_WAKEUP;
	if (config.submit == TB_SUBMIT_ADAPTIVE)
		return 0;
	return bpf_ringbuf_query(&ringbuf, BPF_RB_AVAIL_DATA) >= config.wake_bytes ? BPF_RB_FORCE_WAKEUP
										   : BPF_RB_NO_WAKEUP;
}

static __always_inline void emit_ring_buffer(const struct caller *who, const struct event *e)
{
	struct tb_record *r = bpf_ringbuf_reserve(&ringbuf, sizeof(*r), 0);

	if (!r) {
		COUNT_RARE(lost);
		return;
	}
	record__fill(r, bpf_get_smp_processor_id(), who, e);
	bpf_ringbuf_submit(r, submit_flags());
}

static __always_inline void emit_ring_buffer_strings(const struct caller *who, const struct event *e)
{
	tb_u8 which = call__paths(who->foreign, e->nr);
	struct tb_strung_record *s = which ? strung__take() : NULL;
	__u32 bytes;

	if (!s) {
		if (which) {
			tb_u64 args[6];

			event__args(e, who->foreign, args);
			strings__left_out(which, args);
		}
		emit_ring_buffer(who, e);
		return;
	}
	record__fill(&s->record, bpf_get_smp_processor_id(), who, e);
	s->strings.bytes = 0;
	if (!e->kept)
		strings__read(&s->strings, which, s->record.args);
	else if (!strings__take_kept(&s->strings))
		strings__left_out(which, s->record.args);
	bytes = s->strings.bytes;
	if (bytes > TB_STRINGS_BYTES)
		bytes = 0;
	if (bpf_ringbuf_output(&ringbuf, s, sizeof(s->record) + bytes, submit_flags()) != 0)
		COUNT_RARE(lost);
	strung__release(s);
}

static __always_inline void emit_perf_buffer(void *ctx, const struct caller *who, const struct event *e)
{
	struct tb_record r;

	record__fill(&r, bpf_get_smp_processor_id(), who, e);
	if (bpf_perf_event_output(ctx, &perfbuf, BPF_F_CURRENT_CPU, &r, sizeof(r)) != 0)
		COUNT_RARE(lost);
}

SEC(".rodata.printk") const char printk_format[] = TB_PRINTK_FORMAT;

/* Not what went into a buffer: whether there was room is told by the buffer alone. */
static __always_inline void emit_printk(const struct caller *who, const struct event *e)
{
	struct tb_record r;

	record__fill(&r, bpf_get_smp_processor_id(), who, e);
	const __u64 words[] = {
		r.ts_ns,
		(__u64)r.tgid << 32 | r.tid,
		(__u32)r.nr,
		r.arch,
		r.cpu | (__u32)r.kind << TB_PRINTK_KIND | (__u32)(r.args_valid != 0) << TB_PRINTK_ARGS |
			r.flags << TB_PRINTK_FLAGS,
		r.ret,
		r.args[0],
		r.args[1],
		r.args[2],
		r.args[3],
		r.args[4],
		r.args[5],
	};

	if (bpf_trace_vprintk(printk_format, sizeof(printk_format), words, sizeof(words)) < 0)
		COUNT_RARE(lost);
}

static __always_inline void emit(enum transport transport, void *ctx, const struct caller *who,
				 const struct event *e)
{
#ifdef TB_HAS_MMAP_RING
	if (transport == MMAP_RING)
		emit_mmap_ring(who, e);
#endif
	if (transport == RING_BUFFER)
		emit_ring_buffer(who, e);
	if (transport == RING_BUFFER_STRINGS)
		emit_ring_buffer_strings(who, e);
	if (transport == PERF_BUFFER)
		emit_perf_buffer(ctx, who, e);
	if (transport == PRINTK)
		emit_printk(who, e);
}

#endif
