/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of the seccomp-notify backend: take a notification, make a record of it, let its call go on. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "call_class.h"
#include "clock.h"
#include "installation.h"
#include "listener.h"
#include "notify_filter.h"
#include "notify_probe.h"
#include "paths.h"
#include "source.h"
#include "tgid_cache.h"

#define NS_PER_S         1000000000ull
#define NS_PER_US        1000ull
#define ROUND_NS         (1000 * NS_PER_US) /* how long a round that has records goes on waiting for more */
#define KILL_DEADLINE_NS (2 * NS_PER_S)
#define KILL_LOOK_NS     (10000 * NS_PER_US)

struct health {
	uint64_t answered;
	uint64_t before_exec;
	uint64_t housekeeping;
	uint64_t forks;
	uint64_t execs;
	uint64_t execs_by_threads;
	uint64_t exits;
	uint64_t restarts;
};

struct tb_source {
	struct tb_filter filter;
	struct notify_listener listener;
	struct notify_tgid_cache tgids;
	struct notify_installation installation;
	pid_t pid;  /* 0: not armed */
	bool began; /* the execve that made the target was seen */
	bool ended; /* nobody has the filter any more, or nobody is let on any more */
	struct health health;
	bool wants_paths;
	struct tb_paths paths; /* of the notification that was taken */
	struct tb_path_counters path_counters;
};

static int check(const struct tb_source_config *config, struct tb_error *err)
{
	if (config->abi != TB_SOURCE_ABI)
		return tb_error__set(err, -EPROTO, "source ABI %u, want %u", config->abi, TB_SOURCE_ABI);
	if (strcmp(config->variant, "") != 0)
		return tb_error__set(err, -EINVAL, "seccomp-notify has no variant '%s'", config->variant);
	if (config->options_count)
		return tb_error__set(err, -EINVAL, "seccomp-notify has no option '%s'",
				     config->options[0].name);
	if (config->wakeup != TB_WAKE_SYNC) {
		tb_error__set(err, -EINVAL, "every notification stops the target: nothing is batched");
		tb_error__mend(err, "wake-up policies of this variant: sync");
		return -EINVAL;
	}
	return 0;
}

static int seccomp_notify__probe(const struct tb_source_config *config, struct tb_error *err)
{
	int rc = check(config, err);

	return rc ? rc : notify_probe(err);
}

static int seccomp_notify__open(const struct tb_source_config *config, struct tb_source **source,
				struct tb_geometry *geometry, struct tb_error *err)
{
	struct tb_source *made;
	int rc = check(config, err);

	if (rc)
		return rc;
	made = calloc(1, sizeof(*made));
	if (!made)
		return tb_error__set(err, -ENOMEM, "no memory for the source");
	made->filter = config->filter;
	made->wants_paths = config->paths;
	made->installation.pidfd = -1;
	rc = notify_listener__open(&made->listener);
	if (rc) {
		tb_error__set(err, rc, "the kernel knows no seccomp notifications: %s", strerror(-rc));
		free(made);
		return rc;
	}
	rc = notify_tgid_cache__open(&made->tgids);
	if (rc) {
		tb_error__set(err, rc == -ENOENT ? -EOPNOTSUPP : rc, "opening /proc: %s", strerror(-rc));
		notify_listener__close(&made->listener);
		free(made);
		return err->code;
	}
	*geometry = (struct tb_geometry){0}; /* no buffer: the target waits instead */
	*source = made;
	return 0;
}

static int seccomp_notify__arm(struct tb_source *source, pid_t pid, struct tb_error *err)
{
	struct sock_filter code[NOTIFY_FILTER_MAX];
	unsigned length = notify_filter__build(&source->filter, code);
	int rc = notify_installation__make(&source->installation, pid, code, length, &source->listener, err);

	if (!rc)
		source->pid = pid;
	return rc;
}

static void note(struct tb_source *source, enum notify_call_class class, uint32_t tgid)
{
	switch (class) {
	case NOTIFY_CALL_FORK:
		source->health.forks++;
		break;
	case NOTIFY_CALL_EXEC:
		source->health.execs++;
		source->health.execs_by_threads += source->listener.notif->pid != tgid;
		break;
	case NOTIFY_CALL_EXIT:
		source->health.exits++;
		break;
	case NOTIFY_CALL_RESTART:
		source->health.restarts++;
		break;
	case NOTIFY_CALL_SIGRETURN: /* never notified */
	case NOTIFY_CALL_OTHER:
		break;
	}
}

