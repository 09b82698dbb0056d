/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private control group, in the hierarchy that perf uses: the one of the controller perf_event where that is mounted
 * (version 1), else cgroup2. It is a child of the group that the guard is in, so that limits which hold for the
 * study hold for the target too. Its name, tracebench-PID-STARTTIME, says whose it is; one whose guard is gone is stale.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "hold.h"
#include "json_line.h"
#include "start_time.h"

#define NAME_PREFIX "tracebench-"
#define DEPTH_MAX   32

/* The launcher ends the tree when the guard is told to give back; it is given this long before the rest is moved out. */
#define EMPTY_MS 4000
#define LOOK_MS  5

static char held[PATH_MAX];

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		if (strcspn(at, ",\n") == length && !strncmp(at, word, length))
			return true;
	}
	return false;
}

/* The kernel writes blanks and the like as \040. */
static void unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = 0;
}

struct hierarchy {
	bool version1;
	char mount[PATH_MAX];
	char root[PATH_MAX]; /* which group the mount shows as its top */
};

static int find_hierarchy(struct hierarchy *h)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	int rc = -ENOENT;

	if (!mounts)
		return -errno;
	while (getline(&line, &size, mounts) > 0) {
		char *tail = strstr(line, " - "), type[64], options[1024], root[PATH_MAX], mount[PATH_MAX];
		bool version1;

		if (!tail || sscanf(tail + 3, "%63s %*s %1023s", type, options) != 2 ||
		    sscanf(line, "%*d %*d %*s %4095s %4095s", root, mount) != 2)
			continue;
		version1 = !strcmp(type, "cgroup") && has_word(options, "perf_event");
		if (!version1 && (strcmp(type, "cgroup2") || rc == 0))
			continue;
		h->version1 = version1;
		unescape(strcpy(h->root, root));
		unescape(strcpy(h->mount, mount));
		rc = 0;
		if (version1)
			break;
	}
	free(line);
	fclose(mounts);
	return rc;
}

/* The directory of this process's own group. */
static int own_group(const struct hierarchy *h, char directory[PATH_MAX])
{
	FILE *groups = fopen("/proc/self/cgroup", "re");
	char *line = NULL;
	size_t size = 0;
	int rc = -ENOENT;

	if (!groups)
		return -errno;
	while (rc == -ENOENT && getline(&line, &size, groups) > 0) {
		char *controllers = strchr(line, ':'),
		     *path = controllers ? strchr(controllers + 1, ':') : NULL;
		size_t root = strlen(h->root);

		if (!path)
			continue;
		*path++ = 0;
		path[strcspn(path, "\n")] = 0;
		if (h->version1 ? !has_word(controllers + 1, "perf_event") : strcmp(line, "0:") != 0)
			continue;
		if (strcmp(h->root, "/") && !strncmp(path, h->root, root))
			path += root;
		rc = snprintf(directory, PATH_MAX, "%s%s", h->mount, strcmp(path, "/") ? path : "") >=
				     PATH_MAX
			     ? -ENAMETOOLONG
			     : 0;
	}
	free(line);
	fclose(groups);
	return rc;
}

static int explain(int code, const char *what, const char *where, char reason[TB_REASON_MAX])
{
	const char *mend = code == -EACCES || code == -EPERM || code == -EROFS
				   ? " (run as root, with a writable /sys/fs/cgroup)"
				   : "";

	snprintf(reason, TB_REASON_MAX, "%s %.300s: %s%s", what, where, strerror(-code), mend);
	return code;
}

