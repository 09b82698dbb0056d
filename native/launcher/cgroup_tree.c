/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_tree.h"
#include "../include/cgroup_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../include/start_time.h"

#define NAME_PREFIX "tracebench-"
#define DEPTH_MAX   32

/* The launcher ends the tree when the guard is told to give back; it is given this long before the rest is moved out. */
#define EMPTY_MS 4000
#define LOOK_MS  5

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

int tb_cgroup_tree__find(const char *controller, struct tb_cgroup_tree *h)
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
		version1 = !strcmp(type, "cgroup") && has_word(options, controller);
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

static int own_group(const struct tb_cgroup_tree *h, const char *controller, char directory[PATH_MAX])
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
		if (h->version1 ? !has_word(controllers + 1, controller) : strcmp(line, "0:") != 0)
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

int tb_cgroup_tree__explain(int code, const char *what, const char *where, char reason[TB_REASON_MAX])
{
	const char *mend = code == -EACCES || code == -EPERM || code == -EROFS
				   ? " (run as root, with a writable /sys/fs/cgroup)"
				   : "";

	snprintf(reason, TB_REASON_MAX, "%s %.300s: %s%s", what, where, strerror(-code), mend);
	return code;
}

int tb_cgroup_tree__locate(const char *controller, struct tb_cgroup_tree *tree, char directory[PATH_MAX],
			   char reason[TB_REASON_MAX])
{
	int rc = tb_cgroup_tree__find(controller, tree);

	if (rc == -ENOENT) {
		snprintf(reason, TB_REASON_MAX,
			 "no control group hierarchy with %s is mounted; "
			 "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
			 controller);
		return rc;
	}
	if (rc == 0)
		rc = own_group(tree, controller, directory);
	return rc ? tb_cgroup_tree__explain(rc, "finding", "the own control group", reason) : 0;
}

int tb_cgroup_tree__make(const char *own, const char *suffix, char group[PATH_MAX],
			 char reason[TB_REASON_MAX])
{
	int pid = getpid();

	if (snprintf(group, PATH_MAX, "%s/" NAME_PREFIX "%d-%llu%s", own, pid, tb_start_time(pid), suffix) >=
	    PATH_MAX)
		return tb_cgroup_tree__explain(-ENAMETOOLONG, "making a control group in", own, reason);
	if (mkdir(group, 0755))
		return tb_cgroup_tree__explain(-errno, "making control group", group, reason);
	return 0;
}

static bool ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && !strcmp(text + length - tail, suffix);
}

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* What is in the group: processes, or single threads where it is one for threads. */
static const char *members_of(const char *group)
{
	bool threads = ends_with(group, TB_CGROUP_CPU) || ends_with(group, TB_CGROUP_CPU_ON);

	if (!threads)
		return "cgroup.procs";
	return tb_cgroup_file__exists(group, "tasks") ? "tasks" : "cgroup.threads";
}

/* Puts every member of the group into the group above it. */
static int move_out(const char *group)
{
	const char *members = members_of(group);
	char path[PATH_MAX + 32];
	FILE *from, *to;
	int pid, rc = 0;

	snprintf(path, sizeof(path), "%s/%s", group, members);
	from = fopen(path, "re");
	if (!from)
		return -errno;
	while (fscanf(from, "%d", &pid) == 1) {
		snprintf(path, sizeof(path), "%s/../%s", group, members);
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

/* A group that says that its parent's children were given the cpu controller for its sake. */
static int take_back_cpu(const char *group)
{
	char parent[PATH_MAX];
	char *slash;
	int rc;

	if (!ends_with(group, TB_CGROUP_CPU_ON))
		return 0;
	strcpy(parent, group);
	slash = strrchr(parent, '/');
	*slash = 0;
	rc = tb_cgroup_file__write(parent, "cgroup.subtree_control", "-cpu");
	return rc == -ENOENT ? 0 : rc;
}

static int remove_group(const char *group, int patience_ms)
{
	int moved = 0;

	for (int waited = 0;; waited += LOOK_MS) {
		if (rmdir(group) == 0)
			return take_back_cpu(group);
		if (errno == ENOENT)
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

int tb_cgroup_tree__remove(const char *group, char reason[TB_REASON_MAX])
{
	int rc = remove_group(group, EMPTY_MS);

	return rc ? tb_cgroup_tree__explain(rc, "removing control group", group, reason) : 0;
}

/* True when the name is a guard's; *in_use when that guard lives. */
static bool is_ours(const char *name, bool *in_use)
{
	unsigned long long start;
	int pid, end = 0;

	if (sscanf(name, NAME_PREFIX "%d-%llu%n", &pid, &start, &end) != 2)
		return false;
	if (name[end] && strcmp(name + end, TB_CGROUP_CPU) && strcmp(name + end, TB_CGROUP_CPU_ON))
		return false;
	*in_use = start && tb_start_time(pid) == start;
	return true;
}

static int walk(const char *directory, int depth, tb_cgroup_visit visit, void *context)
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

int tb_cgroup_tree__walk(const struct tb_cgroup_tree *tree, tb_cgroup_visit visit, void *context)
{
	return walk(tree->mount, 0, visit, context);
}

static int tidy(const char *group, bool in_use, void *context)
{
	int rc = in_use ? 0 : remove_group(group, 0);

	if (rc == 0)
		tb_found__add(context, in_use, group);
	return rc;
}

int tb_cgroup_tree__repair(const char *controller, struct tb_found *found, char reason[TB_REASON_MAX])
{
	struct tb_cgroup_tree tree;
	int rc = tb_cgroup_tree__find(controller, &tree);

	if (rc == -ENOENT) /* where nothing is mounted nothing was left */
		return 0;
	if (rc)
		return tb_cgroup_tree__explain(rc, "reading", "/proc/self/mountinfo", reason);
	rc = walk(tree.mount, 0, tidy, found);
	return rc ? tb_cgroup_tree__explain(rc, "removing stale control groups below", tree.mount, reason)
		  : 0;
}
