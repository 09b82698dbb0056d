/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private directory for one target: under TMPDIR, else /dev/shm, else /tmp. Its name, tracebench-scratch-PID-STARTTIME, says
 * which guard's it is; one whose guard is gone is stale.
 *
 * What lies in it belongs to the target, perhaps to another user, who may still be writing: so it is removed by descriptors,
 * never through a symbolic link, and again until it is gone.
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../include/start_time.h"
#include "hold.h"
#include "json_line.h"

#define NAME_PREFIX "tracebench-scratch-"
#define PLACES      3

/* The launcher ends the target's tree at the same moment. */
#define GONE_MS  4000
#define RETRY_MS 10

static char held[PATH_MAX];

/* Where they are made, the first that takes one; all are looked through. NULL: not here. */
static const char *place(unsigned i)
{
	const char *named = getenv("TMPDIR");
	const char *const places[PLACES] = {named && *named == '/' ? named : NULL, "/dev/shm", "/tmp"};

	return places[i];
}

static int explain(int code, const char *what, const char *where, char reason[TB_REASON_MAX])
{
	snprintf(reason, TB_REASON_MAX, "%s %.300s: %s", what, where, strerror(-code));
	return code;
}

static int take(char reason[TB_REASON_MAX])
{
	int pid = getpid(), code = -ENOENT;

	for (unsigned i = 0; i < PLACES; i++) {
		if (!place(i))
			continue;
		if (snprintf(held, sizeof(held), "%s/" NAME_PREFIX "%d-%llu", place(i), pid,
			     tb_start_time(pid)) >= (int)sizeof(held))
			return explain(-ENAMETOOLONG, "making a directory in", place(i), reason);
		if (mkdir(held, 0700) == 0)
			return 0;
		code = -errno;
	}
	return explain(code, "making directory", held, reason);
}

static const char *where(void)
{
	return held;
}

/* One pass. 0 when nothing of that name is left, or -errno; -ENOTEMPTY when something came in meanwhile. */
static int remove_once(int parent, const char *name)
{
	struct dirent *entry;
	int fd, rc = 0;
	DIR *list;

	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	list = fdopendir(fd);
	if (!list) {
		rc = -errno;
		close(fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(list))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = remove_once(fd, entry->d_name);
	}
	closedir(list);
	if (rc == 0 && unlinkat(parent, name, AT_REMOVEDIR) && errno != ENOENT)
		rc = -errno;
	return rc;
}

static int remove_tree(const char *path)
{
	const struct timespec pause = {0, RETRY_MS * 1000000L};
	int rc = -ENOTEMPTY;

	for (int waited = 0; rc == -ENOTEMPTY && waited <= GONE_MS; waited += RETRY_MS) {
		if (waited)
			nanosleep(&pause, NULL);
		rc = remove_once(AT_FDCWD, path);
	}
	return rc;
}

static int give_back(char reason[TB_REASON_MAX])
{
	int rc = remove_tree(held);

	return rc ? explain(rc, "removing", held, reason) : 0;
}

typedef int (*visit_fn)(const char *path, bool in_use, void *context);

static int walk(visit_fn visit, void *context)
{
	int rc = 0;

	for (unsigned i = 0; i < PLACES && rc == 0; i++) {
		DIR *list = place(i) ? opendir(place(i)) : NULL;
		struct dirent *entry;

		/* Named by TMPDIR as well: once is enough. */
		if (!list || (i > 0 && place(0) && !strcmp(place(i), place(0)))) {
			if (list)
				closedir(list);
			continue;
		}
		while (rc == 0 && (entry = readdir(list))) {
			unsigned long long start;
			char path[PATH_MAX];
			int pid, end = 0;

			if (sscanf(entry->d_name, NAME_PREFIX "%d-%llu%n", &pid, &start, &end) != 2 ||
			    entry->d_name[end] ||
			    snprintf(path, sizeof(path), "%s/%s", place(i), entry->d_name) >=
				    (int)sizeof(path))
				continue;
			rc = visit(path, start && tb_start_time(pid) == start, context);
		}
		closedir(list);
	}
	return rc;
}

static int tidy(const char *path, bool in_use, void *context)
{
	int rc = in_use ? 0 : remove_tree(path);

	/* Somebody else's, whom we are not to answer for. */
	if (rc == -EACCES || rc == -EPERM)
		return 0;
	if (rc == 0)
		tb_found__add(context, in_use, path);
	return rc;
}

static int repair(struct tb_found *found, char reason[TB_REASON_MAX])
{
	int rc = walk(tidy, found);

	return rc ? explain(rc, "removing", "private directories of targets", reason) : 0;
}

static int show(const char *path, bool in_use, void *context)
{
	(void)in_use;
	tb_json__append(context, path);
	return 0;
}

void tb_scratch__write_state(FILE *out)
{
	char *paths = NULL;
	size_t size;
	FILE *list = open_memstream(&paths, &size);

	if (list) {
		walk(show, list);
		fclose(list);
	}
	fprintf(out, "[%s]", paths ? paths : "");
	free(paths);
}

const struct tb_hold tb_scratch_hold = {
	.name = "scratch",
	.take = take,
	.where = where,
	.give_back = give_back,
	.repair = repair,
};
