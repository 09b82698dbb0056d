/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the launcher and the guard without child_process: libuv must not have a SIGCHLD handler or reap anybody
 * while a ptrace session runs (docs/architecture.md, "Processes of a trial").
 */
#ifndef TRACEBENCH_PROCESS_H
#define TRACEBENCH_PROCESS_H

#include <string>
#include <sys/types.h>
#include <vector>

#include "../include/control.h"
#include "../include/soak.h"
#include "../include/source.h"

namespace tracebench
{

struct Spawned {
	pid_t pid;
	int command_fd; /* write end; the helper's descriptor 3. Closing it is the end-of-file the helper acts on */
	int status_fd; /* read end; the helper's descriptor 4 */
};

/*
 * Starts path with argv; descriptors 0–2 are inherited, 3 and 4 are the pipes, control_fd (−1: none) keeps its number.
 * All others are close-on-exec. 0 or -errno. The caller owns the two descriptors and reaps the pid.
 */
int spawn_helper(const std::string &path, const std::vector<std::string> &argv, int control_fd,
		 Spawned *spawned, tb_error *err);

/* A zeroed control page for so many collectors in a memfd, mapped. 0 or -errno. The caller unmaps and closes. */
int create_control(uint32_t collectors, int *fd, tb_control **control, tb_error *err);

/* The same of a soaker's page. */
int create_soak(int *fd, tb_soak **soak, tb_error *err);

} // namespace tracebench

#endif
