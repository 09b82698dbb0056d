/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "listener.h"

/* Since 6.6; not in the headers of the systems this is built on. */
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#endif

#define NS_PER_S 1000000000ull

int notify_listener__open(struct notify_listener *listener)
{
	struct seccomp_notif_sizes sizes;

	*listener = (struct notify_listener){.fd = -1};
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes))
		return errno == EINVAL || errno == ENOSYS ? -EOPNOTSUPP : -errno;
	listener->notif_bytes = sizeof(*listener->notif);
	listener->resp_bytes = sizeof(*listener->resp);
	if (sizes.seccomp_notif > listener->notif_bytes)
		listener->notif_bytes = sizes.seccomp_notif;
	if (sizes.seccomp_notif_resp > listener->resp_bytes)
		listener->resp_bytes = sizes.seccomp_notif_resp;
	listener->notif = calloc(1, listener->notif_bytes);
	listener->resp = calloc(1, listener->resp_bytes);
	if (!listener->notif || !listener->resp) {
		notify_listener__close(listener);
		return -ENOMEM;
	}
	return 0;
}

void notify_listener__close(struct notify_listener *listener)
{
	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
	free(listener->notif);
	free(listener->resp);
	listener->notif = NULL;
	listener->resp = NULL;
}

void notify_listener__adopt(struct notify_listener *listener, int fd)
{
	listener->fd = fd;
	listener->sync_wakeup =
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
}

int notify_listener__wait(struct notify_listener *listener, uint64_t timeout_ns)
{
	const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
					 .tv_nsec = (long)(timeout_ns % NS_PER_S)};
	struct pollfd poll = {.fd = listener->fd, .events = POLLIN};
	int got = ppoll(&poll, 1, &timeout, NULL);

	if (got < 0)
		return errno == EINTR ? NOTIFY_WAIT_NONE : -errno;
	if (poll.revents & POLLIN)
		return NOTIFY_WAIT_WAITING;
	if (poll.revents & POLLHUP)
		return NOTIFY_WAIT_END;
	return poll.revents ? -EIO : NOTIFY_WAIT_NONE;
}

int notify_listener__take(struct notify_listener *listener)
{
	memset(listener->notif, 0, listener->notif_bytes);
	if (ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_RECV, listener->notif))
		return errno == ENOENT || errno == EINTR ? 0 : -errno;
	if (listener->started)
		listener->gone_unseen += listener->notif->id - listener->next_id;
	listener->started = true;
	listener->next_id = listener->notif->id + 1;
	return 1;
}

int notify_listener__let_on(struct notify_listener *listener)
{
	int rc;

	memset(listener->resp, 0, listener->resp_bytes);
	listener->resp->id = listener->notif->id;
	listener->resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	do {
		rc = ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_SEND, listener->resp);
	} while (rc && errno == EINTR);
	if (rc == 0)
		return 1;
	if (errno != ENOENT)
		return -errno;
	listener->gone_unanswered++;
	return 0;
}

bool notify_listener__valid(const struct notify_listener *listener)
{
	return ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &listener->notif->id) == 0;
}
