/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_AUDIT_OWNER_H
#define TRACEBENCH_AUDIT_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Whether the pid in audit's status is an owner: the process lives and holds an audit socket. The kernel goes on
 * showing the pid of one that died until its next record.
 */
bool tb_audit_owner__lives(uint32_t pid);

#ifdef __cplusplus
}
#endif

#endif
