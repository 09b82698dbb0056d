/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tgid_cache.h"

int notify_tgid_cache__open(struct notify_tgid_cache *cache)
{
	memset(cache, 0, sizeof(*cache));
	cache->forks = 1; /* empty slots are of fork 0 */
	cache->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return cache->proc_fd < 0 ? -errno : 0;
}

void notify_tgid_cache__close(struct notify_tgid_cache *cache)
{
	close(cache->proc_fd);
	cache->proc_fd = -1;
}

void notify_tgid_cache__forked(struct notify_tgid_cache *cache)
{
	cache->forks++;
}

/* The line stands fourth; its head is far shorter than this. */
static int read_tgid(int proc_fd, uint32_t tid, uint32_t *tgid)
{
	char path[32], text[512], *line, *end;
	unsigned long value;
	ssize_t length;
	int fd, code;

	snprintf(path, sizeof(path), "%u/status", tid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	do {
		length = read(fd, text, sizeof(text) - 1);
		code = errno;
	} while (length < 0 && code == EINTR);
	close(fd);
	if (length < 0)
		return -code;
	text[length] = '\0';
	line = strstr(text, "\nTgid:\t");
	if (!line)
		return -EPROTO;
	value = strtoul(line + strlen("\nTgid:\t"), &end, 10);
	if (*end != '\n' || value == 0 || value > UINT32_MAX)
		return -EPROTO;
	*tgid = (uint32_t)value;
	return 0;
}

int notify_tgid_cache__find(struct notify_tgid_cache *cache, uint32_t tid, uint32_t *tgid)
{
	unsigned i = tid % NOTIFY_TGID_SLOTS;
	int rc;

	if (cache->slot[i].tid == tid && cache->slot[i].forks == cache->forks) {
		*tgid = cache->slot[i].tgid;
		return 0;
	}
	cache->reads++;
	rc = read_tgid(cache->proc_fd, tid, tgid);
	if (rc)
		return rc;
	cache->slot[i].tid = tid;
	cache->slot[i].tgid = *tgid;
	cache->slot[i].forks = cache->forks;
	return 0;
}
