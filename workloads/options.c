/* SPDX-License-Identifier: Apache-2.0 */
/* The command line that all stamped workloads share. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

/* A day; beyond, the arithmetic of the pace would overflow before long. */
#define LONGEST_S 86400
/* The stamp's time can be unwrapped over 34 s of silence. */
#define LONGEST_INTERVAL_S 30

static void usage(FILE *out, const struct tb_workload *w)
{
	fprintf(out,
		"Usage: tb-%s --calls N [--seed S]%s%s [--warmup W] [--rate R [--burst B]]\n"
		"%s\n\n"
		"  --calls N    stamped calls to make, rounded up to whole iterations (1 ... %llu)\n"
		"  --seed S     seed of what is drawn at random (default 1)\n",
		w->name, w->max_threads > 1 ? " [--threads T]" : "", w->has_match ? " [--match P]" : "",
		w->summary, (unsigned long long)w->max_calls);
	if (w->max_threads > 1)
		fprintf(out,
			"  --threads T  threads that share the calls, a lane each (1 ... %u, default 2)\n",
			w->max_threads);
	if (w->has_match)
		fprintf(out, "  --match P    per cent of the calls that are the wanted one (0 ... 100, "
			     "default 10)\n");
	fprintf(out,
		"  --warmup W   calls to make before the measured section, each thread\n"
		"               (default: a tenth of --calls, at most 10000)\n"
		"  --rate R     R calls a second, all threads, each when it is due (default: a closed loop)\n"
		"  --burst B    with --rate: B calls due at once, every B/R seconds (default 1)\n"
		"  --help       this text\n\n"
		"Prints one line of JSON: what was issued, exactly.\n"
		"Exit codes: 0 fine, 1 a call failed, 2 usage, 3 this machine cannot run it.\n");
}

static uint64_t number(const struct tb_workload *w, const char *option, const char *text, uint64_t min,
		       uint64_t max)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	/* strtoull takes "-1" and "" without complaint. */
	if (errno || *end || text[0] < '0' || text[0] > '9' || value < min || value > max) {
		fprintf(stderr, "tb-%s: %s '%s' is not a number from %llu to %llu\n", w->name, option, text,
			(unsigned long long)min, (unsigned long long)max);
		exit(TB_EXIT_USAGE);
	}
	return value;
}

void tb_options__parse(struct tb_options *o, const struct tb_workload *w, int argc, char **argv)
{
	static const struct option longs[] = {
		{"calls", required_argument, NULL, 'c'},
		{"seed", required_argument, NULL, 's'},
		{"threads", required_argument, NULL, 't'},
		{"warmup", required_argument, NULL, 'w'},
		{"rate", required_argument, NULL, 'r'},
		{"burst", required_argument, NULL, 'b'},
		{"match", required_argument, NULL, 'm'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool warmup_given = false, burst_given = false;
	int c;

	*o = (struct tb_options){.seed = 1, .burst = 1, .match = 10, .threads = w->max_threads > 1 ? 2 : 1};
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->calls = number(w, "--calls", optarg, 1, w->max_calls);
			break;
		case 's':
			o->seed = number(w, "--seed", optarg, 0, UINT64_MAX);
			break;
		case 't':
			o->threads = (uint32_t)number(w, "--threads", optarg, 1, w->max_threads);
			break;
		case 'w':
			o->warmup = number(w, "--warmup", optarg, 0, w->max_calls);
			warmup_given = true;
			break;
		case 'r':
			o->rate = number(w, "--rate", optarg, 1, TB_RATE_MAX);
			break;
		case 'b':
			o->burst = number(w, "--burst", optarg, 1, w->max_calls);
			burst_given = true;
			break;
		case 'm':
			if (!w->has_match) {
				fprintf(stderr,
					"tb-%s: it has no wanted calls, so no --match; see tb-%s --help\n",
					w->name, w->name);
				exit(TB_EXIT_USAGE);
			}
			o->match = (uint32_t)number(w, "--match", optarg, 0, 100);
			break;
		case 'h':
			usage(stdout, w);
			exit(TB_EXIT_OK);
		default: /* getopt has named it on stderr */
			fprintf(stderr, "tb-%s: see tb-%s --help\n", w->name, w->name);
			exit(TB_EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "tb-%s: unexpected argument '%s'; see tb-%s --help\n", w->name, argv[optind],
			w->name);
		exit(TB_EXIT_USAGE);
	}
	if (!o->calls) {
		fprintf(stderr, "tb-%s: --calls N is missing; see tb-%s --help\n", w->name, w->name);
		exit(TB_EXIT_USAGE);
	}
	if (burst_given && !o->rate) {
		fprintf(stderr, "tb-%s: --burst needs --rate, which says how often; see tb-%s --help\n",
			w->name, w->name);
		exit(TB_EXIT_USAGE);
	}
	if (o->rate && (o->calls / o->rate > LONGEST_S || o->burst / o->rate > LONGEST_INTERVAL_S)) {
		fprintf(stderr,
			"tb-%s: %llu calls, %llu at once, at %llu a second take more than %d s, or leave "
			"more "
			"than %d s between bursts\n",
			w->name, (unsigned long long)o->calls, (unsigned long long)o->burst,
			(unsigned long long)o->rate, LONGEST_S, LONGEST_INTERVAL_S);
		exit(TB_EXIT_USAGE);
	}
	if (!warmup_given) {
		o->warmup = o->calls / 10;
		if (o->warmup < 1)
			o->warmup = 1; /* the first call of all would fault the loop in */
		if (o->warmup > 10000)
			o->warmup = 10000;
	}
}
