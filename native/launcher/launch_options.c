/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "json_line.h"
#include "launch_options.h"

#define EXIT_USAGE 2

static const char usage_text[] =
	"Usage: tracebench-launch [options] -- COMMAND [ARGUMENT...]\n"
	"Starts COMMAND as a target that waits at a gate. Meant to be started by tracebench: descriptor 3 "
	"brings\n"
	"command bytes (g: open the gate, t: SIGTERM to COMMAND, k: SIGKILL to its whole tree; end of file: "
	"as k,\n"
	"then exit), descriptor 4 takes one JSON object a line.\n\n"
	"  --control-fd N        hand on descriptor N as the control page\n"
	"  --cpus LIST           run on these CPUs, like 0-2,5\n"
	"  --user NAME|UID[:GID] with this user's credentials\n"
	"  --cgroup DIR          in this control group\n"
	"  --seccomp-trace LIST  stop at these system call numbers for a tracer, or `all`\n"
	"  --keep-sys-admin      keep CAP_SYS_ADMIN with --user, up to the execve\n"
	"  --canary CALLS        time bare calls first, five blocks of CALLS\n"
	"  --audit-session       in an audit session of its own: its login uid is set anew\n"
	"  --cwd DIR             in this directory\n"
	"  --stdin, --stdout, --stderr FILE|inherit|null\n"
	"  --help                this text\n";

/*
 * Wrong options are the trial's to explain, when there is one: some are words the user typed. On the status pipe
 * then, like any other reason for which the command cannot be started.
 */
__attribute__((noreturn, format(printf, 1, 2))) static void refuse(const char *format, ...)
{
	struct tb_json_line line;
	struct stat st;
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!fstat(TB_STATUS_FD, &st) && S_ISFIFO(st.st_mode) && !tb_json_line__begin(&line)) {
		fprintf(line.out,
			"{\"event\":\"exec-failed\",\"errno\":%d,\"exitCode\":125,\"message\":", EINVAL);
		tb_json__string(line.out, text);
		putc('}', line.out);
		if (!tb_json_line__send(&line, TB_STATUS_FD))
			exit(EXIT_USAGE);
	}
	fprintf(stderr, "tracebench-launch: %s; see tracebench-launch --help\n", text);
	exit(EXIT_USAGE);
}

/* Reads a decimal number up to max from *text and leaves *text behind it. */
static bool take_number(const char **text, uint64_t max, uint64_t *value)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return !errno && *value <= max;
}

static uint64_t number(const char *option, const char *text, uint64_t max)
{
	const char *rest = text;
	uint64_t value;

	if (!take_number(&rest, max, &value) || *rest)
		refuse("%s '%s' is not a number up to %llu", option, text, (unsigned long long)max);
	return value;
}

static void parse_cpus(struct tb_launch_options *o, const char *text)
{
	const char *rest = text;
	uint64_t first, last;

	CPU_ZERO(&o->cpus);
	do {
		if (!take_number(&rest, CPU_SETSIZE - 1, &first))
			refuse("--cpus '%s' is not a list of CPUs (0 ... %d) like 0-2,5", text,
			       CPU_SETSIZE - 1);
		last = first;
		if (*rest == '-') {
			rest++;
			if (!take_number(&rest, CPU_SETSIZE - 1, &last) || last < first)
				refuse("--cpus '%s' has a range that is none", text);
		}
		for (uint64_t cpu = first; cpu <= last; cpu++)
			CPU_SET((int)cpu, &o->cpus);
	} while (*rest++ == ',');
	if (rest[-1])
		refuse("--cpus '%s' is not a list of CPUs like 0-2,5", text);
	o->cpus_set = true;
}

