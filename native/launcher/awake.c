/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracebench-awake: keeps every CPU it may use from going idle until the trial is gone, and can say how much of each was
 * left to it (--soak). README.md has the protocol.
 *
 * In a virtual machine an idle CPU is given back to the hypervisor, and waking it costs more than most of what is measured.
 * A spinner of the idle scheduling class on each CPU keeps it awake and gives way to everything else.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../include/cgroup_file.h"
#include "json_line.h"
#include "soak.h"

#define TRIAL_FD  3
#define STATUS_FD 4

#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define EXIT_CANNOT 3

/* Even behind a workload that never sleeps the idle class gets a share, so this is long. */
#define START_LIMIT_S 5

static const char usage_text[] =
	"Usage: tracebench-awake [--check | [--group DIR] [--soak N]]\n"
	"Keeps every CPU this process may use awake with a spinner of the idle scheduling class, until "
	"descriptor "
	"3 is\n"
	"at its end. Meant to be started by tracebench; descriptor 4 takes one JSON object a line.\n\n"
	"  --check   start and end the spinners, print the JSON object to standard output, and exit\n"
	"  --group DIR  spin in this control group, made idle: it gives way also to what is in no group of "
	"ours\n"
	"  --soak N  count in the page that descriptor N is how much of each CPU was left over\n"
	"  --help    this text\n\n"
	"Exit codes: 0 all CPUs were kept awake, 1 error, 2 usage, 3 not possible here.\n";

struct spinner {
	pthread_t thread;
	int cpu;
	int error; /* errno of `failed`; 0 when it spins */
	const char *failed;
	struct tb_soak_cpu *soak; /* NULL: it only spins */
};

/* --soak, else NULL. */
static struct tb_soak *soak;

/* --group, else NULL. */
static const char *group;

/* Written under `mutex` until all have settled, read-only afterwards. */
static struct {
	struct spinner *spinner;
	int count, started, settled;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
} awake = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static atomic_bool stop;

static void settle(struct spinner *self, const char *failed, int error)
{
	pthread_mutex_lock(&awake.mutex);
	self->failed = failed;
	self->error = error;
	awake.settled++;
	pthread_cond_signal(&awake.changed);
	pthread_mutex_unlock(&awake.mutex);
}

/* Before Linux 5.15 groups have no idle class, only a least weight. */
static int make_group_idle(void)
{
	int rc = tb_cgroup_file__write(group, "cpu.idle", "1");

	if (rc == -ENOENT)
		rc = tb_cgroup_file__write(group, "cpu.shares", "2");
	if (rc == -ENOENT)
		rc = tb_cgroup_file__write(group, "cpu.weight", "1");
	return rc;
}

static void *spin(void *argument)
{
	const struct sched_param param = {0};
	struct spinner *self = argument;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(self->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		settle(self, "sched_setaffinity", errno);
		return NULL;
	}
	if (group) {
		int rc = tb_cgroup_file__join(group);

		if (rc) {
			settle(self, "joining the control group", -rc);
			return NULL;
		}
	}
	/* 0 is the calling thread; anybody may put himself into the idle class, unless a sandbox forbids the call. */
	if (sched_setscheduler(0, SCHED_IDLE, &param)) {
		settle(self, "sched_setscheduler(SCHED_IDLE)", errno);
		return NULL;
	}
	settle(self, NULL, 0);
	if (self->soak) {
		tb_soak__run(self->soak, &stop);
		return NULL;
	}
	/* No pause instruction: a hypervisor that sees many of them takes the CPU away. */
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		;
	return NULL;
}

/* Waits until each spinner spins or has failed. 0 or -ETIMEDOUT. */
static int wait_until_settled(void)
{
	struct timespec limit;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += START_LIMIT_S;
	pthread_mutex_lock(&awake.mutex);
	while (awake.settled < awake.started && rc == 0)
		rc = pthread_cond_timedwait(&awake.changed, &awake.mutex, &limit);
	pthread_mutex_unlock(&awake.mutex);
	return -rc;
}

static int allocate_spinners(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	awake.spinner = calloc((size_t)CPU_COUNT(&set), sizeof(*awake.spinner));
	if (!awake.spinner)
		return -ENOMEM;
	if (soak && CPU_COUNT(&set) > TB_SOAK_CPUS_MAX)
		return -E2BIG;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		struct spinner *next = &awake.spinner[awake.count];

		if (!CPU_ISSET(cpu, &set))
			continue;
		next->cpu = cpu;
		if (soak) {
			next->soak = &soak->cpu[awake.count];
			next->soak->cpu = (uint32_t)cpu;
		}
		awake.count++;
	}
	return 0;
}

