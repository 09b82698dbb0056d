/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stamped workload is made of. A workload is one C file: a `struct tb_workload` and a main that hands it to
 * tb_runtime__main. The runtime does everything that is not the loop: command line, control page, clock
 * proof, warm-up, gates, threads, truth line.
 *
 * Between START and END a workload makes its declared calls and no other: no libc function that could enter the
 * kernel, no page touched for the first time, no allocation.
 */
#ifndef TRACEBENCH_WORKLOADS_WORKLOAD_H
#define TRACEBENCH_WORKLOADS_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "call6.h"
#include "control.h"

/* Exit codes of a workload. */
#define TB_EXIT_OK     0
#define TB_EXIT_FAILED 1 /* a call did not return what it must; the truth line is printed all the same */
#define TB_EXIT_USAGE  2
#define TB_EXIT_CANNOT 3 /* this machine cannot run a stamped workload; nothing was issued */

/* Beyond any machine; and R × 10^12 ps fits into 64 bits. */
#define TB_RATE_MAX 10000000ull

struct tb_options {
	uint64_t calls;  /* stamped calls asked for, all lanes */
	uint64_t warmup; /* calls before START, each lane */
	uint64_t seed;
	uint32_t threads;
	uint64_t rate;  /* stamped calls a second, all lanes; 0: closed loop */
	uint64_t burst; /* calls due at once, all lanes */
	uint32_t match; /* per cent of the calls; only where has_match */
};

/* One thread's view of the section. Written by that thread only. */
struct tb_lane {
	uint64_t seq;       /* stamps used */
	uint64_t published; /* what *issued says; never behind seq */
	uint64_t
		publish_by; /* how far ahead it is published: 1, but 64 where lanes would share a cache line */
	uint64_t live;      /* all ones in the section, 0 in the warm-up: blanks the stamps */
	uint64_t *issued;   /* control page, or a dummy in the warm-up */
	uint64_t count[TB_KINDS_MAX];
	uint64_t spin_ns;           /* CPU time spent waiting in memory, to be taken off the section's */
	uint64_t spun_before_ns;    /* of it, before the section */
	const struct tb_pace *pace; /* NULL: closed loop, and in the warm-up */
	uint64_t start_ns;          /* of the section: what the pace counts from */
	uint64_t waited_ns;         /* these three: as in the control page */
	uint64_t late_bursts;
	uint64_t latest_ns;
	uint64_t failed_seq;
	int64_t failed_ret;
	int32_t failed_kind; /* −1: every call returned what it must */
	uint32_t id;
} __attribute__((aligned(128)));

struct tb_run {
	struct tb_options options;
	struct tb_control *control;
	const char *kind_name[TB_KINDS_MAX];
};

struct tb_workload {
	const char *name;
	const char *summary;
	uint64_t max_calls;
	uint32_t max_threads;
	bool has_match;     /* takes --match */
	uint32_t pace_unit; /* stamped calls that are due together, whatever the pace; 0 is 1 */
	/*
	 * Makes files and declares the kinds. 0, or −errno after tb_run__fail said what failed. What it makes must be
	 * gone when the process has exited by itself, `cleanup` helping.
	 */
	int (*prepare)(struct tb_run *run);
	/*
	 * Makes stamped calls, whole iterations, until lane->seq ≥ calls. Called once for the warm-up and once for the
	 * section, on each lane's thread; nothing but declared calls.
	 */
	void (*section)(struct tb_lane *lane, uint64_t calls);
	/* Makes START or END; NULL: they are the system calls of control.h. On the main thread. */
	void (*mark)(uint64_t which, uint64_t stamp);
	void (*rewind)(void);  /* between warm-up and START; may be NULL */
	void (*cleanup)(void); /* after END, on every path after a successful prepare; may be NULL */
};

int tb_runtime__main(const struct tb_workload *workload, int argc, char **argv);

/* Exits with TB_EXIT_USAGE after a message, or with 0 after --help. */
void tb_options__parse(struct tb_options *options, const struct tb_workload *workload, int argc, char **argv);

