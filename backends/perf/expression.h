/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_PERF_EXPRESSION_H
#define TRACEBENCH_PERF_EXPRESSION_H

#include <string>
#include <vector>

#include "source.h"

namespace tb::perf
{

/*
 * A tracepoint filter on the field `id` that lets the wanted numbers pass, and `besides`. Runs become ranges; the worst
 * list there is takes some 3 KB of the page that the kernel reads. "" without an active filter: no filter is needed.
 */
std::string id_expression(const tb_filter &filter, const std::vector<int> &besides);
/* The same for these numbers alone. */
std::string id_expression(const std::vector<int> &numbers);

} // namespace tb::perf

#endif
