/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "calibrate.h"

void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

/* Is `other` a hardware thread of the core of `cpu`? No topology in /sys: no. */
static int is_sibling(int cpu, int other)
{
	char path[96], list[256];
	FILE *file;
	int found = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(list, sizeof(list), file)) {
		for (char *at = list; *at && *at != '\n';) {
			long low = strtol(at, &at, 10), high = low;

			if (*at == '-')
				high = strtol(at + 1, &at, 10);
			if (other >= low && other <= high)
				found = 1;
			if (*at != ',')
				break;
			at++;
		}
	}
	fclose(file);
	return found;
}

void choose_cpus(int *first, int *other)
{
	cpu_set_t set;

	*first = -1;
	*other = -1;
	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		if (*first < 0) {
			*first = cpu;
			continue;
		}
		if (*other < 0)
			*other = cpu;
		if (!is_sibling(*first, cpu)) {
			*other = cpu;
			return;
		}
	}
}
