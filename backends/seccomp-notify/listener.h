/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor of a filter's notifications: take one, let its call go on. */
#ifndef TRACEBENCH_SECCOMP_NOTIFY_LISTENER_H
#define TRACEBENCH_SECCOMP_NOTIFY_LISTENER_H

#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

struct notify_listener {
	int fd; /* −1: none */
	/* Of the kernel's size, which may be above what we were compiled with. */
	struct seccomp_notif *notif;
	struct seccomp_notif_resp *resp;
	uint32_t notif_bytes, resp_bytes;

	bool sync_wakeup; /* the kernel wakes us on the caller's CPU (6.6) */

	/* Numbers of notifications run without a gap, so gaps are those that were gone before they could be taken. */
	bool started;
	uint64_t next_id;
	uint64_t gone_unseen;
	uint64_t gone_unanswered;
};

/* Buffers of the kernel's sizes; no descriptor yet. 0 or -errno, EOPNOTSUPP for a kernel without notifications. */
int notify_listener__open(struct notify_listener *listener);
void notify_listener__close(struct notify_listener *listener);

/* Owns fd from here on, and asks for wake-ups on the caller's CPU. */
void notify_listener__adopt(struct notify_listener *listener, int fd);

enum notify_wait {
	NOTIFY_WAIT_NONE,    /* none in time */
	NOTIFY_WAIT_WAITING, /* one is there: take it */
	NOTIFY_WAIT_END,     /* no task has the filter any more */
};

/* enum notify_wait, or -errno. 0 ns: only look. */
int notify_listener__wait(struct notify_listener *listener, uint64_t timeout_ns);

/*
 * After NOTIFY_WAIT_WAITING only: the ioctl sleeps without a bound when nothing was ever queued, and nobody but us takes
 * from the queue. 1 with listener->notif filled, 0 when it is gone again, or -errno.
 */
int notify_listener__take(struct notify_listener *listener);

/* Lets the call that was taken last go on. 1; 0 when its task was killed meanwhile; or -errno. */
int notify_listener__let_on(struct notify_listener *listener);

/* Is the task of the notification taken last still in that call? So its number is still its own. */
bool notify_listener__valid(const struct notify_listener *listener);

#endif
