/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../include/control.h"
#include "audit_session.h"
#include "canary.h"
#include "command_path.h"
#include "seccomp_trace.h"
#include "target_child.h"

extern char **environ;

static struct tb_child_report *report;

__attribute__((noreturn, format(printf, 3, 4))) static void fail(int code, int exit_code, const char *format,
								 ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(report->message, sizeof(report->message), format, args);
	va_end(args);
	report->exit_code = exit_code;
	report->code = code;
	_exit(exit_code);
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_usec * 1000ull;
}

/*
 * The target begins with default dispositions and an empty mask, whatever the launcher's parent left: a runtime that
 * ignores SIGPIPE would else change what `yes | head` does.
 */
static void reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &action, NULL); /* EINVAL for SIGKILL, SIGSTOP and libc's own two */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void join_cgroup(const char *dir)
{
	static const char *const names[] = {"cgroup.procs", "tasks"};
	char path[PATH_MAX];
	int fd = -1, code = ENOENT;

	for (unsigned i = 0; i < 2 && fd < 0 && code == ENOENT; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dir, names[i]) >= (int)sizeof(path))
			fail(ENAMETOOLONG, 125, "--cgroup %s: %s", dir, strerror(ENAMETOOLONG));
		fd = open(path, O_WRONLY | O_CLOEXEC);
		code = errno;
	}
	if (fd < 0)
		fail(code, 125, "--cgroup %s: cannot open its process list: %s", dir, strerror(code));
	if (write(fd, "0", 1) != 1) {
		code = errno;
		fail(code, 125, "--cgroup %s: cannot join: %s", dir, strerror(code));
	}
	close(fd);
}

/* Keeps CAP_SYS_ADMIN alone over the change of user. execve takes it away: the target is an ordinary process. */
static void keep_only_sys_admin(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}, {0}};

	data[0].effective = data[0].permitted = 1u << CAP_SYS_ADMIN;
	if (syscall(SYS_capset, &header, data)) {
		int code = errno;

		fail(code, 125, "--user: cannot keep CAP_SYS_ADMIN: %s", strerror(code));
	}
}

static void become(const struct tb_user *user, bool keep_sys_admin)
{
	int code;

	if (user->uid == getuid() && user->uid == geteuid() && user->gid == getgid() && geteuid() != 0)
		return; /* is that user already, and could not change groups anyway */
	if (keep_sys_admin && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)) {
		code = errno;
		fail(code, 125, "--user: PR_SET_KEEPCAPS: %s", strerror(code));
	}
	if ((user->name[0] ? initgroups(user->name, user->gid) : setgroups(1, &user->gid)) ||
	    setgid(user->gid) || setuid(user->uid)) {
		code = errno;
		fail(code, 125, "--user: cannot become %u:%u: %s%s", user->uid, user->gid, strerror(code),
		     code == EPERM ? " (only root can)" : "");
	}
	if (keep_sys_admin && user->uid != 0)
		keep_only_sys_admin();
}

/*
 * A runtime above us may have made the stream non-blocking, for itself and so for everybody who shares it. A command reads and
 * writes as if it had been started from a shell.
 */
