/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher is asked to do: its command line, checked. */
#ifndef TRACEBENCH_LAUNCHER_LAUNCH_OPTIONS_H
#define TRACEBENCH_LAUNCHER_LAUNCH_OPTIONS_H

#include <grp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors by which the trial and the launcher talk. */
#define TB_COMMAND_FD 3
#define TB_STATUS_FD  4

#define TB_SECCOMP_NR_MAX 1024

struct tb_user {
	bool set;
	uid_t uid;
	gid_t gid;
	char name[64]; /* for supplementary groups; empty for a uid without an entry */
};

struct tb_launch_options {
	int control_fd; /* −1: none */
	bool cpus_set;
	cpu_set_t cpus;
	struct tb_user user;
	const char *cgroup; /* NULL: stay */
	bool seccomp;
	bool seccomp_all;
	uint32_t seccomp_nr[TB_SECCOMP_NR_MAX];
	unsigned seccomp_count;
	bool keep_sys_admin;
	uint64_t canary_calls; /* 0: none */
	bool audit_session;    /* an audit session of its own */
	const char *cwd;       /* NULL: stay */
	const char *stdio[3];  /* `inherit`, `null`, or a path */
	char **command;        /* NULL-terminated, at least one word */
};

/* Exits with 2 after a message on stderr, with 0 after --help. */
void tb_launch_options__parse(struct tb_launch_options *options, int argc, char **argv);

#endif