/* 0, or -errno and what failed. Either way stop_spinners must follow. */
static int start_spinners(const char **failed)
{
	int rc = allocate_spinners();

	*failed = "making a list of CPUs";
	if (rc)
		return rc;
	*failed = "making the control group idle";
	rc = group ? make_group_idle() : 0;
	if (rc)
		return rc;
	for (; awake.started < awake.count; awake.started++) {
		struct spinner *next = &awake.spinner[awake.started];

		rc = -pthread_create(&next->thread, NULL, spin, next);
		*failed = "pthread_create";
		if (rc)
			return rc;
	}
	rc = wait_until_settled();
	*failed = "waiting for every spinner to get onto its CPU";
	if (rc)
		return rc;
	for (int i = 0; i < awake.count; i++) {
		*failed = awake.spinner[i].failed;
		if (*failed)
			return -awake.spinner[i].error;
	}
	if (soak)
		__atomic_store_n(&soak->cpus, (uint32_t)awake.count, __ATOMIC_RELEASE);
	return 0;
}

static void stop_spinners(void)
{
	atomic_store(&stop, true);
	while (awake.started > 0)
		pthread_join(awake.spinner[--awake.started].thread, NULL);
	free(awake.spinner);
}

/* {"event":"awake","cpus":[0,1]} or {"event":"cannot","errno":38,"message":"…"} */
static int tell(int fd, int rc, const char *failed)
{
	struct tb_json_line line;
	int sent = tb_json_line__begin(&line);

	if (sent)
		return sent;
	if (rc) {
		fprintf(line.out, "{\"event\":\"cannot\",\"errno\":%d,\"message\":\"%s: %s\"}", -rc, failed,
			strerror(-rc));
	} else {
		fputs("{\"event\":\"awake\",\"cpus\":[", line.out);
		for (int i = 0; i < awake.count; i++)
			fprintf(line.out, "%s%d", i ? "," : "", awake.spinner[i].cpu);
		fputs("]}", line.out);
	}
	return tb_json_line__send(&line, fd);
}

/* Returns at the end of file, whatever is written before. */
static void wait_for_trial(void)
{
	char bytes[64];
	ssize_t n;

	do {
		n = read(TRIAL_FD, bytes, sizeof(bytes));
	} while (n > 0 || (n < 0 && errno == EINTR));
}

/* The trial decides: a signal to its whole group must not change the terms of what it still measures. */
static void leave_signals_to_the_trial(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

static int keep_awake(bool check)
{
	const char *failed;
	int rc, told;

	leave_signals_to_the_trial();
	rc = start_spinners(&failed);
	told = tell(check ? STDOUT_FILENO : STATUS_FD, rc, failed);
	if (!check && rc == 0 && told == 0)
		wait_for_trial();
	stop_spinners();
	if (rc)
		return EXIT_CANNOT;
	return told ? EXIT_FAILED : 0;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* The descriptor that `text` names, or −1 when it names none that is open. */
static int descriptor(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	return *text && !*end && fd > STATUS_FD && fd <= INT_MAX && is_open((int)fd) ? (int)fd : -1;
}

/* 0, or the exit code. */
static int read_options(int argc, char **argv)
{
	for (int i = 1; i < argc; i += 2) {
		const bool has_value = i + 1 < argc;

		if (has_value && !strcmp(argv[i], "--group")) {
			group = argv[i + 1];
		} else if (has_value && !strcmp(argv[i], "--soak")) {
			soak = tb_soak__map(descriptor(argv[i + 1]));
			if (!soak) {
				fprintf(stderr, "tracebench-awake: --soak %s is not a soaker's page: %s\n",
					argv[i + 1], strerror(errno));
				return EXIT_USAGE;
			}
		} else {
			fprintf(stderr,
				"tracebench-awake: unknown option '%s'; see tracebench-awake --help\n",
				argv[i]);
			return EXIT_USAGE;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const bool check = argc == 2 && !strcmp(argv[1], "--check");
	int code;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (!check && (!is_open(TRIAL_FD) || !is_open(STATUS_FD))) {
		fprintf(stderr,
			"tracebench-awake: descriptors 3 (end of the trial) and 4 (status) must be open; "
			"see --help\n");
		return EXIT_USAGE;
	}
	code = check ? 0 : read_options(argc, argv);
	return code ? code : keep_awake(check);
}
