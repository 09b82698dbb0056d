/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of tracebench-calibrate share. Times are ns of CLOCK_MONOTONIC. */
#ifndef TRACEBENCH_CALIBRATE_H
#define TRACEBENCH_CALIBRATE_H

#include <stdint.h>

#include "../include/clock.h"

/* Mean ns of one operation in each of `count` blocks. */
#define BLOCKS_MAX 64
struct blocks {
	double ns[BLOCKS_MAX];
	int count;
};

double blocks__min(const struct blocks *blocks);
double blocks__median(struct blocks *blocks); /* sorts */

/* Prints `tracebench-calibrate: what: why` to stderr and exits with 1; children die with the process. */
void die(const char *what) __attribute__((noreturn));

/* Pins the calling thread to one CPU. */
void pin_to(int cpu);

/* CPUs this process may use: *first the lowest, *other one of another core, else a sibling; -1 with one CPU. */
void choose_cpus(int *first, int *other);

/*
 * Round trips of one byte through two pipes between this process on `here` and a child on `there`, in blocks, for at
 * most budget_ns. Leaves the caller pinned to `here`.
 */
void pipe_round_trips(int here, int there, uint64_t budget_ns, struct blocks *out);

/* A child of the idle scheduling class that keeps `cpu` awake until spinner__stop. */
int spinner__start(int cpu);
void spinner__stop(int pid);

/* 1 when clock_gettime(CLOCK_MONOTONIC) makes a system call here, 0 when the vDSO answers. */
int clock_enters_kernel(void);

#endif
