/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of sources: built in, or loaded from a plug-in when first asked for. */
#ifndef TRACEBENCH_SOURCES_H
#define TRACEBENCH_SOURCES_H

#include <string>
#include <vector>

#include "../include/source.h"

namespace tracebench
{

/* Names of all sources in report order, whether they can be loaded or not. */
std::vector<std::string> source_names();

/*
 * The source called `name`, or null with err filled: unknown name, plug-in not built, a shared library missing, a
 * stale ABI. Plug-ins stay loaded. Any thread.
 */
const tb_source_ops *find_source(const std::string &name, tb_error *err);

} // namespace tracebench

#endif
