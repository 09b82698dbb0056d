/* SPDX-License-Identifier: Apache-2.0 */
/* threads: `null` on several threads at once, a lane each. The calls are shared out evenly, rounded up. */
#include "getppid.h"

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "threads",
		.summary = "Calls getppid in a loop on several threads. They wait for each other by "
			   "spinning, so more\n"
			   "threads than CPUs take time slices from each other.",
		.max_calls = 1000000000000ull,
		.max_threads = TB_LANES,
		.prepare = tb_getppid__prepare,
		.section = tb_getppid__section,
	};

	return tb_runtime__main(&workload, argc, argv);
}
