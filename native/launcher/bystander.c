/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracebench-bystander: a process that nobody traces, and what its system calls cost it. README.md has the protocol.
 *
 * Two kinds, because some of what tracers do to others is settled at fork: this process itself, as old as its trial, and
 * a child forked for one measurement. Both run the loop of the launcher's canary. A child that is orphaned ends with its
 * loop, so nothing has to outlive anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "canary.h"
#include "json_line.h"

#define TRIAL_FD  3
#define STATUS_FD 4

#define EXIT_FAILED 1
#define EXIT_USAGE  2

#define CALLS_MAX 10000000ull

static const char usage_text[] =
	"Usage: tracebench-bystander CPU CALLS\n"
	"Times blocks of CALLS bare system calls on CPU when told to. Meant to be started by tracebench: "
	"descriptor 3\n"
	"brings command bytes (o: in this process, n: in a child forked now; end of file: exit), descriptor "
	"4 takes\n"
	"one JSON object a line.\n\n"
	"Exit codes: 0 told to end, 1 error, 2 usage.\n";

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "tracebench-bystander: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILED);
}

static bool read_number(const char *text, unsigned long long max, unsigned long long *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && !*end && *value <= max;
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

/* The trial decides when its phases end; a Ctrl-C at the terminal reaches this process too. */
static void leave_signals_to_the_trial(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
}

/* `result`: shared with the child, which makes no system call between its loop and its end. */
static double measure_in_child(uint64_t calls, double *result)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		*result = tb_canary__ns_per_call(calls);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			die("waitpid");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		errno = ECHILD;
		die("the child did not get through its loop");
	}
	return *result;
}

static void tell(const char *event, double ns_per_call)
{
	struct tb_json_line line;
	int rc = tb_json_line__begin(&line);

	if (rc == 0) {
		fprintf(line.out, "{\"event\":\"%s\"", event);
		if (ns_per_call > 0)
			fprintf(line.out, ",\"nsPerCall\":%.3f", ns_per_call);
		putc('}', line.out);
		rc = tb_json_line__send(&line, STATUS_FD);
	}
	if (rc) {
		errno = -rc;
		die("status line");
	}
}

/* Returns at the end of file. */
static void serve(uint64_t calls, double *shared)
{
	char byte;
	ssize_t n;

	for (;;) {
		n = read(TRIAL_FD, &byte, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("commands");
		if (n == 0)
			return;
		switch (byte) {
		case 'o':
			tell("measured", tb_canary__ns_per_call(calls));
			break;
		case 'n':
			tell("measured", measure_in_child(calls, shared));
			break;
		default:
			errno = EPROTO;
			die("an unknown command byte");
		}
	}
}

int main(int argc, char **argv)
{
	unsigned long long cpu, calls;
	double *shared;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (argc != 3 || !read_number(argv[1], CPU_SETSIZE - 1, &cpu) ||
	    !read_number(argv[2], CALLS_MAX, &calls) || calls == 0) {
		fputs(usage_text, stderr);
		return EXIT_USAGE;
	}
	if (fcntl(TRIAL_FD, F_GETFD) < 0 || fcntl(STATUS_FD, F_GETFD) < 0) {
		fputs("tracebench-bystander: descriptors 3 (commands) and 4 (status) must be open; see "
		      "--help\n",
		      stderr);
		return EXIT_USAGE;
	}
	leave_signals_to_the_trial();
	stay_on((int)cpu);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	tell("ready", 0);
	serve(calls, shared);
	return 0;
}
