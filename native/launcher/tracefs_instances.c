/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracing instances named tracebench-PID-STARTTIME…: the ftrace backend's, made by the trial that started this guard. The
 * name says whose each is, so holding them needs nothing but to know that process; and one whose process is gone is
 * stale. Removing an instance turns its events off and frees its buffers.
 */
#include "tracefs_instances.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../include/start_time.h"
#include "../include/tracefs_root.h"
#include "hold.h"
#include "json_line.h"

#define NAME_PREFIX "tracebench-"
#define TRIES       200 /* of 10 ms: a process that was killed closes its descriptors a little after its pipes */

/* A load that was cut short may turn the event on a little later, from a work queue. */
#define SETTLE_NS    20000000
#define SETTLE_TRIES 25

static int trial_pid;
static unsigned long long trial_start;

/* Whether `name` is one of ours, and whose. */
static bool parse_name(const char *name, int *pid, unsigned long long *start)
{
	return sscanf(name, NAME_PREFIX "%d-%llu", pid, start) == 2;
}

static int explain(int code, const char *what, char reason[TB_REASON_MAX])
{
	const char *why = strerror(-code);

	if (code == -EPERM || code == -EACCES)
		why = "needs CAP_SYS_ADMIN and a tracefs that lockdown allows (run as root)";
	else if (code == -ENODEV)
		why = "this kernel has no tracefs";
	snprintf(reason, TB_REASON_MAX, "%s: %s", what, why);
	return code;
}

/* The folder of instances, or NULL with *code. */
static DIR *open_instances(int *code)
{
	int root = tb_tracefs__open(), folder;
	DIR *list = NULL;

	*code = root;
	if (root < 0)
		return NULL;
	folder = openat(root, "instances", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*code = -errno;
	close(root);
	if (folder < 0)
		return NULL;
	list = fdopendir(folder);
	if (!list) {
		*code = -errno;
		close(folder);
	}
	return list;
}

/*
 * What an instance stands for besides itself (tracefs_root.h). Its trial puts it back right after the load; here it is dead.
 * Somebody else's program that prints, loaded since, loses its event too: nothing tells whose it is.
 */
static int undo(DIR *instances, const char *name)
{
	const size_t length = strlen(name), suffix = strlen(TB_TRACEFS_PRINTK_OFF);
	const struct timespec pause = {0, SETTLE_NS};
	char text[8];

	if (length < suffix || strcmp(name + length - suffix, TB_TRACEFS_PRINTK_OFF) != 0)
		return 0;
	for (int i = 0; i < SETTLE_TRIES; i++) {
		int code = tb_tracefs__write(dirfd(instances), "../" TB_TRACEFS_PRINTK_EVENT, "0");

		if (code)
			return code;
		nanosleep(&pause, NULL);
		code = tb_tracefs__read(dirfd(instances), "../" TB_TRACEFS_PRINTK_EVENT, text, sizeof(text));
		if (code < 0)
			return code;
		if (*text == '0')
			return 0;
	}
	return -EBUSY;
}

/* 0, also when it is gone already; or -errno. */
static int remove_instance(DIR *instances, const char *name)
{
	const struct timespec pause = {0, 10000000};
	const int code = undo(instances, name);

	if (code)
		return code;

	for (int i = 0; i < TRIES; i++) {
		if (unlinkat(dirfd(instances), name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			break;
		nanosleep(&pause, NULL);
	}
	return -errno;
}

static int take(char reason[TB_REASON_MAX])
{
	int code;
	DIR *instances = open_instances(&code);

	if (!instances)
		return explain(code, "tracefs", reason);
	closedir(instances);
	trial_pid = getppid();
	trial_start = tb_start_time(trial_pid);
	if (!trial_start)
		return explain(-ESRCH, "the process that started the guard", reason);
	return 0;
}

static int give_back(char reason[TB_REASON_MAX])
{
	int code, result = 0;
	DIR *instances = open_instances(&code);
	struct dirent *entry;

	if (!instances)
		return explain(code, "tracefs", reason);
	while ((entry = readdir(instances))) {
		unsigned long long start;
		int pid;

		if (!parse_name(entry->d_name, &pid, &start) || pid != trial_pid || start != trial_start)
			continue;
		code = remove_instance(instances, entry->d_name);
		if (code && !result)
			result = explain(code, entry->d_name, reason);
	}
	closedir(instances);
	return result;
}

static int repair(struct tb_found *found, char reason[TB_REASON_MAX])
{
	struct dirent *entry;
	int code, result = 0;
	DIR *instances = open_instances(&code);

	if (!instances && code == -ENODEV) /* no tracefs, so none of ours in it */
		return 0;
	if (!instances)
		return explain(code, "tracefs", reason);
	while (!result && (entry = readdir(instances))) {
		unsigned long long start;
		bool in_use;
		int pid;

		if (!parse_name(entry->d_name, &pid, &start))
			continue;
		in_use = start && tb_start_time(pid) == start;
		code = in_use ? 0 : remove_instance(instances, entry->d_name);
		if (code)
			result = explain(code, entry->d_name, reason);
		else
			tb_found__add(found, in_use, entry->d_name);
	}
	closedir(instances);
	return result;
}

void tb_tracefs_instances__write_state(FILE *out)
{
	struct dirent **names = NULL;
	int code, count, written = 0;
	DIR *instances = open_instances(&code);
	char printk[8];

	if (!instances) {
		fputs("{\"available\":false,\"reason\":", out);
		tb_json__string(out, strerror(-code));
		putc('}', out);
		return;
	}
	count = scandirat(dirfd(instances), ".", &names, NULL, alphasort);
	fputs("{\"available\":true,\"instances\":[", out);
	for (int i = 0; i < count; i++) {
		unsigned long long start;
		int pid;

		if (parse_name(names[i]->d_name, &pid, &start)) {
			fputs(written++ ? "," : "", out);
			tb_json__string(out, names[i]->d_name);
		}
		free(names[i]);
	}
	free(names);
	fputs("],\"bpfTracePrintk\":", out);
	if (tb_tracefs__read(dirfd(instances), "../" TB_TRACEFS_PRINTK_EVENT, printk, sizeof(printk)) > 0)
		tb_json__string(out, *printk == '0' ? "off" : "on");
	else
		fputs("null", out);
	closedir(instances);
	fputs("}", out);
}

const struct tb_hold tb_tracefs_instances_hold = {
	.name = "tracefs-instances",
	.take = take,
	.give_back = give_back,
	.repair = repair,
};
