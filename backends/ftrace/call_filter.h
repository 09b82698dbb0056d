/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of the source as the kernel's event filters say it. */
#ifndef TRACEBENCH_FTRACE_CALL_FILTER_H
#define TRACEBENCH_FTRACE_CALL_FILTER_H

#include <string>

#include "source.h"

namespace tb::ftrace
{

/*
 * The expression that sys_enter events of wanted calls fulfil; empty: all. Runs of numbers are ranges, so the longest
 * there is stays below the page that the kernel reads.
 */
std::string entry_filter(const tb_filter &filter);
/* The same for sys_exit, where rt_sigreturn has number −1. */
std::string exit_filter(const tb_filter &filter);

} // namespace tb::ftrace

#endif
