/* SPDX-License-Identifier: Apache-2.0 */
#include "call_classes.h"

#include <sys/syscall.h>

namespace tb::ebpf
{

static_assert(TB_NR_CLASSES == TB_NR_MAX, "the filter and the tables cover the same numbers");

namespace
{

struct Special {
	int nr;
	tb_u8 nr_class;
};

constexpr Special native[] = {
	{SYS_execve, TB_NR_KEEP},   {SYS_execveat, TB_NR_KEEP},    {SYS_rt_sigreturn, TB_NR_KEEP},
	{SYS_exit, TB_NR_EXITS},    {SYS_exit_group, TB_NR_EXITS}, {SYS_seccomp, TB_NR_FILTERS},
	{SYS_prctl, TB_NR_FILTERS},
};

/* No header of a 64-bit build has these. */
constexpr Special foreign[] = {
#if defined(__x86_64__)
	/* i386 */
	{11, TB_NR_KEEP},     /* execve */
	{358, TB_NR_KEEP},    /* execveat */
	{119, TB_NR_KEEP},    /* sigreturn */
	{173, TB_NR_KEEP},    /* rt_sigreturn */
	{1, TB_NR_EXITS},     /* exit */
	{252, TB_NR_EXITS},   /* exit_group */
	{354, TB_NR_FILTERS}, /* seccomp */
	{172, TB_NR_FILTERS}, /* prctl */
#elif defined(__aarch64__)
	/* arm */
	{11, TB_NR_KEEP},     /* execve */
	{387, TB_NR_KEEP},    /* execveat */
	{119, TB_NR_KEEP},    /* sigreturn */
	{173, TB_NR_KEEP},    /* rt_sigreturn */
	{1, TB_NR_EXITS},     /* exit */
	{248, TB_NR_EXITS},   /* exit_group */
	{383, TB_NR_FILTERS}, /* seccomp */
	{172, TB_NR_FILTERS}, /* prctl */
#else
#error "eBPF backend: x86-64 and arm64 only"
#endif
};

} // namespace

void fill_call_classes(tb_bpf_config *config, const tb_filter *filter)
{
	const tb_u8 beyond = filter->active ? 0 : TB_NR_WANTED;

	config->class_beyond = beyond;
	config->nr_sigreturn = SYS_rt_sigreturn;
	for (int nr = 0; nr < TB_NR_CLASSES; nr++) {
		config->nr_class[nr] = tb_filter__wants(filter, nr) ? TB_NR_WANTED : 0;
		config->nr_class[TB_NR_FOREIGN + nr] = beyond;
	}
	for (const Special &s : native)
		config->nr_class[s.nr] |= s.nr_class;
	for (const Special &s : foreign)
		config->nr_class[TB_NR_FOREIGN + s.nr] |= s.nr_class;
}

} // namespace tb::ebpf
