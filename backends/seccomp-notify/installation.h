/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the filter on a process that waits at its gate, and brings its listener here. */
#ifndef TRACEBENCH_SECCOMP_NOTIFY_INSTALLATION_H
#define TRACEBENCH_SECCOMP_NOTIFY_INSTALLATION_H

#include <linux/filter.h>
#include <stdbool.h>
#include <sys/types.h>

#include "listener.h"
#include "source.h"

struct notify_installation {
	bool killable; /* a call that was taken yields to fatal signals only (5.19) */
	int pidfd;     /* of the process; −1 until installed. The caller's to close */
};

/*
 * `pid` has one thread. 0 with listener->fd open, the process as it was but for its filter, and no descriptor of ours
 * in it. On failure -errno: it is as it was, or, once the filter was on it, killed.
 */
int notify_installation__make(struct notify_installation *installation, pid_t pid,
			      const struct sock_filter *code, unsigned length,
			      struct notify_listener *listener, struct tb_error *err);

#endif