static int locate(char directory[PATH_MAX], char reason[TB_REASON_MAX])
{
	struct hierarchy h;
	int rc = find_hierarchy(&h);

	if (rc == -ENOENT) {
		snprintf(reason, TB_REASON_MAX,
			 "no control group hierarchy that perf can use is mounted; "
			 "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
		return rc;
	}
	if (rc == 0)
		rc = own_group(&h, directory);
	return rc ? explain(rc, "finding", "the own control group", reason) : 0;
}

static int take(char reason[TB_REASON_MAX])
{
	char own[PATH_MAX];
	int pid = getpid(), rc = locate(own, reason);

	if (rc)
		return rc;
	if (snprintf(held, sizeof(held), "%s/" NAME_PREFIX "%d-%llu", own, pid, tb_start_time(pid)) >=
	    (int)sizeof(held))
		return explain(-ENAMETOOLONG, "making a control group in", own, reason);
	if (mkdir(held, 0755))
		return explain(-errno, "making control group", held, reason);
	return 0;
}

static const char *where(void)
{
	return held;
}

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* Puts every process of the group into the group above it. */
static int move_out(const char *group)
{
	char path[PATH_MAX + 32];
	FILE *from, *to;
	int pid, rc = 0;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	from = fopen(path, "re");
	if (!from)
		return -errno;
	while (fscanf(from, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "%s/../cgroup.procs", group);
		to = fopen(path, "we");
		if (!to) {
			rc = -errno;
			break;
		}
		fprintf(to, "%d", pid);
		/* It may have ended meanwhile. */
		if (fclose(to) && errno != ESRCH)
			rc = -errno;
	}
	fclose(from);
	return rc;
}

/* A group can be removed when its last process is gone, zombies included. */
static int remove_group(const char *group, int patience_ms)
{
	int moved = 0;

	for (int waited = 0;; waited += LOOK_MS) {
		if (rmdir(group) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -errno;
		if (waited >= patience_ms) {
			if (waited >= patience_ms + 500)
				return moved ? moved : -EBUSY;
			moved = move_out(group);
		}
		pause_ms(LOOK_MS);
	}
}

static int give_back(char reason[TB_REASON_MAX])
{
	int rc = remove_group(held, EMPTY_MS);

	return rc ? explain(rc, "removing control group", held, reason) : 0;
}

typedef int (*visit_fn)(const char *group, bool in_use, void *context);

/* True when the name is a guard's; *in_use when that guard lives. */
static bool is_ours(const char *name, bool *in_use)
{
	unsigned long long start;
	int pid, end = 0;

	if (sscanf(name, NAME_PREFIX "%d-%llu%n", &pid, &start, &end) != 2 || name[end])
		return false;
	*in_use = start && tb_start_time(pid) == start;
	return true;
}

/* Every group of a guard's below `directory`, wherever a study was started. */
static int walk(const char *directory, int depth, visit_fn visit, void *context)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (rc == 0 && (entry = readdir(dir))) {
		char path[PATH_MAX];
		bool in_use;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) >= (int)sizeof(path))
			continue;
		if (is_ours(entry->d_name, &in_use))
			rc = visit(path, in_use, context);
		else if (depth < DEPTH_MAX)
			rc = walk(path, depth + 1, visit, context);
	}
	closedir(dir);
	return rc;
}

struct lists {
	FILE *removed, *in_use;
};

static void append(FILE *list, const char *group)
{
	if (ftell(list))
		putc(',', list);
	tb_json__string(list, group);
}

static int tidy(const char *group, bool in_use, void *context)
{
	struct lists *lists = context;
	int rc = in_use ? 0 : remove_group(group, 0);

	if (rc == 0)
		append(in_use ? lists->in_use : lists->removed, group);
	return rc;
}

static int repair(FILE *out, char reason[TB_REASON_MAX])
{
	char *removed = NULL, *in_use = NULL;
	size_t removed_size, in_use_size;
	struct hierarchy h;
	struct lists lists;
	int rc = find_hierarchy(&h);

	if (rc == -ENOENT) { /* where nothing is mounted nothing was left */
		fputs("{\"removed\":[],\"inUse\":[]}", out);
		return 0;
	}
	if (rc)
		return explain(rc, "reading", "/proc/self/mountinfo", reason);
	lists.removed = open_memstream(&removed, &removed_size);
	lists.in_use = open_memstream(&in_use, &in_use_size);
	rc = lists.removed && lists.in_use ? walk(h.mount, 0, tidy, &lists) : -ENOMEM;
	if (lists.removed)
		fclose(lists.removed);
	if (lists.in_use)
		fclose(lists.in_use);
	if (rc == 0)
		fprintf(out, "{\"removed\":[%s],\"inUse\":[%s]}", removed, in_use);
	else
		explain(rc, "removing stale control groups below", h.mount, reason);
	free(removed);
	free(in_use);
	return rc;
}

static int list(const char *group, bool in_use, void *context)
{
	(void)in_use;
	append(context, group);
	return 0;
}

void tb_cgroup__write_state(FILE *out)
{
	char *found = NULL;
	size_t size;
	struct hierarchy h;
	FILE *text = open_memstream(&found, &size);
	int rc = text ? find_hierarchy(&h) : -ENOMEM;

	if (rc == 0)
		rc = walk(h.mount, 0, list, text);
	if (text)
		fclose(text);
	if (rc == 0 || rc == -ENOENT)
		fprintf(out, "[%s]", rc ? "" : found);
	else {
		fputs("{\"unreadable\":", out);
		tb_json__string(out, strerror(-rc));
		putc('}', out);
	}
	free(found);
}

const struct tb_hold tb_cgroup_hold = {
	.name = "cgroup",
	.take = take,
	.where = where,
	.give_back = give_back,
	.repair = repair,
};
