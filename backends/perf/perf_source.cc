/* SPDX-License-Identifier: Apache-2.0 */
/* The source contract (source.h) over perf events. */
#include <cerrno>
#include <memory>
#include <new>

#include "probe.h"
#include "source.h"
#include "trace.h"

using namespace tb::perf;

struct tb_source {
	Trace trace;
};

namespace
{

/* A slot is called from C: memory that runs out becomes its error. */
template <typename Slot> int guarded(tb_error *err, Slot slot)
{
	try {
		return slot();
	} catch (const std::bad_alloc &) {
		return tb_error__set(err, -ENOMEM, "no memory");
	}
}

int perf__probe(const tb_source_config *config, tb_error *err)
{
	return guarded(err, [&] { return probe(config, err); });
}

int perf__open(const tb_source_config *config, tb_source **out, tb_geometry *geometry, tb_error *err)
{
	return guarded(err, [&] {
		auto source = std::make_unique<tb_source>();
		const int code = source->trace.open(config, geometry, err);

		if (code == 0)
			*out = source.release();
		return code;
	});
}

int perf__arm(tb_source *source, pid_t pid, tb_error *err)
{
	return guarded(err, [&] { return source->trace.arm(pid, err); });
}

int perf__drain(tb_source *source, tb_record *out, uint32_t capacity, uint32_t timeout_us, tb_round *round,
		tb_error *err)
{
	return guarded(err, [&] { return source->trace.drain(out, capacity, timeout_us, round, err); });
}

int perf__disarm(tb_source *source, tb_error *err)
{
	return guarded(err, [&] { return source->trace.disarm(err); });
}

int perf__stats(tb_source *source, tb_counter *out, uint32_t capacity, tb_error *err)
{
	return guarded(err, [&] { return source->trace.stats(out, capacity, err); });
}

int perf__counts(tb_source *source, uint64_t *counts, uint64_t *foreign, tb_error *err)
{
	return guarded(err, [&] { return source->trace.counts(counts, foreign, err); });
}

void perf__close(tb_source *source)
{
	delete source;
}

} // namespace

extern "C" const struct tb_source_ops tb_perf_source = {
	.abi = TB_SOURCE_ABI,
	.name = "perf",
	.probe = perf__probe,
	.open = perf__open,
	.arm = perf__arm,
	.drain = perf__drain,
	.disarm = perf__disarm,
	.stats = perf__stats,
	.counts = perf__counts,
	.close = perf__close,
};
