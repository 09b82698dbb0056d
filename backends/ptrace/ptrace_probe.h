/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_PTRACE_PROBE_H
#define TRACEBENCH_PTRACE_PROBE_H

#include "source.h"

namespace tb_ptrace
{

/* tb_source_ops.probe: traces one call of a child of its own, as the variant would. Any thread. */
int probe(const struct tb_source_config *config, struct tb_error *err);

} /* namespace tb_ptrace */

#endif
