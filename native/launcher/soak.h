/* SPDX-License-Identifier: Apache-2.0 */
/* The work of a spinner that soaks up what nobody else wants of its CPU. */
#ifndef TRACEBENCH_LAUNCHER_SOAK_H
#define TRACEBENCH_LAUNCHER_SOAK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "../include/soak.h"

/* Maps the page that `fd` is. NULL with errno; EPROTO: it is none of ours. */
struct tb_soak *tb_soak__map(int fd);

/* Does pieces of work on the calling thread's CPU until `stop`. */
void tb_soak__run(struct tb_soak_cpu *own, const atomic_bool *stop);

#endif
