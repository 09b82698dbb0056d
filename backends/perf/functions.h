/* SPDX-License-Identifier: Apache-2.0 */
/* Variant `uprobe`: calls of a function of the target's own, by an event of the kernel's uprobe PMU on its entry. */
#ifndef TRACEBENCH_PERF_FUNCTIONS_H
#define TRACEBENCH_PERF_FUNCTIONS_H

#include <memory>

#include "calls.h"
#include "source.h"
#include "variant.h"

namespace tb::perf
{

/* From the options `program` and `function`. 0 or -errno. */
int make_function_plan(const tb_source_config *config, Plan *plan, tb_error *err);

/* A record for each sample: all of them are hits of the function. */
std::unique_ptr<Calls> make_function_calls();

} // namespace tb::perf

#endif
