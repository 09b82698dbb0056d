/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp program: which calls are notified. */
#ifndef TRACEBENCH_SECCOMP_NOTIFY_FILTER_H
#define TRACEBENCH_SECCOMP_NOTIFY_FILTER_H

#include <linux/filter.h>

#include "source.h"

/* Two instructions a number, one and the rest of the frame. */
#define NOTIFY_FILTER_MAX (2 * (TB_NR_MAX + 32) + 8)

/*
 * Without an active filter: every call. With one: the wanted native numbers, and what this source needs for itself
 * (notify_filter__delivers tells them apart): forks of any arch, because they give numbers of tasks away anew, and
 * execve, because it begins the target. Returns the number of instructions.
 */
unsigned notify_filter__build(const struct tb_filter *filter, struct sock_filter code[NOTIFY_FILTER_MAX]);

/* Is a notified call a record? Of other architectures none is while a filter names native numbers. */
int notify_filter__delivers(const struct tb_filter *filter, uint32_t arch, int32_t nr);

#endif
