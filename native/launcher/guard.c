/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracebench-guard: holds what a trial changes of the machine, and gives it back when the trial is gone, however it
 * went. README.md has the protocol.
 *
 * In a session of its own and deaf to the signals by which a study is ended, because it has to outlive the study. What only
 * SIGKILL or a crash of the machine can prevent, `--repair` does later.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_state.h"
#include "cgroup.h"
#include "hold.h"
#include "json_line.h"
#include "scratch.h"
#include "tracefs_instances.h"

#define TRIAL_FD  3
#define STATUS_FD 4

#define EXIT_FAILED 1
#define EXIT_USAGE  2
#define EXIT_CANNOT 3

/* Taken in this order, given back in the opposite one. */
static const struct tb_hold *const holds[] = {&tb_never_task_hold,   &tb_cgroup_hold,
					      &tb_cpu_group_hold,    &tb_audit_hold,
					      &tb_audit_listen_hold, &tb_tracefs_instances_hold,
					      &tb_scratch_hold};
#define HOLDS (sizeof(holds) / sizeof(holds[0]))

static const char usage_text[] =
	"Usage: tracebench-guard [--never-task] [--cgroup] [--cpu-group] [--audit | --audit-listen] "
	"[--tracefs-instances] [--scratch]\n"
	"       tracebench-guard --repair | --state\n"
	"Holds what a trial changes of the machine until descriptor 3 is at its end, then gives it back. "
	"Meant to be\n"
	"started by tracebench; descriptor 4 takes one JSON object a line.\n\n"
	"  --never-task  an audit rule by which tasks forked from now on carry no audit context\n"
	"  --cgroup      a private control group, named in the status line, for a target to be started in\n"
	"  --cpu-group   the same for a thread of the trial, whose CPU time is to be limited\n"
	"  --audit       audit enabled, for a trial that becomes its owner\n"
	"  --audit-listen  the same beside an owner that lives, whose settings stay as they are\n"
	"  --tracefs-instances  tracing instances whose names say that they are of the process that started "
	"the guard\n"
	"  --scratch     a private directory, named in the status line, for what the programs of a trial "
	"write\n"
	"  --repair      remove what guards that were killed left behind, print it, and exit\n"
	"  --state       print the state of what could be held, as one JSON object, and exit\n"
	"  --help        this text\n\n"
	"Exit codes: 0 all given back, 1 something was not, 2 usage, 3 not permitted or not possible here.\n";

static void outlive_the_study(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	/* Fails for the leader of a process group, which has no terminal's signals to fear but those ignored above. */
	setsid();
	/* Hold no directory, so that what the trial ran in can be unmounted. */
	if (chdir("/"))
		fprintf(stderr, "tracebench-guard: chdir /: %s\n", strerror(errno));
}

static int tell(const struct tb_hold *hold, bool held, const char *reason)
{
	struct tb_json_line line;
	int rc = tb_json_line__begin(&line);

	if (rc)
		return rc;
	fprintf(line.out, "{\"hold\":\"%s\",\"held\":%s", hold->name, held ? "true" : "false");
	if (!held) {
		fputs(",\"reason\":", line.out);
		tb_json__string(line.out, reason);
	} else if (hold->where) {
		fputs(",\"where\":", line.out);
		tb_json__string(line.out, hold->where());
	}
	putc('}', line.out);
	return tb_json_line__send(&line, STATUS_FD);
}

/* Returns at the end of file, whatever is written before. */
static void wait_for_trial(void)
{
	char bytes[64];
	ssize_t n;

	do {
		n = read(TRIAL_FD, bytes, sizeof(bytes));
	} while (n > 0 || (n < 0 && errno == EINTR));
}

