/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/start_time.h"

#include <stdio.h>
#include <string.h>

/* Field 22 of /proc/PID/stat. */
unsigned long long tb_start_time(int pid)
{
	char path[64], text[1024];
	unsigned long long start = 0;
	char *bracket, state;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	bracket = strrchr(text, ')');
	if (!bracket ||
	    sscanf(bracket + 1,
		   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
		   &start) != 2)
		return 0;
	/* Dead, and only not yet waited for: nobody any more. */
	return state == 'Z' || state == 'X' ? 0 : start;
}
