/* SPDX-License-Identifier: Apache-2.0 */
/* The text of one record (shared.h, TB_PRINTK_FORMAT) as the kernel prints it into its pipe. Knows memory only. */
#ifndef TRACEBENCH_EBPF_PRINTK_LINE_H
#define TRACEBENCH_EBPF_PRINTK_LINE_H

#include <string_view>

#include "shared.h"

namespace tb::ebpf
{

enum class PrintkLine {
	record,
	foreign, /* another program's print, or the pipe's own remarks */
	damaged, /* begins as ours and is not */
};

/* `line` without its end. *record is written for a record only. */
PrintkLine parse_printk_line(std::string_view line, tb_record *record);

} // namespace tb::ebpf

#endif
