/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRACEBENCH_EBPF_CALL_CLASSES_H
#define TRACEBENCH_EBPF_CALL_CLASSES_H

#include "shared.h"
#include "source.h"

namespace tb::ebpf
{

/*
 * Fills the tables of *config from the filter. A filter names native numbers, so calls of the foreign arch, and
 * numbers beyond the tables, are wanted only when there is none.
 */
void fill_call_classes(tb_bpf_config *config, const tb_filter *filter);

} // namespace tb::ebpf

#endif
