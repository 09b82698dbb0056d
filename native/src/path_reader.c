// SPDX-License-Identifier: Apache-2.0
/* Strings out of another task's memory, which is asked for and not guessed: what cannot be read is a fault. */
#include <string.h>
#include <sys/uio.h>

#include "paths.h"

#define SMALLEST_PAGE 4096u

/*
 * The string may end in the last bytes of a mapping. A remote range is read whole or not at all, so ranges end where pages
 * may: with the larger pages of arm64 this only makes one range more.
 */
static ssize_t read_some(pid_t tid, uint64_t address, char *out, size_t size)
{
	const size_t to_page_end = SMALLEST_PAGE - address % SMALLEST_PAGE;
	const size_t first = size < to_page_end ? size : to_page_end;
	const struct iovec local = {out, size};
	const struct iovec remote[2] = {{(void *)address, first}, {(void *)(address + first), size - first}};

	return process_vm_readv(tid, &local, 1, remote, first < size ? 2 : 1, 0);
}

static void read_one(struct tb_paths *paths, pid_t tid, unsigned arg, uint64_t address)
{
	char string[TB_PATH_BYTES];
	const ssize_t got = read_some(tid, address, string, sizeof(string));
	const size_t length = got > 0 ? strnlen(string, (size_t)got) : 0;
	const int ends = got > 0 && (length < (size_t)got || length == TB_PATH_BYTES);

	tb_paths__add(paths, arg, ends ? TB_PATH_WHOLE : TB_PATH_FAULT, string, length);
}

void tb_paths__read(struct tb_paths *paths, pid_t tid, uint8_t which, const tb_u64 args[6])
{
	paths->bytes = 0;
	for (unsigned i = 0; which >> i; i++)
		if ((which >> i & 1) && args[i])
			read_one(paths, tid, i, args[i]);
}
