/* SPDX-License-Identifier: Apache-2.0 */
#include "variant.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tb::auditd
{

namespace
{

constexpr uint64_t kLeastSocketBytes = 32 << 10; /* some thirty records */
constexpr uint64_t kLeastBacklog = 16;
constexpr uint64_t kMostBacklog = 1u << 30;

} // namespace

int find_variant(const tb_source_config *config, Variant *variant, tb_error *err)
{
	if (config->abi != TB_SOURCE_ABI)
		return tb_error__set(err, -EPROTO, "source ABI %u, want %u", config->abi, TB_SOURCE_ABI);
	if (strcmp(config->variant, "") == 0)
		*variant = {.owns = true, .block_ns = 0};
	else if (strcmp(config->variant, "block") == 0)
		*variant = {.owns = true, .block_ns = kBlockNs};
	else if (strcmp(config->variant, "multicast") == 0)
		*variant = {.owns = false, .block_ns = 0};
	else
		return tb_error__set(err, -EINVAL, "audit has no variant '%s'", config->variant);
	if (config->wakeup == TB_WAKE_ADAPTIVE || (config->wakeup == TB_WAKE_TIMER && config->wakeup_value))
		return 0;
	tb_error__set(err, -EINVAL, "audit has no such wake-up policy");
	tb_error__mend(err, "use timer with a value above 0, or adaptive");
	return -EINVAL;
}

Sizes part_budget(uint64_t buffer_bytes)
{
	Sizes sizes;

	sizes.socket_bytes = std::max(kLeastSocketBytes, buffer_bytes / 4);
	const uint64_t rest = buffer_bytes > sizes.socket_bytes ? buffer_bytes - sizes.socket_bytes : 0;
	sizes.backlog_limit =
		static_cast<uint32_t>(std::clamp(rest / kBytesPerRecord, kLeastBacklog, kMostBacklog));
	return sizes;
}

tb_geometry geometry_of(uint64_t socket_bytes, uint32_t backlog_limit)
{
	tb_geometry geometry = {};

	/* One queue and one socket for all CPUs. */
	geometry.buffer_bytes = socket_bytes + backlog_limit * kBytesPerRecord;
	geometry.reachable_bytes_per_cpu = geometry.buffer_bytes;
	geometry.bytes_per_call = kBytesPerCall;
	geometry.calls_in_flight = geometry.reachable_bytes_per_cpu / geometry.bytes_per_call;
	return geometry;
}

} // namespace tb::auditd
