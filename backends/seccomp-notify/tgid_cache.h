/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a thread: a notification names the thread only. Read from /proc once and remembered.
 *
 * A remembered answer goes wrong only when the thread's number is given to another task, and only a fork inside the target
 * can do that to us. So every fork outdates all answers: notify_tgid_cache__forked is called before the fork is let
 * on. What is left open is a fork that stays between its notification and the choice of its number while
 * the kernel goes once through all pids.
 */
#ifndef TRACEBENCH_SECCOMP_NOTIFY_TGID_CACHE_H
#define TRACEBENCH_SECCOMP_NOTIFY_TGID_CACHE_H

#include <stdint.h>

#define NOTIFY_TGID_SLOTS 1024 /* by the thread's number; two threads of one slot take turns */

struct notify_tgid_cache {
	int proc_fd;
	uint64_t forks;
	uint64_t reads; /* of /proc */
	struct {
		uint32_t tid, tgid;
		uint64_t forks;
	} slot[NOTIFY_TGID_SLOTS];
};

/* 0 or -errno; /proc stays open until close. */
int notify_tgid_cache__open(struct notify_tgid_cache *cache);
void notify_tgid_cache__close(struct notify_tgid_cache *cache);
void notify_tgid_cache__forked(struct notify_tgid_cache *cache);
/* 0 with *tgid, -ESRCH when the thread is gone, or another -errno. */
int notify_tgid_cache__find(struct notify_tgid_cache *cache, uint32_t tid, uint32_t *tgid);

#endif