static int hold(const bool wanted[HOLDS])
{
	char reason[TB_REASON_MAX];
	bool held[HOLDS] = {false};
	int code = 0;

	if (fcntl(TRIAL_FD, F_GETFD) < 0 || fcntl(STATUS_FD, F_GETFD) < 0) {
		fprintf(stderr,
			"tracebench-guard: descriptors 3 (end of the trial) and 4 (status) must be open; "
			"see --help\n");
		return EXIT_USAGE;
	}
	outlive_the_study();
	for (unsigned i = 0; i < HOLDS; i++) {
		if (!wanted[i])
			continue;
		reason[0] = 0;
		held[i] = holds[i]->take(reason) == 0;
		/* A trial that does not read any more is gone; then descriptor 3 is at its end as well. */
		if (tell(holds[i], held[i], reason))
			break;
	}
	wait_for_trial();
	for (unsigned i = HOLDS; i-- > 0;) {
		if (!held[i] || !holds[i]->give_back(reason))
			continue;
		fprintf(stderr,
			"tracebench-guard: %s is not given back: %s; run: tracebench doctor --repair\n",
			holds[i]->name, reason);
		code = EXIT_FAILED;
	}
	return code;
}

void tb_found__add(struct tb_found *found, bool in_use, const char *name)
{
	tb_json__append(in_use ? found->in_use : found->removed, name);
}

/* Prints {"removed":[…],"inUse":[…]} or {"error":"…"}. */
static int repair_one(const struct tb_hold *hold)
{
	char reason[TB_REASON_MAX], *removed = NULL, *in_use = NULL;
	size_t removed_size, in_use_size;
	struct tb_found found = {open_memstream(&removed, &removed_size),
				 open_memstream(&in_use, &in_use_size)};
	int rc = -ENOMEM;

	if (found.removed && found.in_use)
		rc = hold->repair(&found, reason);
	else
		snprintf(reason, sizeof(reason), "listing what was left: %s", strerror(ENOMEM));
	if (found.removed)
		fclose(found.removed);
	if (found.in_use)
		fclose(found.in_use);
	if (rc == 0) {
		printf("{\"removed\":[%s],\"inUse\":[%s]}", removed, in_use);
	} else {
		fputs("{\"error\":", stdout);
		tb_json__string(stdout, reason);
		putchar('}');
	}
	free(removed);
	free(in_use);
	return rc;
}

/* One member a hold, by its name. */
static int repair(void)
{
	const char *separator = "{";
	int code = 0;

	for (unsigned i = 0; i < HOLDS; i++) {
		if (!holds[i]->repair)
			continue;
		printf("%s\"%s\":", separator, holds[i]->name);
		separator = ",";
		if (repair_one(holds[i]))
			code = EXIT_CANNOT;
	}
	puts("}");
	return fflush(stdout) ? EXIT_FAILED : code;
}

static int state(void)
{
	fputs("{\"audit\":", stdout);
	tb_audit_state__write(stdout);
	fputs(",\"cgroups\":", stdout);
	tb_cgroup__write_state(stdout);
	fputs(",\"tracefs\":", stdout);
	tb_tracefs_instances__write_state(stdout);
	fputs(",\"scratch\":", stdout);
	tb_scratch__write_state(stdout);
	puts("}");
	return fflush(stdout) ? EXIT_FAILED : 0;
}

int main(int argc, char **argv)
{
	bool wanted[HOLDS] = {false}, any = false;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--repair"))
		return repair();
	if (argc == 2 && !strcmp(argv[1], "--state"))
		return state();
	for (int i = 1; i < argc; i++) {
		unsigned h = 0;

		while (h < HOLDS && (strncmp(argv[i], "--", 2) || strcmp(argv[i] + 2, holds[h]->name)))
			h++;
		if (h == HOLDS) {
			fprintf(stderr,
				"tracebench-guard: unknown option '%s'; see tracebench-guard --help\n",
				argv[i]);
			return EXIT_USAGE;
		}
		wanted[h] = any = true;
	}
	if (!any) {
		fputs("tracebench-guard: nothing to hold; see tracebench-guard --help\n", stderr);
		return EXIT_USAGE;
	}
	return hold(wanted);
}
