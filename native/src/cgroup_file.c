/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/cgroup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int path_of(char path[PATH_MAX], const char *group, const char *file)
{
	return snprintf(path, PATH_MAX, "%s/%s", group, file) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int tb_cgroup_file__write(const char *group, const char *file, const char *text)
{
	char path[PATH_MAX];
	int fd, rc = path_of(path, group, file);

	if (rc)
		return rc;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

bool tb_cgroup_file__exists(const char *group, const char *file)
{
	char path[PATH_MAX];

	return path_of(path, group, file) == 0 && access(path, F_OK) == 0;
}

int tb_cgroup_file__join(const char *group)
{
	/* 0 is the writer. */
	int rc = tb_cgroup_file__write(group, "tasks", "0");

	return rc == -ENOENT ? tb_cgroup_file__write(group, "cgroup.threads", "0") : rc;
}
