/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_SECCOMP_NOTIFY_PROBE_H
#define TRACEBENCH_SECCOMP_NOTIFY_PROBE_H

#include "source.h"

/* tb_source_ops.probe: a filter on a child of its own, one call of it taken and let on. Any thread. */
int notify_probe(struct tb_error *err);

#endif
