/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_PERF_ELF_SYMBOL_H
#define TRACEBENCH_PERF_ELF_SYMBOL_H

#include <cstdint>

#include "source.h"

namespace tb::perf
{

/* Where in the file the function `symbol` begins: what a uprobe is put on. 64-bit ELF of our byte order. 0 or -errno. */
int symbol_offset(const char *path, const char *symbol, uint64_t *offset, tb_error *err);

} // namespace tb::perf

#endif
