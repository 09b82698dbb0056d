/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source contract: what a backend's native half is to the session.
 *
 * Pull, not push. The session owns the drain thread, the slabs, the ledger, the gates and the wake-up; a source owns
 * its kernel objects and nothing else. A source never prints, never exits, never starts a thread, never sees N-API.
 *
 * Threads: every slot but `probe` is called on one thread, the session's drain thread (ptrace demands that one thread
 * attaches, waits and detaches). `probe` may be called on any thread, with no source open.
 *
 * Errors: 0 or a count on success; a negative errno on failure, with the message in *err. The message names what
 * failed and why; where a mend is known it is in err->mend. After a failed open nothing is left behind and
 * close is not called; after any other failure close is called.
 *
 * Order of calls: open → arm → (drain | settle)* → [disarm → (drain | settle)*] → close. stats and counts may be called at any time
 * between open and close.
 */
#ifndef TRACEBENCH_SOURCE_H
#define TRACEBENCH_SOURCE_H

#include <stdint.h>
#include <sys/types.h>

#include "record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TB_SOURCE_ABI 4

#define TB_NR_MAX 512 /* system call numbers 0 … 511 of an arch can be filtered and counted */

struct tb_error {
	int code; /* negative errno, 0 when none */
	char message[480];
	char mend[240]; /* what the user can do about it; empty when nothing is known */
};

