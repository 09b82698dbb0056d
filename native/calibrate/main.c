/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracebench-calibrate: what the bare machine costs, before any tracer. Prints one JSON object; takes about a
 * quarter of a second. With --tick it only prints the scheduler tick in ns, with --clock only what can be told of the
 * clock at once.
 *
 * Each figure is the minimum or median over blocks, so that a block that was interrupted does not move it. Every
 * loop is bounded in time, every child dies with this process.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calibrate.h"

#define CALLS_PER_BLOCK      2000
#define CALL_BLOCKS          25
#define CALLS_BUDGET_NS      40000000ull
#define RESOLUTION_BUDGET_NS 5000000ull
#define DEADLINE_S           10
#define PIPE_BUDGET_NS       60000000ull

void die(const char *what)
{
	fprintf(stderr, "tracebench-calibrate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void bare_calls(struct blocks *out)
{
	uint64_t end_ns = tb_monotonic_ns() + CALLS_BUDGET_NS;

	out->count = 0;
	do {
		uint64_t start_ns = tb_monotonic_ns();

		for (int i = 0; i < CALLS_PER_BLOCK; i++)
			syscall(SYS_getppid);
		out->ns[out->count++] = (double)(tb_monotonic_ns() - start_ns) / CALLS_PER_BLOCK;
	} while (out->count < CALL_BLOCKS && tb_monotonic_ns() < end_ns);
}

static void clock_reads(struct blocks *out)
{
	uint64_t end_ns = tb_monotonic_ns() + CALLS_BUDGET_NS;

	out->count = 0;
	do {
		uint64_t start_ns = tb_monotonic_ns();

		for (int i = 0; i < CALLS_PER_BLOCK; i++)
			tb_monotonic_ns();
		out->ns[out->count++] = (double)(tb_monotonic_ns() - start_ns) / CALLS_PER_BLOCK;
	} while (out->count < CALL_BLOCKS && tb_monotonic_ns() < end_ns);
}

/* The smallest step the clock was seen to make; a clock that stood still all the while answers with that while. */
static uint64_t clock_resolution(void)
{
	uint64_t start_ns = tb_monotonic_ns(), last_ns = start_ns, smallest_ns = RESOLUTION_BUDGET_NS;

	for (int steps = 0; steps < 20000;) {
		uint64_t t_ns = tb_monotonic_ns();

		if (t_ns != last_ns) {
			if (t_ns - last_ns < smallest_ns)
				smallest_ns = t_ns - last_ns;
			steps++;
		}
		last_ns = t_ns;
		if (t_ns - start_ns > RESOLUTION_BUDGET_NS)
			break;
	}
	return smallest_ns;
}

static long tick_ns(void)
{
	struct timespec tick;

	/* The coarse clock moves once a tick. */
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick))
		die("clock_getres(CLOCK_MONOTONIC_COARSE)");
	return tick.tv_sec * 1000000000L + tick.tv_nsec;
}

int main(int argc, char **argv)
{
	struct blocks calls, clocks, same, cross, busy;
	int first, other, spinner;

	if (argc == 2 && strcmp(argv[1], "--tick") == 0) {
		printf("%ld\n", tick_ns());
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--clock") == 0) {
		printf("{\"clockEntersKernel\":%s}\n", clock_enters_kernel() ? "true" : "false");
		return 0;
	}
	if (argc != 1) {
		fprintf(stderr, "usage: tracebench-calibrate [--tick | --clock]\n");
		return 2;
	}
	/* Should a CPU be taken away in the middle of a round trip: end here, and the children with this process. */
	alarm(DEADLINE_S);
	choose_cpus(&first, &other);
	pin_to(first);
	bare_calls(&calls);
	clock_reads(&clocks);
	printf("{\"bareCallMinNs\":%.2f,\"bareCallMedianNs\":%.2f,", blocks__min(&calls),
	       blocks__median(&calls));
	printf("\"clockCostNs\":%.2f,\"clockResolutionNs\":%llu,", blocks__min(&clocks),
	       (unsigned long long)clock_resolution());
	printf("\"clockEntersKernel\":%s,\"tickNs\":%ld,", clock_enters_kernel() ? "true" : "false",
	       tick_ns());
	fflush(stdout);

	pipe_round_trips(first, first, PIPE_BUDGET_NS, &same);
	printf("\"pipeRoundTripSameCpuNs\":%.0f,", blocks__median(&same));
	fflush(stdout);
	if (other < 0) {
		printf("\"pipeRoundTripCrossCpuNs\":null,\"pipeRoundTripCrossCpuBusyNs\":null,\"cpus\":[%d]}"
		       "\n",
		       first);
		return 0;
	}
	pipe_round_trips(first, other, PIPE_BUDGET_NS, &cross);
	spinner = spinner__start(other);
	pipe_round_trips(first, other, PIPE_BUDGET_NS, &busy);
	spinner__stop(spinner);
	printf("\"pipeRoundTripCrossCpuNs\":%.0f,\"pipeRoundTripCrossCpuBusyNs\":%.0f,\"cpus\":[%d,%d]}\n",
	       blocks__median(&cross), blocks__median(&busy), first, other);
	return 0;
}
