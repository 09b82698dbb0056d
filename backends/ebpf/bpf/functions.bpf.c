// SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only)
/*
 * The programs of variants that trace a function of the target's own: at a uprobe or at a USDT probe, one record a hit, from
 * the registers of the calling convention. An object of its own: what libbpf needs for USDT arguments would be loaded with
 * every variant. The kernel runs them for the target alone, so nothing is followed here.
 *
 * Through the ring buffer: they may be preempted, which the mapped rings' single writer may not.
 */
#include "counting.h" /* its map is among those that are left out by name */
#include "transport.h"

#include <stdbool.h>

#define __VMLINUX_H__ /* the names of registers in our struct pt_regs are the kernel's own */
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int function__called(void *ctx, struct tb_kept *call)
{
	struct caller who = caller__current();

	call->ts_ns = bpf_ktime_get_ns();
	call->nr = TB_NR_FUNCTION;
	call->arch = TB_ARCH_OF_NATIVE;
	struct event e = {
		.nr = TB_NR_FUNCTION,
		.flags = TB_F_ENTER,
		.kind = TB_KIND_FUNCTION,
		.kept = call,
	};

	emit(RING_BUFFER, ctx, &who, &e);
	return 0;
}

static __always_inline int function__at_entry(const struct pt_regs *regs)
{
	struct tb_kept call;

	function__args(regs, call.args);
	return function__called((void *)regs, &call);
}

/* Attached by one link to all places at once; Linux 6.6. */
SEC("?uprobe.multi") int function_multi(struct pt_regs *ctx)
{
	return function__at_entry(ctx);
}

/* Attached through a perf event. */
SEC("?uprobe") int function_single(struct pt_regs *ctx)
{
	return function__at_entry(ctx);
}

/* Where the arguments are is what the probe's note says; libbpf chooses between link and perf event. */
SEC("?usdt") int function_usdt(struct pt_regs *ctx)
{
	struct tb_kept call;

#pragma unroll
	for (int i = 0; i < 6; i++)
		bpf_usdt_arg(ctx, i, (long *)&call.args[i]);
	return function__called(ctx, &call);
}