static void parse_seccomp(struct tb_launch_options *o, const char *text)
{
	const char *rest = text;
	uint64_t nr;

	o->seccomp = true;
	o->seccomp_count = 0;
	o->seccomp_all = !strcmp(text, "all");
	if (o->seccomp_all)
		return;
	do {
		if (!take_number(&rest, INT_MAX, &nr))
			refuse("--seccomp-trace '%s' is neither `all` nor a list of system call numbers",
			       text);
		if (o->seccomp_count == TB_SECCOMP_NR_MAX)
			refuse("--seccomp-trace names more than %d calls", TB_SECCOMP_NR_MAX);
		o->seccomp_nr[o->seccomp_count++] = (uint32_t)nr;
	} while (*rest++ == ',');
	if (rest[-1])
		refuse("--seccomp-trace '%s' is neither `all` nor a list of system call numbers", text);
}

/* A name, or numbers. A uid that has no entry needs its group said: a wrong guess would be root's or nobody's. */
static void parse_user(struct tb_launch_options *o, const char *text)
{
	const char *rest = text;
	struct passwd *entry;
	uint64_t id;

	if (take_number(&rest, UINT32_MAX - 1, &id) && (*rest == 0 || *rest == ':')) {
		o->user.uid = (uid_t)id;
		entry = getpwuid(o->user.uid);
		if (*rest == ':') {
			rest++;
			if (!take_number(&rest, UINT32_MAX - 1, &id) || *rest)
				refuse("--user '%s': the group is not a number", text);
			o->user.gid = (gid_t)id;
		} else if (entry) {
			o->user.gid = entry->pw_gid;
		} else {
			refuse("--user '%s': no such user; give UID:GID", text);
		}
	} else {
		entry = getpwnam(text);
		if (!entry)
			refuse("--user '%s': no such user", text);
		o->user.uid = entry->pw_uid;
		o->user.gid = entry->pw_gid;
	}
	if (entry &&
	    snprintf(o->user.name, sizeof(o->user.name), "%s", entry->pw_name) >= (int)sizeof(o->user.name))
		refuse("--user '%s': the name is too long", text);
	o->user.set = true;
}

void tb_launch_options__parse(struct tb_launch_options *o, int argc, char **argv)
{
	enum { CONTROL = 1, CPUS, USER, CGROUP, SECCOMP, KEEP, CANARY, SESSION, CWD, IN, OUT, ERR, HELP };
	static const struct option longs[] = {
		{"control-fd", required_argument, NULL, CONTROL},
		{"cpus", required_argument, NULL, CPUS},
		{"user", required_argument, NULL, USER},
		{"cgroup", required_argument, NULL, CGROUP},
		{"seccomp-trace", required_argument, NULL, SECCOMP},
		{"keep-sys-admin", no_argument, NULL, KEEP},
		{"canary", required_argument, NULL, CANARY},
		{"audit-session", no_argument, NULL, SESSION},
		{"cwd", required_argument, NULL, CWD},
		{"stdin", required_argument, NULL, IN},
		{"stdout", required_argument, NULL, OUT},
		{"stderr", required_argument, NULL, ERR},
		{"help", no_argument, NULL, HELP},
		{0},
	};
	int c;

	*o = (struct tb_launch_options){.control_fd = -1, .stdio = {"inherit", "inherit", "inherit"}};
	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		switch (c) {
		case CONTROL:
			o->control_fd = (int)number("--control-fd", optarg, INT_MAX);
			if (o->control_fd < 5)
				refuse("--control-fd %d: descriptors 0 to 4 have other uses", o->control_fd);
			break;
		case CPUS:
			parse_cpus(o, optarg);
			break;
		case USER:
			parse_user(o, optarg);
			break;
		case CGROUP:
			o->cgroup = optarg;
			break;
		case SECCOMP:
			parse_seccomp(o, optarg);
			break;
		case KEEP:
			o->keep_sys_admin = true;
			break;
		case CANARY:
			o->canary_calls = number("--canary", optarg, 100000000);
			break;
		case SESSION:
			o->audit_session = true;
			break;
		case CWD:
			o->cwd = optarg;
			break;
		case IN:
		case OUT:
		case ERR:
			o->stdio[c - IN] = optarg;
			break;
		case HELP:
			fputs(usage_text, stdout);
			exit(0);
		default:
			refuse("wrong option");
		}
	}
	if (optind == argc || !*argv[optind])
		refuse("no command given");
	o->command = argv + optind;
}
