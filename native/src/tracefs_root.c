/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/tracefs_root.h"
#include "../include/start_time.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* A descriptor, or -1 when `path` is not tracefs. */
static int open_if_tracefs(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || (fstatfs(fd, &fs) == 0 && fs.f_type == TRACEFS_MAGIC))
		return fd;
	close(fd);
	return -1;
}

static int mount_unseen(void)
{
	int context = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
	int mount = -1, code;

	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	code = mount < 0 ? -errno : mount;
	close(context);
	return code;
}

int tb_tracefs__open(void)
{
	int fd = open_if_tracefs(TB_TRACEFS_MOUNTED);
	int code;

	if (fd >= 0)
		return fd;
	code = mount_unseen();
	if (code >= 0)
		return code;
	/* Looking there makes the kernel mount tracefs below debugfs, hence last. */
	fd = open_if_tracefs("/sys/kernel/debug/tracing");
	return fd >= 0 ? fd : code;
}

void tb_tracefs__instance_name(char *name, size_t size, const char *suffix)
{
	snprintf(name, size, "tracebench-%d-%llu%s%s", getpid(), tb_start_time(getpid()), *suffix ? "-" : "",
		 suffix);
}

int tb_tracefs__read(int directory, const char *path, char *text, size_t size)
{
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0 && used + 1 < size) {
		n = read(fd, text + used, size - 1 - used);
		if (n > 0)
			used += (size_t)n;
		else if (n < 0 && errno == EINTR)
			n = 1;
	}
	text[used] = 0;
	n = n < 0 ? -errno : (ssize_t)used;
	close(fd);
	return (int)n;
}

int tb_tracefs__write(int directory, const char *path, const char *text)
{
	int fd = openat(directory, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	const size_t length = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	n = n == (ssize_t)length ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return (int)n;
}
