/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the ptrace backend's source. What they do is in tracer.cc; here nothing throws any further. */
#include <cerrno>
#include <cstring>
#include <new>

#include "priority.h"
#include "ptrace_probe.h"
#include "source.h"
#include "tracer.h"

struct tb_source : tb_ptrace::tracer {
	using tracer::tracer;
	int drain_nice = 0; /* nice value of the drain thread while armed */
};

namespace
{

/* Memory for a task or a record is all that can be missing here. */
template <typename Slot> int guarded(struct tb_error *err, Slot slot) noexcept
{
	try {
		return slot();
	} catch (const std::bad_alloc &) {
		return tb_error__set(err, -ENOMEM, "no memory for the table of traced tasks");
	}
}

int check_variant(const struct tb_source_config *config, struct tb_error *err)
{
	if (config->abi != TB_SOURCE_ABI)
		return tb_error__set(err, -EPROTO, "source ABI %u, want %u", config->abi, TB_SOURCE_ABI);
	if (strcmp(config->variant, "") != 0 && strcmp(config->variant, "seccomp") != 0)
		return tb_error__set(err, -EINVAL, "ptrace has no variant '%s'", config->variant);
	return 0;
}

int probe(const struct tb_source_config *config, struct tb_error *err)
{
	int rc = check_variant(config, err);

	return rc ? rc : tb_ptrace::probe(config, err);
}

int open(const struct tb_source_config *config, struct tb_source **source, struct tb_geometry *geometry,
	 struct tb_error *err)
{
	int rc = check_variant(config, err);

	if (rc)
		return rc;

	auto *made = new (std::nothrow)
		tb_source(strcmp(config->variant, "seccomp") == 0, config->paths, config->filter);

	if (!made)
		return tb_error__set(err, -ENOMEM, "no memory for the source");
	rc = made->open(err);
	if (rc) {
		delete made;
		return rc;
	}
	*geometry = {}; /* no buffer: the target waits instead */
	*source = made;
	return 0;
}

int arm(struct tb_source *source, pid_t pid, struct tb_error *err)
{
	int rc = guarded(err, [&] { return source->attach(pid, err); });

	if (rc == 0)
		source->drain_nice = tb_ptrace::step_back_beside(pid);
	return rc;
}

int drain(struct tb_source *source, struct tb_record *out, uint32_t capacity, uint32_t timeout_us,
	  struct tb_round *round, struct tb_error *err)
{
	return guarded(err, [&] { return source->round(out, capacity, timeout_us, round, err); });
}

int disarm(struct tb_source *source, struct tb_error *err)
{
	return guarded(err, [&] { return source->detach(err); });
}

int stats(struct tb_source *source, struct tb_counter *out, uint32_t capacity, struct tb_error *)
{
	const tb_ptrace::health &h = source->counters();
	const struct tb_counter all[] = {
		{"stops", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h.stops},
		{"signals_delivered", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h.signals_delivered},
		{"group_stops", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h.group_stops},
		{"births", TB_PLACE_HEALTH, TB_UNIT_RECORD, h.births},
		{"deaths", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h.deaths},
		{"open_at_disarm", TB_PLACE_HEALTH, TB_UNIT_CALL, h.open_at_disarm},
		{"stale_stops", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h.stale_stops},
		{"unpaired_exits", TB_PLACE_HEALTH, TB_UNIT_CALL, h.unpaired_exits},
		{"unknown_tgids", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h.unknown_tgids},
		{"drain_nice", TB_PLACE_HEALTH, TB_UNIT_MESSAGE,
		 source->drain_nice > 0 ? static_cast<tb_u64>(source->drain_nice) : 0},
		{"unknown_stops", TB_PLACE_DECODE, TB_UNIT_MESSAGE, h.unknown_stops},
	};
	const uint32_t count = sizeof(all) / sizeof(all[0]);
	const uint32_t given = count < capacity ? count : capacity;

	memcpy(out, all, given * sizeof(all[0]));
	if (!source->path_counters() || capacity - given < TB_PATH_COUNTERS)
		return static_cast<int>(given);
	tb_path_counters__write(source->path_counters(), out + given);
	return static_cast<int>(given) + TB_PATH_COUNTERS;
}

void close(struct tb_source *source)
{
	struct tb_error unread = {};

	guarded(&unread, [&] { return source->detach(&unread); });
	delete source;
}

} /* namespace */

extern "C" const struct tb_source_ops tb_ptrace_source = {
	.abi = TB_SOURCE_ABI,
	.name = "ptrace",
	.probe = probe,
	.open = open,
	.arm = arm,
	.drain = drain,
	.disarm = disarm,
	.stats = stats,
	.counts = nullptr,
	.close = close,
};