static void to_record(const struct seccomp_notif *notif, enum notify_call_class class, uint32_t tgid,
		      uint64_t visible_ns, struct tb_record *record)
{
	memset(record, 0, sizeof(*record));
	record->ts_ns = visible_ns;
	record->tid = notif->pid;
	record->tgid = tgid;
	record->nr = notif->data.nr;
	record->arch = notif->data.arch;
	record->cpu = TB_CPU_UNKNOWN;
	record->kind = TB_KIND_CALL;
	record->flags = TB_F_ENTER | (class == NOTIFY_CALL_EXIT ? TB_F_NO_RETURN : 0u);
	record->args_valid = 0x3f;
	memcpy(record->args, notif->data.args, sizeof(record->args));
}

/* Before the call is let on. That it could be let on proves afterwards that the memory was its task's. */
static void read_paths(struct tb_source *source)
{
	const struct seccomp_notif *notif = source->listener.notif;
	uint8_t which = 0;

	source->paths.bytes = 0;
	if (source->wants_paths && notif->data.arch == NOTIFY_NATIVE_ARCH &&
	    notify_filter__delivers(&source->filter, notif->data.arch, notif->data.nr))
		which = tb_path_arguments(notif->data.nr);
	if (which)
		tb_paths__read(&source->paths, (pid_t)notif->pid, which, (const tb_u64 *)notif->data.args);
}

/*
 * The notification that waits, as at most one record. 1, 0 when it makes none, or -errno. A call is one once it was let
 * on: until then a signal may end it, and it is made again or never.
 */
static int take_one(struct tb_source *source, struct tb_record *out, struct tb_round *round,
		    struct tb_error *err)
{
	struct notify_listener *listener = &source->listener;
	const struct seccomp_data *data = &listener->notif->data;
	enum notify_call_class class;
	uint32_t tgid = 0;
	uint64_t visible_ns;
	int rc = notify_listener__take(listener);

	visible_ns = tb_monotonic_ns();
	if (rc <= 0)
		return rc ? tb_error__set(err, rc, "taking a notification: %s", strerror(-rc)) : 0;
	round->visible_ns = visible_ns;
	class = notify_call__class(data->arch, data->nr);
	if (class == NOTIFY_CALL_FORK)
		notify_tgid_cache__forked(&source->tgids);
	rc = notify_tgid_cache__find(&source->tgids, listener->notif->pid, &tgid);
	if (rc && (rc != -ESRCH || notify_listener__valid(listener)))
		return tb_error__set(err, rc, "reading the process of thread %u from /proc: %s",
				     listener->notif->pid, strerror(-rc));
	read_paths(source);
	rc = notify_listener__let_on(listener);
	if (rc <= 0)
		return rc ? tb_error__set(err, rc, "answering a notification: %s", strerror(-rc)) : 0;

	source->health.answered++;
	if (!source->began)
		source->began = class == NOTIFY_CALL_EXEC && listener->notif->pid == (uint32_t)source->pid;
	if (!source->began) {
		source->health.before_exec++;
		return 0;
	}
	note(source, class, tgid);
	if (!notify_filter__delivers(&source->filter, data->arch, data->nr)) {
		source->health.housekeeping++;
		return 0;
	}
	to_record(listener->notif, class, tgid, visible_ns, out);
	if (source->paths.bytes)
		tb_paths__deliver(source->paths.data, source->paths.bytes, round->arena, out,
				  &source->path_counters);
	return 1;
}

static uint64_t left_ns(uint64_t deadline_ns)
{
	uint64_t now = tb_monotonic_ns();

	return now < deadline_ns ? deadline_ns - now : 0;
}

/*
 * The queue is first in, first out, so an empty look after the call began is the promise kept. A round that has
 * records waits a little for more: with one look and one wait in turn the target would pay for both.
 */
static int seccomp_notify__drain(struct tb_source *source, struct tb_record *out, uint32_t capacity,
				 uint32_t timeout_us, struct tb_round *round, struct tb_error *err)
{
	uint64_t deadline_ns = timeout_us ? tb_monotonic_ns() + timeout_us * NS_PER_US : 0;
	uint32_t count = 0;

	round->per_record_visible = 1;
	while (count < capacity && !source->ended) {
		int rc = notify_listener__wait(&source->listener, timeout_us ? left_ns(deadline_ns) : 0);

		if (rc == NOTIFY_WAIT_END) {
			source->ended = true;
		} else if (rc == NOTIFY_WAIT_WAITING) {
			rc = take_one(source, &out[count], round, err);
			if (rc < 0)
				return rc;
			if (rc && count == 0 && timeout_us)
				deadline_ns = round->visible_ns + ROUND_NS;
			count += (uint32_t)rc;
		} else if (rc < 0) {
			return tb_error__set(err, rc, "waiting for notifications: %s", strerror(-rc));
		} else if (!timeout_us || left_ns(deadline_ns) == 0) {
			break;
		}
	}
	return count == 0 && source->ended ? TB_DRAIN_END : (int)count;
}

