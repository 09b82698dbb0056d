/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracebench-launch: starts any command as a target, holds it at a gate until the collector is armed, and tells how
 * its whole tree ended. README.md has the protocol.
 *
 * One thread, one poll loop: commands, the child's pipe, SIGCHLD. It is not part of the traced tree (tracing begins at
 * its child) and a subreaper, so that a daemon which leaves its parents and its session is still found, waited for and, when
 * need be, killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../include/clock.h"
#include "json_line.h"
#include "launch_options.h"
#include "process_tree.h"
#include "target_child.h"

/* How often a dying tree is looked over again, and how long a trial that is gone is outlived for it. */
#define KILL_RETRY_MS      20
#define ORPHAN_DEADLINE_NS (4ull * 1000000000ull)

struct launcher {
	struct tb_child_report *report;
	pid_t root;
	int root_pidfd;
	int root_status; /* wait status, valid with root_gone */
	bool root_gone;
	bool ready_told;
	bool exit_told;
	bool exec_failed;
	bool tree_empty;
	int gate; /* write end; −1 once opened */
	int up;   /* read end; −1 once at its end */
	int signals;
	bool trial_gone;
	bool killing;
	uint64_t trial_gone_ns;
	uint64_t opened_ns; /* when the gate was opened; 0: not yet */
	uint64_t ended_ns;
};

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "tracebench-launch: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void lose_trial(struct launcher *l)
{
	if (l->trial_gone)
		return;
	l->trial_gone = true;
	l->killing = true;
	l->trial_gone_ns = tb_monotonic_ns();
}

static FILE *tell(struct tb_json_line *line, const char *event)
{
	if (tb_json_line__begin(line))
		die("status line");
	fprintf(line->out, "{\"event\":\"%s\"", event);
	return line->out;
}

static void told(struct launcher *l, struct tb_json_line *line)
{
	putc('}', line->out);
	if (tb_json_line__send(line, TB_STATUS_FD))
		lose_trial(l); /* nobody reads any more */
}

static void tell_ready(struct launcher *l)
{
	struct tb_json_line line;
	FILE *out = tell(&line, "ready");

	fprintf(out, ",\"pid\":%d,\"canaryNsPerCall\":", l->root);
	if (l->report->canary_ns_per_call > 0)
		fprintf(out, "%.2f", l->report->canary_ns_per_call);
	else
		fputs("null", out);
	told(l, &line);
	l->ready_told = true;
}

static void tell_exec_failed(struct launcher *l)
{
	const struct tb_child_report *r = l->report;
	struct tb_json_line line;
	FILE *out = tell(&line, "exec-failed");

	fprintf(out, ",\"errno\":%d,\"exitCode\":%d,\"message\":", r->code, r->exit_code);
	tb_json__string(out, r->message);
	told(l, &line);
	l->exec_failed = true;
}

