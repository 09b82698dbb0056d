/* SPDX-License-Identifier: Apache-2.0 */
/* The declared ways to run this backend. */
#ifndef TRACEBENCH_FTRACE_VARIANT_H
#define TRACEBENCH_FTRACE_VARIANT_H

namespace tb::ftrace
{

struct Variant {
	const char *name; /* "" is the default */
	bool exits;       /* sys_exit too, paired with the entries */
	bool text;        /* through trace_pipe, formatted by the kernel and parsed here */
};

/* NULL when there is no such variant. */
const Variant *find_variant(const char *name);

} // namespace tb::ftrace

#endif