/* Fills *err (printf-style) and returns code, so that an error site is one line. Both texts are cut, never overrun. */
int tb_error__set(struct tb_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void tb_error__mend(struct tb_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Which calls are wanted. An empty set means all of them. Numbers are of the kernel's native arch. */
struct tb_filter {
	uint32_t active; /* 0: everything */
	uint32_t pad;
	uint64_t wanted[TB_NR_MAX / 64];
};

static inline int tb_filter__wants(const struct tb_filter *f, int64_t nr)
{
	if (!f->active)
		return 1;
	return nr >= 0 && nr < TB_NR_MAX && (f->wanted[nr / 64] >> (nr % 64) & 1);
}

enum tb_wakeup {
	TB_WAKE_TIMER = 1, /* the collector looks every wakeup_value µs when idle; the kernel wakes nobody */
	TB_WAKE_ADAPTIVE = 2,  /* the kernel wakes the collector when it had caught up */
	TB_WAKE_WATERMARK = 3, /* the kernel wakes the collector once wakeup_value bytes wait */
	TB_WAKE_SYNC = 4,      /* every event is a wake-up: the mechanism stops the workload */
};

struct tb_option {
	const char *name;
	const char *value;
};

struct tb_source_config {
	uint32_t abi;        /* TB_SOURCE_ABI */
	const char *variant; /* "" is the default */
	uint64_t
		buffer_bytes; /* whole budget over all CPUs; the source rounds and reports what it got in tb_geometry */
	struct tb_filter filter;
	uint32_t wakeup; /* enum tb_wakeup */
	uint32_t wakeup_value;
	const struct tb_option *options; /* backend-private, from its TypeScript half */
	uint32_t options_count;
	uint32_t
		paths; /* 1: detail `paths` (paths.h). Refused by sources that cannot, with EOPNOTSUPP and why */
	uint32_t totals; /* 1: `total` will be asked; sources that have no such slot need not look at it */
};

/* What a source says of itself once open: equal terms, as configured by the kernel and not as asked. */
struct tb_geometry {
	uint64_t buffer_bytes; /* allocated for events, all CPUs; 0 where the mechanism has no buffer */
	uint64_t reachable_bytes_per_cpu; /* what a workload on one CPU can fill */
	uint64_t bytes_per_call;          /* buffer bytes one call takes, headers included */
	uint64_t calls_in_flight;         /* reachable_bytes_per_cpu / bytes_per_call */
};

/*
 * A loss or health counter, in the mechanism's own unit. Loss counters and CPU times only grow, and the session takes
 * differences; other health figures may be gauges and are reported as they stand.
 */
enum tb_place {
	TB_PLACE_KERNEL = 1,
	TB_PLACE_BRIDGE = 2, /* between the source and its reader in JavaScript */
	TB_PLACE_DECODE = 3,
	TB_PLACE_HEALTH =
		4, /* not a loss: births, recursion misses that are not counted as loss, collisions retried … */
};

enum tb_unit {
	TB_UNIT_RECORD = 1,
	TB_UNIT_MESSAGE = 2,
	TB_UNIT_CALL = 3,
	TB_UNIT_BYTES = 4,
	TB_UNIT_NS =
		5, /* CPU time of kernel threads that work for the mechanism; in TB_PLACE_HEALTH, only grows */
};

struct tb_counter {
	char name[40];  /* snake_case, as documented in the backend's README */
	uint32_t place; /* enum tb_place */
	uint32_t unit;  /* enum tb_unit */
	uint64_t value;
};
#define TB_COUNTERS_MAX 24

struct tb_source; /* the backend's own */

/* Where the strings of a batch's records lie; the session's. */
struct tb_arena {
	uint8_t *bytes;
	uint32_t size, used;
};

/* What drain tells beside its records. */
struct tb_round {
	/*
	 * CLOCK_MONOTONIC, read once, directly after the acquire-load, recv or waitpid that returned data and before
	 * any decoding. For sources that stop the target it is read once per stop; then it holds the last one
	 * and per_record_visible is 1, and each record's ts_ns is its own visible time.
	 */
	uint64_t visible_ns;
	uint32_t per_record_visible;
	uint32_t pad;
	struct tb_arena
		*arena; /* the session's, for the strings of these records; NULL without detail `paths` */
};

/* drain: no record can come any more, the target and all that could report for it are gone. */
#define TB_DRAIN_END (-100000)

struct tb_source_ops {
	uint32_t abi;     /* TB_SOURCE_ABI, first, so that a stale plug-in is refused */
	const char *name; /* the backend's folder name */

	/*
	 * Can `variant` run here, as this user, now? Tries the real thing as far as that leaves no trace (loads the BPF
	 * program, attaches to a child of its own). 1 = yes; 0 = no, err says why and the mend; negative = could not
	 * tell, err says why. Frees everything before it returns. May take some 100 ms.
	 */
	int (*probe)(const struct tb_source_config *config, struct tb_error *err);

	/*
	 * Makes the kernel objects, without tracing anything yet, and fills *geometry. 0 or -errno.
	 * *config is only valid during the call; copy what is kept.
	 */
	int (*open)(const struct tb_source_config *config, struct tb_source **source,
		    struct tb_geometry *geometry, struct tb_error *err);

	/*
	 * Starts tracing `pid`, which stands at the launcher's gate before its execve and has one thread. From its
	 * execve on the whole tree that grows from it is the target. 0 or -errno. When it returns, tracing is effective.
	 * A source whose options name something that runs already (ebpf: `follow`) traces that instead, from now on.
	 */
	int (*arm)(struct tb_source *source, pid_t pid, struct tb_error *err);

	/*
	 * Appends up to `capacity` records to `out`, waiting at most timeout_us when there is none (0: do not wait).
	 * Returns the number of records; 0 when there was none in time; TB_DRAIN_END; or -errno when the source is broken.
	 * A return of fewer than `capacity` records promises that all that was committed before the call began has
	 * been handed over. Bounded: never more than one round of work, never longer than timeout_us + 1 ms without data.
	 * Sources that deliver counts or nothing wait and return 0.
	 */
	int (*drain)(struct tb_source *source, struct tb_record *out, uint32_t capacity, uint32_t timeout_us,
		     struct tb_round *round, struct tb_error *err);

	/*
	 * For mechanisms that park records where no drain finds them; NULL for all others. The session calls it where the target
	 * stands still and drain has returned fewer than `capacity` records (at the gates and at the end), and then drains
	 * and calls it again until it returns 0: all that was committed before the first of these calls has been handed over, or
	 * is lost. 1: drain, and ask again. Or -errno. It does not wait; the session drains with a timeout in between, and
	 * gives up after 10 s.
	 */
	int (*settle)(struct tb_source *source, struct tb_error *err);

	/*
	 * Stops tracing; what is in the buffers stays readable. The target runs on untraced (or is gone). 0 or -errno.
	 * Idempotent.
	 */
	int (*disarm)(struct tb_source *source, struct tb_error *err);

	/* Writes up to `capacity` (TB_COUNTERS_MAX) counters, always the same ones in the same order; returns how many. */
	int (*stats)(struct tb_source *source, struct tb_counter *out, uint32_t capacity,
		     struct tb_error *err);

	/*
	 * Sources that deliver counts: calls per native system call number since arm, `counts` has TB_NR_MAX elements;
	 * counts of other architectures go to *foreign. NULL for sources none of whose variants deliver counts; -EOPNOTSUPP
	 * (with nothing written) where this variant does not.
	 */
	int (*counts)(struct tb_source *source, uint64_t *counts, uint64_t *foreign, struct tb_error *err);

	/*
	 * Sources that deliver counts, opened with `totals`: the sum of what `counts` would tell, foreign ones included, cheap
	 * enough to be read every millisecond. NULL, or -EOPNOTSUPP, where it cannot.
	 */
	int (*total)(struct tb_source *source, uint64_t *calls, struct tb_error *err);

	/* Frees everything; disarms first if need be. Cannot fail: what goes wrong here has no reader. */
	void (*close)(struct tb_source *source);
};

/*
 * What a plug-in (a shared object of its own, because it links libraries that may be missing) exports under the
 * name tb_source_plugin.
 */
typedef const struct tb_source_ops *(*tb_source_plugin_fn)(void);

#ifdef __cplusplus
}
#endif
#endif