/* The child ended without a word: it was killed, or crashed in a library that looks users up. */
static void tell_never_ready(struct launcher *l)
{
	struct tb_child_report *r = l->report;
	int status = l->root_status;

	r->code = ECHILD;
	r->exit_code = 125;
	snprintf(r->message, sizeof(r->message), "its process ended before it was ready (%s %d)",
		 WIFSIGNALED(status) ? "signal" : "exit code",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	tell_exec_failed(l);
}

static void tell_started(struct launcher *l)
{
	struct tb_json_line line;

	tell(&line, "started");
	told(l, &line);
}

static void tell_exit(struct launcher *l)
{
	struct tb_json_line line;
	FILE *out = tell(&line, "exit");
	int status = l->root_status;

	if (WIFSIGNALED(status))
		fprintf(out, ",\"signal\":%d,\"core\":%s", WTERMSIG(status),
			WCOREDUMP(status) ? "true" : "false");
	else
		fprintf(out, ",\"code\":%d", WEXITSTATUS(status));
	fprintf(out, ",\"durationNs\":%llu",
		(unsigned long long)(l->opened_ns ? l->ended_ns - l->opened_ns : 0));
	told(l, &line);
	l->exit_told = true;
}

static uint64_t less(struct timeval t, uint64_t before)
{
	uint64_t ns = (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_usec * 1000ull;

	return ns > before ? ns - before : 0;
}

/* All that was waited for, by the launcher or by its descendants; what the child used before the gate is taken off. */
static void tell_empty(struct launcher *l)
{
	struct tb_json_line line;
	struct rusage used;
	FILE *out = tell(&line, "empty");

	getrusage(RUSAGE_CHILDREN, &used);
	fprintf(out, ",\"durationNs\":%llu,\"maxRssKib\":%ld,\"userNs\":%llu,\"systemNs\":%llu",
		(unsigned long long)(l->opened_ns ? tb_monotonic_ns() - l->opened_ns : 0), used.ru_maxrss,
		(unsigned long long)less(used.ru_utime, l->report->user_ns),
		(unsigned long long)less(used.ru_stime, l->report->system_ns));
	told(l, &line);
}

/* The child's pipe: a byte when it is ready, its end when it has passed its execve or is gone. */
static void handle_up(struct launcher *l)
{
	struct tb_child_report *r = l->report;
	char byte;
	ssize_t n;

	while (l->up >= 0) {
		n = read(l->up, &byte, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n > 0) {
			tell_ready(l);
			continue;
		}
		close(l->up);
		l->up = -1;
		if (r->code)
			tell_exec_failed(l);
		else if (r->stage == TB_CHILD_EXEC)
			tell_started(l);
		/* else it died before: its exit tells */
	}
}

/*
 * The root is told last of its own news: a process that is gone has closed its pipe. No status but exits is asked for, so
 * a target that was stopped or continued is not mistaken for one that ended; and while a tracer holds an ended process,
 * it is not reported here.
 */
static void reap(struct launcher *l)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, WNOHANG | __WALL);
		if (pid == 0 || (pid < 0 && errno == EINTR))
			break;
		if (pid < 0) {
			if (errno != ECHILD)
				die("waitpid");
			l->tree_empty = true;
			break;
		}
		if (pid == l->root) {
			l->root_status = status;
			l->root_gone = true;
			l->ended_ns = tb_monotonic_ns();
		}
	}
	if (l->root_gone && !l->exit_told && !l->exec_failed) {
		handle_up(l);
		if (!l->exec_failed && !l->ready_told)
			tell_never_ready(l);
		if (!l->exec_failed)
			tell_exit(l);
	}
	if (l->tree_empty && !l->exec_failed)
		tell_empty(l);
}

static void open_gate(struct launcher *l)
{
	char byte = 'g';

	if (l->gate < 0 || !l->ready_told)
		return;
	l->opened_ns = tb_monotonic_ns();
	/* EPIPE: the child was killed at the gate; its exit is on the way. */
	if (write(l->gate, &byte, 1) != 1 && errno != EPIPE)
		die("gate");
	close(l->gate);
	l->gate = -1;
}

/* Gone already is no failure: there is nobody left to ask. */
static void signal_root(struct launcher *l, int signal)
{
	if (!l->root_gone && pidfd_send_signal(l->root_pidfd, signal, NULL, 0) && errno != ESRCH)
		die("signal to the target");
}

static void handle_commands(struct launcher *l)
{
	char bytes[64];
	ssize_t n = read(TB_COMMAND_FD, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		lose_trial(l);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		switch (bytes[i]) {
		case 'g':
			open_gate(l);
			break;
		case 't':
			signal_root(l, SIGTERM);
			break;
		case 'i':
			signal_root(l, SIGINT);
			break;
		case 'k':
			l->killing = true;
			break;
		default:
			fprintf(stderr,
				"tracebench-launch: command byte 0x%02x is unknown; ending the target\n",
				(unsigned char)bytes[i]);
			lose_trial(l);
		}
	}
}

static void kill_tree(struct launcher *l)
{
	int rc = tb_process_tree__kill();

	if (rc < 0) {
		/* Without /proc the root at least can be reached. */
		fprintf(stderr, "tracebench-launch: cannot list the target's processes: %s\n", strerror(-rc));
		if (!l->root_gone)
			pidfd_send_signal(l->root_pidfd, SIGKILL, NULL, 0);
	}
}

