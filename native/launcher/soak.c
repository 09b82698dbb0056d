/* SPDX-License-Identifier: Apache-2.0 */
#include "soak.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../include/clock.h"

/* Some 2 µs: short, so that most pieces are whole between two interrupts; long beside the 25 ns of reading the clock. */
#define PIECE_STEPS 2048
/* Of so many pieces the shortest is what the next ones are held against: the frequency has that long to change. */
#define BLOCK_PIECES 1024

struct tb_soak *tb_soak__map(int fd)
{
	struct stat st;
	struct tb_soak *page;

	if (fstat(fd, &st))
		return NULL;
	if (st.st_size != (off_t)sizeof(*page)) {
		errno = EPROTO;
		return NULL;
	}
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return NULL;
	if (page->magic != TB_SOAK_MAGIC) {
		munmap(page, sizeof(*page));
		errno = EPROTO;
		return NULL;
	}
	return page;
}

/* Each step waits for the one before it: a hardware thread beside this one finds the units that multiply nearly free. */
static uint64_t work(uint64_t x)
{
	for (int i = 0; i < PIECE_STEPS; i++) {
		x = x * 6364136223846793005ull + 1;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

static void add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

void tb_soak__run(struct tb_soak_cpu *own, const atomic_bool *stop)
{
	uint64_t x = own->cpu, shortest = UINT64_MAX, least = UINT64_MAX, last = tb_monotonic_ns();
	unsigned in_block = 0;

	while (!atomic_load_explicit(stop, memory_order_relaxed)) {
		uint64_t now, took;

		x = work(x);
		now = tb_monotonic_ns();
		took = now - last;
		last = now;
		add(&own->pieces, 1);
		/* A sixteenth is less than an interrupt takes and more than pieces differ by. */
		if (least != UINT64_MAX && took <= least + least / 16) {
			add(&own->quick_pieces, 1);
			add(&own->quick_ns, took);
		}
		if (took < shortest)
			shortest = took;
		if (++in_block == BLOCK_PIECES) {
			least = shortest;
			shortest = UINT64_MAX;
			in_block = 0;
		}
	}
}
