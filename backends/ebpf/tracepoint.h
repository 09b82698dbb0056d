/* SPDX-License-Identifier: Apache-2.0 */
/* Programs on classic tracepoints. libbpf would look for them in a mounted tracefs; we need none. */
#ifndef TRACEBENCH_EBPF_TRACEPOINT_H
#define TRACEBENCH_EBPF_TRACEPOINT_H

#include <bpf/libbpf.h>
#include <cstdint>

namespace tb::ebpf
{

/* Of the tracepoint that the program's section names, or -errno. */
int64_t tracepoint_id(const bpf_program *program);

/*
 * To the tracepoint of that id, on all CPUs. NULL with errno. Looks nothing up: a tracefs of our own waits, when it goes, for
 * an RCU grace period, and the program that asks for entries to be watched holds that up.
 */
bpf_link *attach_tracepoint(const bpf_program *program, uint64_t id);

} // namespace tb::ebpf

#endif
