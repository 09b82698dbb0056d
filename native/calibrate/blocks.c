/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "calibrate.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double blocks__min(const struct blocks *blocks)
{
	double min = blocks->ns[0];

	for (int i = 1; i < blocks->count; i++)
		if (blocks->ns[i] < min)
			min = blocks->ns[i];
	return min;
}

double blocks__median(struct blocks *blocks)
{
	int middle = blocks->count / 2;

	qsort(blocks->ns, (size_t)blocks->count, sizeof(blocks->ns[0]), compare);
	return blocks->count % 2 ? blocks->ns[middle] : (blocks->ns[middle - 1] + blocks->ns[middle]) / 2;
}
