/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's child: from fork to the target's execve. */
#ifndef TRACEBENCH_LAUNCHER_TARGET_CHILD_H
#define TRACEBENCH_LAUNCHER_TARGET_CHILD_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch_options.h"

enum tb_child_stage {
	TB_CHILD_SETTINGS = 0, /* applies the options */
	TB_CHILD_READY = 1,    /* waits at the gate */
	TB_CHILD_EXEC = 2,     /* has passed it */
};

/*
 * What the child tells the launcher. Shared memory and not a message, because under a seccomp filter without
 * a tracer the child could not write one. Written by the child; read after its pipe is at its end.
 */
struct tb_child_report {
	uint32_t stage; /* enum tb_child_stage */
	int32_t code;   /* errno of what failed; 0: nothing */
	/* As a shell would exit: 127 no such command, 126 cannot be executed, 125 a setting could not be made. */
	int32_t exit_code;
	double canary_ns_per_call;
	/* CPU time spent before the gate, not the target's. */
	uint64_t user_ns;
	uint64_t system_ns;
	char message[PATH_MAX + 512]; /* names a path */
};

/*
 * Runs in the child and never returns. gate: read end, one byte opens it, end of file means that nobody will. up: write
 * end, takes one byte when the child is ready and is closed by execve. launcher: its parent.
 */
__attribute__((noreturn)) void tb_target_child__run(const struct tb_launch_options *options,
						    struct tb_child_report *report, int gate, int up,
						    pid_t launcher);

#endif