/* Returns the exit code. Ends when the tree is empty, or when the trial is gone and the tree cannot be killed. */
static int run(struct launcher *l)
{
	struct pollfd fds[3];
	struct signalfd_siginfo info;

	while (!l->tree_empty) {
		if (l->killing) {
			kill_tree(l);
			if (l->trial_gone && tb_monotonic_ns() - l->trial_gone_ns > ORPHAN_DEADLINE_NS) {
				fprintf(stderr,
					"tracebench-launch: processes of the target survive SIGKILL; their "
					"root was %d\n",
					l->root);
				return 1;
			}
		}
		fds[0] = (struct pollfd){.fd = l->signals, .events = POLLIN};
		fds[1] = (struct pollfd){.fd = l->up, .events = POLLIN};
		fds[2] = (struct pollfd){.fd = l->trial_gone ? -1 : TB_COMMAND_FD, .events = POLLIN};
		if (poll(fds, 3, l->killing ? KILL_RETRY_MS : -1) < 0 && errno != EINTR)
			die("poll");
		if (fds[1].revents)
			handle_up(l);
		if (fds[0].revents) {
			while (read(l->signals, &info, sizeof(info)) > 0) {}
		}
		reap(l);
		if (fds[2].revents)
			handle_commands(l);
	}
	return 0;
}

/* The trial decides when the target ends; a Ctrl-C at the terminal reaches the launcher too, and must not end it. */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE, SIGTTOU, SIGTTIN, SIGTSTP};
	struct sigaction action = {.sa_handler = SIG_IGN};

	for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &action, NULL);
	action.sa_handler = SIG_DFL; /* SIGCHLD ignored would throw statuses away */
	sigaction(SIGCHLD, &action, NULL);
}

static void close_inherited(unsigned first, unsigned last)
{
	long limit;

	if (first > last || !close_range(first, last, 0))
		return;
	/* Before 5.9. */
	limit = sysconf(_SC_OPEN_MAX);
	for (unsigned fd = first; fd <= last && (long)fd < limit; fd++)
		close((int)fd);
}

static void own_descriptors(const struct tb_launch_options *o)
{
	/* Should one of the three be closed, what is opened below would become the target's. */
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			die("/dev/null");
	}
	if (fcntl(TB_COMMAND_FD, F_SETFD, FD_CLOEXEC) || fcntl(TB_STATUS_FD, F_SETFD, FD_CLOEXEC)) {
		fprintf(stderr, "tracebench-launch: descriptors 3 (commands) and 4 (status) must be open; "
				"see --help\n");
		exit(2);
	}
	if (o->control_fd < 0) {
		close_inherited(5, ~0u);
		return;
	}
	if (fcntl(o->control_fd, F_GETFD) < 0) {
		fprintf(stderr, "tracebench-launch: --control-fd %d is not open\n", o->control_fd);
		exit(2);
	}
	close_inherited(5, (unsigned)o->control_fd - 1);
	close_inherited((unsigned)o->control_fd + 1, ~0u);
}

static void start_child(struct launcher *l, const struct tb_launch_options *o)
{
	pid_t self = getpid();
	int gate[2], up[2];
	sigset_t chld;

	l->report = mmap(NULL, sizeof(*l->report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->report == MAP_FAILED)
		die("mmap");
	if (pipe2(gate, O_CLOEXEC) || pipe2(up, O_CLOEXEC))
		die("pipe");
	fcntl(up[0], F_SETFL, O_NONBLOCK);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_SETMASK, &chld, NULL);
	l->signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->signals < 0)
		die("signalfd");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		die("PR_SET_CHILD_SUBREAPER");

	l->root = fork();
	if (l->root < 0)
		die("fork");
	if (l->root == 0) {
		/* Held open here, they would hide from the trial that the launcher has died, and the other way round. */
		close(TB_COMMAND_FD);
		close(TB_STATUS_FD);
		close(l->signals);
		close(gate[1]);
		close(up[0]);
		tb_target_child__run(o, l->report, gate[0], up[1], self);
	}
	close(gate[0]);
	close(up[1]);
	l->gate = gate[1];
	l->up = up[0];
	l->root_pidfd = pidfd_open(l->root, 0);
	if (l->root_pidfd < 0)
		die("pidfd_open (needs Linux 5.3)");
}

int main(int argc, char **argv)
{
	static struct tb_launch_options options;
	struct launcher l = {.gate = -1, .up = -1};

	tb_launch_options__parse(&options, argc, argv);
	ignore_signals();
	own_descriptors(&options);
	start_child(&l, &options);
	return run(&l);
}
