/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_LAUNCHER_COMMAND_PATH_H
#define TRACEBENCH_LAUNCHER_COMMAND_PATH_H

#include <stddef.h>

/*
 * Finds what a shell would execute for `command`: as it is when it has a slash, else the first executable file over
 * PATH. Done here and not by execvp, so that the target's trace begins with exactly one execve. On failure returns
 * -errno with the path that was tried last in `path` (or the command itself).
 */
int tb_command_path__resolve(const char *command, char *path, size_t size);

#endif
