/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder in memory for what a foreign tool writes during one trial: /dev/shm/tracebench-scratch-PID-STARTTIME of the guard,
 * so that a disk is neither measured nor filled. Given back with all that is in it; while the tool is still dying it may
 * make another file, so removing is tried again. One whose guard is gone is stale.
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hold.h"
#include "json_line.h"
#include "start_time.h"

#define ROOT        "/dev/shm"
#define NAME_PREFIX "tracebench-scratch-"
#define TRIES       200 /* of 20 ms: a tree that is being killed may take the launcher's 4 s */
#define OPEN_FILES  16

static char path[sizeof(ROOT) + sizeof(NAME_PREFIX) + 48];

static bool parse_name(const char *name, int *pid, unsigned long long *start)
{
	return sscanf(name, NAME_PREFIX "%d-%llu", pid, start) == 2;
}

static int explain(int code, const char *what, char reason[TB_REASON_MAX])
{
	snprintf(reason, TB_REASON_MAX, "%s: %s", what, strerror(-code));
	return code;
}

static int remove_entry(const char *entry, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(entry) && errno != ENOENT ? -1 : 0;
}

/* 0, also when it is gone already; or -errno. Follows no link and leaves no file system. */
static int remove_tree(const char *folder)
{
	const struct timespec pause = {0, 20000000};

	for (int i = 0; i < TRIES; i++) {
		if (nftw(folder, remove_entry, OPEN_FILES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 ||
		    errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	return -errno;
}

static int take(char reason[TB_REASON_MAX])
{
	snprintf(path, sizeof(path), ROOT "/" NAME_PREFIX "%d-%llu", getpid(), tb_start_time(getpid()));
	return mkdir(path, 0700) ? explain(-errno, path, reason) : 0;
}

static const char *where(void)
{
	return path;
}

static int give_back(char reason[TB_REASON_MAX])
{
	int code = remove_tree(path);

	return code ? explain(code, path, reason) : 0;
}

static void write_name(FILE *out, const char *name, bool *any)
{
	fputs(*any ? "," : "", out);
	tb_json__string(out, name);
	*any = true;
}

static int repair(FILE *out, char reason[TB_REASON_MAX])
{
	char *in_use = NULL, *removed = NULL;
	bool any_in_use = false, any_removed = false;
	size_t in_use_size, removed_size;
	FILE *used = open_memstream(&in_use, &in_use_size), *gone = open_memstream(&removed, &removed_size);
	DIR *root = opendir(ROOT);
	struct dirent *entry;
	int code, result = 0;

	if (!used || !gone)
		result = explain(-ENOMEM, "repair", reason);
	/* Where there is no such folder there is none of ours in it. */
	while (!result && root && (entry = readdir(root))) {
		char stale[sizeof(ROOT) + sizeof(entry->d_name) + 1];
		unsigned long long start;
		int pid;

		if (!parse_name(entry->d_name, &pid, &start))
			continue;
		if (start && tb_start_time(pid) == start) {
			write_name(used, entry->d_name, &any_in_use);
			continue;
		}
		snprintf(stale, sizeof(stale), ROOT "/%s", entry->d_name);
		code = remove_tree(stale);
		if (code)
			result = explain(code, stale, reason);
		else
			write_name(gone, entry->d_name, &any_removed);
	}
	if (root)
		closedir(root);
	if (used)
		fclose(used);
	if (gone)
		fclose(gone);
	if (!result)
		fprintf(out, "{\"removed\":[%s],\"inUse\":[%s]}", removed, in_use);
	free(in_use);
	free(removed);
	return result;
}

void tb_scratch__write_state(FILE *out)
{
	struct dirent **names = NULL;
	int count = scandir(ROOT, &names, NULL, alphasort);
	bool any = false;

	putc('[', out);
	for (int i = 0; i < count; i++) {
		unsigned long long start;
		int pid;

		if (parse_name(names[i]->d_name, &pid, &start))
			write_name(out, names[i]->d_name, &any);
		free(names[i]);
	}
	free(names);
	putc(']', out);
}

const struct tb_hold tb_scratch_hold = {
	.name = "scratch",
	.take = take,
	.where = where,
	.give_back = give_back,
	.repair = repair,
};
