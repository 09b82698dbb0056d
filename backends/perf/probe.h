/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_PERF_PROBE_H
#define TRACEBENCH_PERF_PROBE_H

#include "source.h"

namespace tb::perf
{

/* tb_source_ops.probe: traces one call of its own thread, as the variant would. Any thread. */
int probe(const tb_source_config *config, tb_error *err);

} // namespace tb::perf

#endif
