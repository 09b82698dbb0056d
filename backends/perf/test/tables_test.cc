/* SPDX-License-Identifier: Apache-2.0 */
#include <cerrno>
#include <set>
#include <sys/syscall.h>

#include "check.h"
#include "expression.h"
#include "registers.h"
#include "syscall_events.h"
#include "tracefs.h"

using namespace tb::perf;

TEST(runs_become_ranges_and_all_lists_fit_a_page)
{
	tb_filter filter = {};

	CHECK_EQ(id_expression({5}), "id==5");
	CHECK_EQ(id_expression({9, 3, 1, 2, 3, 8}), "(id>=1&&id<=3)||id==8||id==9");
	CHECK_EQ(id_expression(filter, {-1}), "");
	filter.active = 1;
	filter.wanted[0] = 1 << 15 | 1 << 3;
	CHECK_EQ(id_expression(filter, {-1}), "id==-1||id==3||id==15");
	for (uint64_t &word : filter.wanted)
		word = 0x5b6db6db6db6db6d; /* pairs, the most text */
	CHECK(id_expression(filter, {-1}).size() < 4096);
	for (uint64_t &word : filter.wanted)
		word = 0x5555555555555555;
	CHECK(id_expression(filter, {-1}).size() < 4096);
}

TEST(the_table_has_the_headers_numbers)
{
	const struct {
		int nr;
		const char *name;
	} known[] = {
		{SYS_read, "read"},
		{SYS_execve, "execve"},
		{SYS_exit_group, "exit_group"},
		{SYS_umount2, "umount"},
		{SYS_uname, "newuname"},
		{SYS_sendfile, "sendfile64"},
		{SYS_getppid, "getppid"},
		{SYS_prlimit64, "prlimit64"},
		{SYS_rt_sigreturn, "rt_sigreturn"},
		{SYS_execveat, "execveat"},
		{SYS_fstat, "newfstat"},
		{SYS_clone3, "clone3"},
		{SYS_statx, "statx"},
		{SYS_openat2, "openat2"},
		{SYS_perf_event_open, "perf_event_open"},
	};
	std::set<int> numbers;
	size_t found = 0;

	for (const SyscallEvent &event : syscall_events()) {
		CHECK(numbers.insert(event.nr).second);
		for (const auto &one : known)
			if (event.name == std::string("syscalls/sys_enter_") + one.name) {
				CHECK_EQ(event.nr, one.nr);
				found++;
			}
	}
	CHECK_EQ(found, std::size(known));
}

/* Where tracefs may be read: names of ours against the kernel's. */
TEST(the_table_has_the_kernels_names)
{
	Tracefs tracefs;
	tb_error err = {};
	unsigned found = 0;
	uint32_t offset = 0;

	if (tracefs.open(&err) < 0) {
		CHECK(err.message[0] && err.mend[0]);
		return;
	}
	for (const SyscallEvent &event : syscall_events())
		found += tracefs.has_event(event.name.c_str());
	CHECK(found > 250);
	CHECK(!tracefs.has_event("syscalls/sys_enter_nothing"));
	CHECK_EQ(tracefs.field_offset("raw_syscalls/sys_enter", "args", &offset), 0);
	CHECK(offset >= 16);
	CHECK_EQ(tracefs.field_offset("raw_syscalls/sys_exit", "nothing", &offset), -EPROTO);
	CHECK_EQ(tracefs.field_offset("raw_syscalls/nothing", "id", &offset), -ENOENT);
}
