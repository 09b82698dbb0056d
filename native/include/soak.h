/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The soaker's page: what tracebench-awake --soak writes and a trial reads. A memfd, mapped by both.
 *
 * On each CPU a thread of the idle class does pieces of work that are all alike: time it does not get was taken by something
 * else. Pieces are counted and not the thread's run time, which has interrupts in it. How long a piece takes moves with the
 * clock frequency by some per cent within a second, more than what is looked for; so the soaker times each piece, and those
 * that nothing interrupted (`quick`) say what a piece took in the very time that is measured.
 */
#ifndef TRACEBENCH_SOAK_H
#define TRACEBENCH_SOAK_H

#include <stdint.h>

#define TB_SOAK_MAGIC    0x72656b616f736274ull
#define TB_SOAK_CPUS_MAX 1024

/* Written by one thread, relaxed: a reader's error is one piece. Each has cache lines of its own. */
struct tb_soak_cpu {
	uint64_t pieces;
	uint64_t quick_pieces;
	uint64_t quick_ns; /* which these took */
	uint32_t cpu;
} __attribute__((aligned(128)));

struct tb_soak {
	uint64_t magic; /* of who made the page */
	uint32_t cpus;  /* atomic: entries of cpu[] in use, set once all soak */
	struct tb_soak_cpu cpu[TB_SOAK_CPUS_MAX];
};

#endif
