/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec: starts a process that exits at once, and waits for it, as a shell does. fork and execve leave the fourth register
 * free and carry stamps; wait4 and the child's exit_group are counted.
 *
 * The child works on its parent's lane: fork has sequence number s, the child's execve s + 1, and the parent, which
 * waits for the child, goes on at s + 2. One at a time, so the lane needs no lock. But the two stamped calls end on
 * two processes at once: fork's return in the parent may be recorded after the child's execve.
 *
 * On arm64 there is no fork and clone uses five registers, so it is counted there and an iteration has one
 * stamped call.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

static unsigned fork_kind, execve_kind, wait4_kind, exit_kind;
static char child_path[PATH_MAX];
static char *child_argv[] = {child_path, NULL};
static char *child_envp[] = {NULL};
static int status;

static int find_child(struct tb_run *run)
{
	static const char name[] = "tb-exec-child";
	ssize_t n = readlink("/proc/self/exe", child_path, sizeof(child_path) - sizeof(name));
	char *slash;
	int code;

	if (n < 0) {
		code = errno;
		return tb_run__fail(run, code, "cannot read /proc/self/exe");
	}
	child_path[n] = 0;
	slash = strrchr(child_path, '/');
	memcpy(slash + 1, name, sizeof(name));
	if (access(child_path, X_OK)) {
		code = errno;
		return tb_run__fail(run, code, "%s is needed beside this program", name);
	}
	return 0;
}

static int prepare(struct tb_run *run)
{
	struct tb_call_kind *k;

	if (find_child(run))
		return -ENOENT;
#ifdef SYS_fork
	fork_kind = tb_run__stamped(run, SYS_fork, "fork", 0, 0, 0, 0);
	k = &run->control->kind[fork_kind];
#else
	fork_kind = tb_run__counted(run, SYS_clone, "clone");
	k = &run->control->kind[fork_kind];
	k->arg_mask = 0x1f;
	k->arg_value[0] = SIGCHLD;
#endif
	k->ret_rule = TB_RET_NONNEG;
	k->blocks = 1;

	execve_kind = tb_run__stamped(run, SYS_execve, "execve", 3, (uintptr_t)child_path,
				      (uintptr_t)child_argv, (uintptr_t)child_envp);
	tb_run__returns(run, execve_kind, 0);
	run->control->kind[execve_kind].blocks = 1;

	wait4_kind = tb_run__counted(run, SYS_wait4, "wait4");
	k = &run->control->kind[wait4_kind];
	k->ret_rule = TB_RET_NONNEG;
	k->blocks = 1;
	k->arg_mask = 1u << 1 | 1u << 2 | 1u << 3; /* register 0 is the child's pid */
	k->arg_value[1] = (uintptr_t)&status;

	exit_kind = tb_run__counted(run, SYS_exit_group, "exit_group");
	k = &run->control->kind[exit_kind];
	k->ret_rule = TB_RET_NONE;
	k->arg_mask = 1u << 0;
	return 0;
}

static int64_t fork_once(struct tb_lane *lane)
{
#ifdef SYS_fork
	return tb_stamped0(lane, SYS_fork);
#else
	(void)lane;
	return tb_call6(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0);
#endif
}

static void section(struct tb_lane *lane, uint64_t calls)
{
	int64_t pid, ret;

	while (lane->seq < calls) {
		pid = fork_once(lane);
		if (pid == 0) {
			tb_stamped3(lane, SYS_execve, (uintptr_t)child_path, (uintptr_t)child_argv,
				    (uintptr_t)child_envp);
			tb_call6(SYS_exit_group, 127, 0, 0, 0, 0, 0);
			__builtin_trap(); /* refused to exit: still not back into the loop as a second parent */
		}
		tb_lane__made(lane, fork_kind, pid, pid > 0);
		if (pid < 0)
			return; /* every further fork would fail as well: the issued count says how far it came */
		/* The child's copy of the lane is gone with its memory; the control page it shares. */
		lane->seq++;
		lane->published = lane->seq;
		lane->count[execve_kind]++;
		lane->count[exit_kind]++;
		ret = tb_call6(SYS_wait4, (uint64_t)pid, (uintptr_t)&status, 0, 0, 0, 0);
		tb_lane__made(lane, wait4_kind, ret, ret == pid);
		if (status) /* wait status; exit code 127: the child could not execve */
			tb_lane__failed(lane, execve_kind, status);
	}
}

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "exec",
		.summary = "Forks, executes a program that exits at once, and waits for it: 2 stamped calls "
			   "an iteration.",
		.max_calls = 1000000000ull,
		.max_threads = 1,
	/* The child's execve is due with its parent's fork: it has no lane of its own to note a wait in. */
#ifdef SYS_fork
		.pace_unit = 2,
#endif
		.prepare = prepare,
		.section = section,
	};

	return tb_runtime__main(&workload, argc, argv);
}