/* Notes what failed (control page and stderr) and returns −code, so that an error site is one line. */
int tb_run__fail(struct tb_run *run, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Declares a stamped call of `arity` arguments and returns its kind's index, in order of declaration. Registers 0 …
 * arity−1 hold a0 … a2 in every call, register 3 the stamp, the others hashes of the stamp.
 */
unsigned tb_run__stamped(struct tb_run *run, long nr, const char *name, unsigned arity, uint64_t a0,
			 uint64_t a1, uint64_t a2);
/* Declares a counted call: the number is known, there is no stamp and nothing is checked but what the caller adds. */
unsigned tb_run__counted(struct tb_run *run, long nr, const char *name);
/* Every call of the kind returns exactly this. */
void tb_run__returns(struct tb_run *run, unsigned kind, int64_t value);

/* 0 when clock_gettime(CLOCK_MONOTONIC) stays out of the kernel, 1 when it enters it, −errno when that is unknown. */
int tb_clock__enters_kernel(void);

/*
 * A named file of `bytes` bytes that only this process uses, on a tmpfs where there is one, held by a lock while the
 * process lives. Sweeps up what killed workloads of the same user left. Returns the path, or NULL with errno.
 */
const char *tb_private_file__make(size_t bytes);
void tb_private_file__remove(void);

static inline uint64_t tb_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* Waits, in memory, until call `seq` of a paced lane is due. Returns when that was over, CLOCK_MONOTONIC ns. */
uint64_t tb_lane__await(struct tb_lane *lane, uint64_t seq);

/*
 * The next stamp. The count is published before the call is made, so that a collector that reads it, even after the
 * workload was killed, never finds it behind what the kernel saw.
 */
static inline __attribute__((always_inline)) uint64_t tb_lane__stamp(struct tb_lane *lane)
{
	uint64_t seq = lane->seq++;

	if (lane->seq > lane->published) {
		lane->published += lane->publish_by;
		__atomic_store_n(lane->issued, lane->published, __ATOMIC_RELAXED);
	}
	uint64_t now = __builtin_expect(!lane->pace, 1) ? tb_now_ns() : tb_lane__await(lane, seq);

	return tb_stamp__pack(lane->id, seq, now) & lane->live;
}

/* Keeps the first call that did not return what it must. */
static inline void tb_lane__failed(struct tb_lane *lane, unsigned kind, int64_t ret)
{
	if (lane->failed_kind >= 0)
		return;
	lane->failed_kind = (int32_t)kind;
	lane->failed_ret = ret;
	lane->failed_seq = lane->seq - 1;
}

/*
 * Work that is no call, for a build whose workload takes a known time longer: `make CPPFLAGS=-DTB_SPINS_PER_CALL=…` into
 * another folder (bench/c). 0 in every other build.
 */
#ifndef TB_SPINS_PER_CALL
#define TB_SPINS_PER_CALL 0
#endif

static inline __attribute__((always_inline)) void tb_spin(void)
{
	for (int i = 0; i < TB_SPINS_PER_CALL; i++)
		__asm__ volatile("" ::: "memory");
}

/* Counts a call that was made. */
static inline __attribute__((always_inline)) void tb_lane__made(struct tb_lane *lane, unsigned kind,
								int64_t ret, bool right)
{
	tb_spin();
	lane->count[kind]++;
	if (__builtin_expect(!right, 0))
		tb_lane__failed(lane, kind, ret);
}

/* Stamped calls as tb_run__stamped declares them, by arity. */
#define TB_HASH(i) tb_stamp__hash(stamp, i)

static inline __attribute__((always_inline)) int64_t tb_stamped0(struct tb_lane *lane, long nr)
{
	uint64_t stamp = tb_lane__stamp(lane);

	return tb_call6(nr, TB_HASH(0), TB_HASH(1), TB_HASH(2), stamp, TB_HASH(4), TB_HASH(5));
}

static inline __attribute__((always_inline)) int64_t tb_stamped1(struct tb_lane *lane, long nr, uint64_t a0)
{
	uint64_t stamp = tb_lane__stamp(lane);

	return tb_call6(nr, a0, TB_HASH(1), TB_HASH(2), stamp, TB_HASH(4), TB_HASH(5));
}

static inline __attribute__((always_inline)) int64_t tb_stamped2(struct tb_lane *lane, long nr, uint64_t a0,
								 uint64_t a1)
{
	uint64_t stamp = tb_lane__stamp(lane);

	return tb_call6(nr, a0, a1, TB_HASH(2), stamp, TB_HASH(4), TB_HASH(5));
}

static inline __attribute__((always_inline)) int64_t tb_stamped3(struct tb_lane *lane, long nr, uint64_t a0,
								 uint64_t a1, uint64_t a2)
{
	uint64_t stamp = tb_lane__stamp(lane);

	return tb_call6(nr, a0, a1, a2, stamp, TB_HASH(4), TB_HASH(5));
}

#endif
