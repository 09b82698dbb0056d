/* SPDX-License-Identifier: Apache-2.0 */
/* Where a variant that traces a function is attached: options `program`, `function`, `provider` and `probe`. */
#ifndef TRACEBENCH_EBPF_FUNCTION_SITE_H
#define TRACEBENCH_EBPF_FUNCTION_SITE_H

#include <bpf/libbpf.h>
#include <climits>
#include <sys/types.h>

#include "source.h"
#include "variant.h"

namespace tb::ebpf
{

struct FunctionSite {
	char program[PATH_MAX]; /* path of the file that has it */
	char function[128];     /* symbol */
	char provider[64];      /* of the USDT probe, with the next */
	char probe[64];
};

/* Of `variant`, from the options. 0 or -errno with *err filled. */
int read_function_site(const tb_source_config *config, const Variant &variant, FunctionSite *site,
		       tb_error *err);

/* By what the running kernel has: one link for all places (Linux 6.6), else a perf event for each. */
bool has_uprobe_links();

/* Hits of `pid` alone, of all its threads, from its execve on. NULL with errno. */
bpf_link *attach_function(const bpf_program *program, pid_t pid, const Variant &variant,
			  const FunctionSite &site);

/* Says in *err why that failed with `code`, and the mend. Returns a code. */
int explain_unattached(tb_error *err, int code, const Variant &variant, const FunctionSite &site);

} // namespace tb::ebpf

#endif