static void block(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

static void redirect(const char *what, int fd)
{
	static const char *const option[3] = {"--stdin", "--stdout", "--stderr"};
	const char *path = strcmp(what, "null") ? what : "/dev/null";
	int opened;

	if (!strcmp(what, "inherit")) {
		block(fd);
		return;
	}
	opened = open(path, fd == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (opened < 0 || dup2(opened, fd) < 0) {
		int code = errno;

		fail(code, 125, "%s: cannot open %s: %s", option[fd], path, strerror(code));
	}
	close(opened);
}

/* Closes at execve whatever is above 2, but for the control page. */
static void close_others(int control_fd)
{
	int code;

	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC)) {
		/* Before 5.11. The launcher itself opened only few, from 3 on, and closed what it had inherited. */
		for (int fd = 3; fd < 64; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (control_fd >= 64)
			fcntl(control_fd, F_SETFD, FD_CLOEXEC);
	}
	if (control_fd < 0)
		return;
	if (control_fd == TB_CONTROL_FD ? fcntl(control_fd, F_SETFD, 0) < 0
					: dup2(control_fd, TB_CONTROL_FD) < 0) {
		code = errno;
		fail(code, 125, "--control-fd %d: cannot become descriptor %d: %s%s", control_fd,
		     TB_CONTROL_FD, strerror(code),
		     code == EBADF ? " (not open, or the limit of open files is below it)" : "");
	}
}

static int shell_code(int code)
{
	return code == ENOENT || code == ENOTDIR ? 127 : 126;
}

static const char *hint(int code, const char *path)
{
	if (code == ENOEXEC)
		return " (no program for this machine; a script needs a first line like #!/bin/sh)";
	if (code == ENOENT && access(path, F_OK) == 0)
		return " (the file is there: its interpreter or loader is not)";
	return "";
}

static void apply(const struct tb_launch_options *o, char *path)
{
	int rc;

	reset_signals();
	if (o->cpus_set && sched_setaffinity(0, sizeof(o->cpus), &o->cpus)) {
		int code = errno;

		fail(code, 125, "--cpus: cannot run there: %s%s", strerror(code),
		     code == EINVAL ? " (none of them is online and allowed)" : "");
	}
	/* On its CPU and with the context it was forked with, before anything else of the target's own. */
	if (o->canary_calls)
		report->canary_ns_per_call = tb_canary__ns_per_call(o->canary_calls);
	rc = o->audit_session ? tb_audit_session__begin(o->user.set ? o->user.uid : getuid()) : 0;
	if (rc)
		fail(-rc, 125, "--audit-session: %s", tb_audit_session__explain(rc));
	if (o->cgroup)
		join_cgroup(o->cgroup);
	if (o->user.set)
		become(&o->user, o->seccomp || o->keep_sys_admin);
	/* As the user, so that files belong to it; before --cwd, so that paths are the caller's. */
	for (int fd = 0; fd < 3; fd++)
		redirect(o->stdio[fd], fd);
	if (o->cwd && chdir(o->cwd)) {
		int code = errno;

		fail(code, 125, "--cwd %s: %s", o->cwd, strerror(code));
	}
	close_others(o->control_fd);
	rc = tb_command_path__resolve(o->command[0], path, PATH_MAX);
	if (rc)
		fail(-rc, shell_code(-rc), "%s: %s", path,
		     rc == -ENOENT && !strchr(o->command[0], '/') ? "command not found" : strerror(-rc));
	rc = o->seccomp ? tb_seccomp_trace__check() : 0;
	if (rc)
		fail(-rc, 125, "--seccomp-trace: %s",
		     rc == -EPERM ? "needs CAP_SYS_ADMIN (run as root)"
				  : "this kernel has no seccomp filters");
}

/*
 * The filter comes last, behind the gate: by then a tracer stands ready, and nothing but execve is made under it.
 * Whatever could fail has no system call left to report with, hence the shared report.
 */
__attribute__((noreturn)) static void execute(const struct tb_launch_options *o, char *path)
{
	int rc, code;

	if (o->seccomp) {
		rc = tb_seccomp_trace__install(o->seccomp_all ? NULL : o->seccomp_nr, o->seccomp_count);
		if (rc)
			fail(-rc, 125, "--seccomp-trace: cannot install the filter: %s", strerror(-rc));
	}
	report->stage = TB_CHILD_EXEC;
	execve(path, o->command, environ);
	code = errno;
	snprintf(report->message, sizeof(report->message), "%s: %s%s", path, strerror(code),
		 hint(code, path));
	report->exit_code = shell_code(code);
	report->code = code;
	syscall(SYS_exit_group, report->exit_code);
	/* The filter refused even that, because no tracer was there. */
	__builtin_trap();
}

/* Should the launcher be killed, at least the root of the tree goes with it. It survives an ordinary execve. */
static void die_with(pid_t launcher)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launcher)
		_exit(125);
}

void tb_target_child__run(const struct tb_launch_options *o, struct tb_child_report *r, int gate, int up,
			  pid_t launcher)
{
	char path[PATH_MAX];
	struct rusage used;
	char byte = 'r';
	ssize_t n;

	report = r;
	die_with(launcher);
	apply(o, path);
	die_with(launcher); /* the change of user has cleared it */

	getrusage(RUSAGE_SELF, &used);
	r->user_ns = timeval_ns(used.ru_utime);
	r->system_ns = timeval_ns(used.ru_stime);
	r->stage = TB_CHILD_READY;
	do {
		n = write(up, &byte, 1);
	} while (n < 0 && errno == EINTR);
	do {
		n = read(gate, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(125);
	execute(o, path);
}
