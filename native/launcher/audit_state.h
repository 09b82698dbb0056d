/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_LAUNCHER_AUDIT_STATE_H
#define TRACEBENCH_LAUNCHER_AUDIT_STATE_H

#include <stdio.h>

/*
 * Writes audit's state as one JSON object: what a trial could have changed and must have given back. Counters that grow
 * by themselves (lost, backlog) are left out, so two states can be compared as text.
 */
void tb_audit_state__write(FILE *out);

#endif