/* By a descriptor that is proved to be of the caller's process: the number alone may be another's by now. */
static int kill_caller(struct tb_source *source)
{
	uint32_t tgid;
	int rc = notify_listener__take(&source->listener), pidfd;

	if (rc <= 0)
		return rc;
	if (notify_tgid_cache__find(&source->tgids, source->listener.notif->pid, &tgid))
		return 0; /* gone, else it is looked at again when its killer comes this way */
	pidfd = (int)syscall(SYS_pidfd_open, tgid, 0);
	if (pidfd < 0)
		return errno == ESRCH ? 0 : -errno;
	if (notify_listener__valid(&source->listener))
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	close(pidfd);
	return 0;
}

/* Whoever calls is killed instead of let on, until nobody has the filter. */
static int kill_all(struct tb_source *source, struct tb_error *err)
{
	const uint64_t deadline_ns = tb_monotonic_ns() + KILL_DEADLINE_NS;
	int rc = NOTIFY_WAIT_NONE;

	source->ended = true;
	syscall(SYS_pidfd_send_signal, source->installation.pidfd, SIGKILL, NULL, 0);
	while (rc >= 0 && rc != NOTIFY_WAIT_END && tb_monotonic_ns() < deadline_ns) {
		rc = notify_listener__wait(&source->listener, KILL_LOOK_NS);
		if (rc == NOTIFY_WAIT_WAITING)
			rc = kill_caller(source);
	}
	if (rc < 0)
		return tb_error__set(err, rc, "killing the target: %s", strerror(-rc));
	tb_error__set(err, -EBUSY,
		      "the target still ran and was killed%s: its seccomp filter cannot be taken off, and "
		      "without a "
		      "collector it refuses every call with ENOSYS",
		      rc == NOTIFY_WAIT_END ? ""
					    : " (those of it that make no calls are left to the launcher)");
	tb_error__mend(err, "stop after the target has ended, or use another backend, such as ebpf");
	return -EBUSY;
}

static int seccomp_notify__disarm(struct tb_source *source, struct tb_error *err)
{
	int rc;

	if (!source->pid || source->ended)
		return 0;
	rc = notify_listener__wait(&source->listener, 0);
	if (rc == NOTIFY_WAIT_END) {
		source->ended = true;
		return 0;
	}
	if (rc < 0)
		return tb_error__set(err, rc, "looking whether the target is gone: %s", strerror(-rc));
	return kill_all(source, err);
}

static int seccomp_notify__stats(struct tb_source *source, struct tb_counter *out, uint32_t capacity,
				 struct tb_error *err)
{
	const struct health *h = &source->health;
	const struct notify_listener *l = &source->listener;
	const struct tb_counter all[] = {
		{"answered", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h->answered},
		{"gone_unseen", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, l->gone_unseen},
		{"gone_unanswered", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, l->gone_unanswered},
		{"before_exec", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h->before_exec},
		{"housekeeping", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, h->housekeeping},
		{"forks", TB_PLACE_HEALTH, TB_UNIT_CALL, h->forks},
		{"execs", TB_PLACE_HEALTH, TB_UNIT_CALL, h->execs},
		{"execs_by_threads", TB_PLACE_HEALTH, TB_UNIT_CALL, h->execs_by_threads},
		{"exits", TB_PLACE_HEALTH, TB_UNIT_CALL, h->exits},
		{"restarts", TB_PLACE_HEALTH, TB_UNIT_CALL, h->restarts},
		{"tgid_reads", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, source->tgids.reads},
		{"sync_wakeup", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, l->sync_wakeup},
		{"wait_killable", TB_PLACE_HEALTH, TB_UNIT_MESSAGE, source->installation.killable},
	};
	const uint32_t count = sizeof(all) / sizeof(all[0]);
	const uint32_t given = count < capacity ? count : capacity;

	(void)err;
	memcpy(out, all, given * sizeof(all[0]));
	if (!source->wants_paths || capacity - given < TB_PATH_COUNTERS)
		return (int)given;
	tb_path_counters__write(&source->path_counters, out + given);
	return (int)given + TB_PATH_COUNTERS;
}

static void seccomp_notify__close(struct tb_source *source)
{
	struct tb_error unread;

	seccomp_notify__disarm(source, &unread);
	if (source->installation.pidfd >= 0)
		close(source->installation.pidfd);
	notify_listener__close(&source->listener);
	notify_tgid_cache__close(&source->tgids);
	free(source);
}

const struct tb_source_ops tb_seccomp_notify_source = {
	.abi = TB_SOURCE_ABI,
	.name = "seccomp-notify",
	.probe = seccomp_notify__probe,
	.open = seccomp_notify__open,
	.arm = seccomp_notify__arm,
	.drain = seccomp_notify__drain,
	.disarm = seccomp_notify__disarm,
	.stats = seccomp_notify__stats,
	.close = seccomp_notify__close,
};
