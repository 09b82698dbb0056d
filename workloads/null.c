/* SPDX-License-Identifier: Apache-2.0 */
/* null: one call that does next to nothing, so that what is measured is the way in and out of the kernel. */
#include "getppid.h"

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "null",
		.summary = "Calls getppid in a loop.",
		.max_calls = 1000000000000ull,
		.max_threads = 1,
		.prepare = tb_getppid__prepare,
		.section = tb_getppid__section,
	};

	return tb_runtime__main(&workload, argc, argv);
}
