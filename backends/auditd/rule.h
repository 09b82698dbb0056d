/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_AUDITD_RULE_H
#define TRACEBENCH_AUDITD_RULE_H

#include "control.h"
#include "source.h"

namespace tb::auditd
{

/*
 * always,exit for the wanted calls of one session. The key names this process, so that guard and doctor know the rule,
 * and whether it is stale.
 */
Rule make_rule(uint32_t session, const tb_filter &filter, uint32_t native_arch);

} // namespace tb::auditd

#endif
