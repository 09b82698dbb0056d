/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The named file that `file` and `mixed` open. A file of their own, because processes that share an inode contend for
 * it. A name is needed to open it by, so a workload that is killed leaves it behind: the lock, which dies with
 * its process, tells the next one which files are stale.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workload.h"

#define PREFIX "tracebench-file-"

static char path[PATH_MAX];
static int lock_fd = -1;

/* A tmpfs has no disk and no journal behind it that would make one run dearer than the next. */
static const char *directory(void)
{
	const char *chosen = getenv("TMPDIR");

	if (chosen && *chosen == '/')
		return chosen;
	return access("/dev/shm", W_OK | X_OK) ? "/tmp" : "/dev/shm";
}

static void sweep(const char *dir)
{
	struct dirent *entry;
	struct stat st;
	DIR *d = opendir(dir);
	int fd;

	if (!d)
		return; /* making the file there will say why */
	while ((entry = readdir(d))) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)))
			continue;
		fd = openat(dirfd(d), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue; /* another user's, or gone meanwhile */
		if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
		    !flock(fd, LOCK_EX | LOCK_NB))
			unlinkat(dirfd(d), entry->d_name, 0);
		close(fd);
	}
	closedir(d);
}

const char *tb_private_file__make(size_t bytes)
{
	const char *dir = directory();
	struct stat st;
	char *data;
	int err;

	sweep(dir);
	for (int attempt = 0; attempt < 8; attempt++) {
		if (snprintf(path, sizeof(path), "%s/" PREFIX "XXXXXX", dir) >= (int)sizeof(path)) {
			errno = ENAMETOOLONG;
			goto fail;
		}
		lock_fd = mkostemp(path, O_CLOEXEC);
		if (lock_fd < 0)
			goto fail;
		/* A sweep may have come between: then the lock is taken, or the name is gone. */
		if (!flock(lock_fd, LOCK_EX | LOCK_NB) && !fstat(lock_fd, &st) && st.st_nlink == 1)
			goto made;
		close(lock_fd);
		lock_fd = -1;
	}
	errno = EBUSY;
fail:
	path[0] = 0;
	return NULL;
made:
	data = calloc(1, bytes);
	if (data && write(lock_fd, data, bytes) == (ssize_t)bytes) {
		free(data);
		return path;
	}
	err = errno ? errno : ENOSPC;
	free(data);
	tb_private_file__remove();
	errno = err;
	return NULL;
}

void tb_private_file__remove(void)
{
	if (lock_fd < 0)
		return;
	unlink(path);
	close(lock_fd);
	lock_fd = -1;
	path[0] = 0;
}
