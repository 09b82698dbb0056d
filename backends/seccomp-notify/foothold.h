/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls made by another task for us: it is seized with ptrace at its next entry into the kernel, calls what it is told
 * from that very instruction, and is let go to make the call it was about to make. No byte of its memory is
 * changed; its registers are put back.
 */
#ifndef TRACEBENCH_SECCOMP_NOTIFY_FOOTHOLD_H
#define TRACEBENCH_SECCOMP_NOTIFY_FOOTHOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "listener.h"
#include "source.h"

struct notify_foothold {
	pid_t pid;
	bool at_entry; /* of the call it was about to make; afterwards it stands at the exits of ours */
	/* Answers what the task's calls notify once the filter is on; its fd is −1 until then. */
	struct notify_listener *listener;
#if defined(__x86_64__)
	struct user_regs_struct entry;
#endif
};

/* 0 with the task stopped, or -errno with it running as before. ESRCH when it is gone. */
int notify_foothold__take(struct notify_foothold *foothold, pid_t pid, struct notify_listener *listener,
			  struct tb_error *err);

/* One system call of the task. 0 with *result as the kernel returned it, or -errno when it could not be made. */
int notify_foothold__call(struct notify_foothold *foothold, long nr, const uint64_t args[6], int64_t *result,
			  struct tb_error *err);

/* Copies whole words into the task's memory. */
int notify_foothold__write(struct notify_foothold *foothold, uint64_t address, const void *bytes,
			   size_t count, struct tb_error *err);

/* Puts the registers back and detaches. 0 or -errno; what can fail is that the task is gone. */
int notify_foothold__release(struct notify_foothold *foothold, struct tb_error *err);

#endif
