/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/types.h>
#include <unistd.h>

#include "process_tree.h"

struct pids {
	pid_t *pid;
	size_t count;
	size_t capacity;
};

static int pids__push(struct pids *p, pid_t pid)
{
	if (p->count == p->capacity) {
		size_t capacity = p->capacity ? 2 * p->capacity : 64;
		pid_t *grown = realloc(p->pid, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		p->pid = grown;
		p->capacity = capacity;
	}
	p->pid[p->count++] = pid;
	return 0;
}

/* 0 when the process is gone. The name, field 2, may hold blanks and brackets, so fields count from the last one. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	ssize_t n;
	char *bracket;
	int parent = 0, fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	bracket = strrchr(text, ')');
	if (!bracket || sscanf(bracket + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

static bool is_descendant(pid_t pid)
{
	pid_t self = getpid();

	while (pid > 1) {
		pid = parent_of(pid);
		if (pid == self)
			return true;
	}
	return false;
}

/* -ENOENT where the kernel has no `children` file (CONFIG_PROC_CHILDREN); a process that is gone has no children. */
static int push_children(struct pids *found, pid_t pid)
{
	char path[320];
	struct dirent *entry;
	DIR *tasks;
	FILE *f;
	int child, rc = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	if (!tasks)
		return pid == getpid() ? -errno : 0;
	while (rc == 0 && (entry = readdir(tasks))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/children", pid, entry->d_name);
		f = fopen(path, "re");
		if (!f) {
			if (pid == getpid())
				rc = -ENOENT;
			continue;
		}
		while (rc == 0 && fscanf(f, "%d", &child) == 1)
			rc = pids__push(found, child);
		fclose(f);
	}
	closedir(tasks);
	return rc;
}

static int push_by_parent(struct pids *found)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int rc = 0;

	if (!proc)
		return -errno;
	while (rc == 0 && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && is_descendant(pid))
			rc = pids__push(found, pid);
	}
	closedir(proc);
	return rc;
}

static int find(struct pids *found)
{
	int rc = push_children(found, getpid());

	if (rc == -ENOENT)
		return push_by_parent(found);
	/* Breadth first: what is appended is visited in its turn. */
	for (size_t i = 0; rc == 0 && i < found->count; i++)
		rc = push_children(found, found->pid[i]);
	return rc;
}

int tb_process_tree__kill(void)
{
	struct pids found = {0};
	int rc = find(&found), killed = 0;

	for (size_t i = 0; i < found.count; i++) {
		int fd = pidfd_open(found.pid[i], 0);

		if (fd < 0)
			continue; /* gone */
		/* Asked after the pidfd was taken: a number that was reused meanwhile is seen here. */
		if (is_descendant(found.pid[i]) && !pidfd_send_signal(fd, SIGKILL, NULL, 0))
			killed++;
		close(fd);
	}
	free(found.pid);
	return rc ? rc : killed;
}
