/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calibrate.h"

#define TRIPS_PER_BLOCK 20

/* fork; the child dies with its parent, also when the parent was gone before the child could ask for it. */
static pid_t fork_bound(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void echo(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		if (write(to, &byte, 1) != 1)
			break;
}

static void trip(int to, int from)
{
	char byte = 0;

	if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
		die("pipe round trip");
}

void pipe_round_trips(int here, int there, uint64_t budget_ns, struct blocks *out)
{
	int ping[2], pong[2];
	uint64_t end_ns;
	pid_t child;

	if (pipe2(ping, O_CLOEXEC) || pipe2(pong, O_CLOEXEC))
		die("pipe");
	pin_to(here);
	child = fork_bound();
	if (child == 0) {
		close(ping[1]);
		close(pong[0]);
		pin_to(there);
		echo(ping[0], pong[1]);
		_exit(0);
	}
	close(ping[0]);
	close(pong[1]);
	for (int i = 0; i < 8; i++)
		trip(ping[1], pong[0]);
	end_ns = tb_monotonic_ns() + budget_ns;
	out->count = 0;
	do {
		uint64_t start_ns = tb_monotonic_ns();

		for (int i = 0; i < TRIPS_PER_BLOCK; i++)
			trip(ping[1], pong[0]);
		out->ns[out->count++] = (double)(tb_monotonic_ns() - start_ns) / TRIPS_PER_BLOCK;
	} while (out->count < BLOCKS_MAX && tb_monotonic_ns() < end_ns);
	/* The child leaves at end of file. */
	close(ping[1]);
	close(pong[0]);
	reap(child);
}

int spinner__start(int cpu)
{
	struct sched_param param = {0};
	pid_t pid = fork_bound();

	if (pid != 0)
		return pid;
	/* Anybody may put himself into the idle class. */
	if (sched_setscheduler(0, SCHED_IDLE, &param))
		die("sched_setscheduler(SCHED_IDLE)");
	pin_to(cpu);
	for (volatile uint64_t turns = 0;; turns++)
		;
}

void spinner__stop(int pid)
{
	kill(pid, SIGKILL);
	reap(pid);
}
