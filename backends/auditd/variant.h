/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_AUDITD_VARIANT_H
#define TRACEBENCH_AUDITD_VARIANT_H

#include "source.h"

namespace tb::auditd
{

/* A call waits at most so long for room in the queue: longer, and a short stall of the collector becomes minutes. */
inline constexpr uint64_t kBlockNs = 1'000'000'000;

struct Variant {
	bool owns;         /* audit's owner; else a listener */
	uint64_t block_ns; /* how long a call waits for room in the queue */
};

/* 0, or -EINVAL/-EPROTO with the reason. */
int find_variant(const tb_source_config *config, Variant *variant, tb_error *err);

/* How a budget in bytes is parted. Below the least the kernel's mechanism can work with it is rounded up. */
struct Sizes {
	uint64_t socket_bytes;
	uint32_t backlog_limit; /* records */
};

/* What a record takes in kauditd's queue: its 2 KiB of text and its sk_buff. */
inline constexpr uint64_t kBytesPerRecord = 2304;
/* SYSCALL, PROCTITLE, EOE: the least a call takes, in the queue. */
inline constexpr uint64_t kBytesPerCall = 3 * kBytesPerRecord;

Sizes part_budget(uint64_t buffer_bytes);
tb_geometry geometry_of(uint64_t socket_bytes, uint32_t backlog_limit);

} // namespace tb::auditd

#endif
