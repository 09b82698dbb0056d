/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracebench-state: the BPF programs and maps of ours that the kernel holds right now, as one JSON object. Reads only.
 *
 * Ours is a program whose name starts with `tb_`, or whose BTF describes a type that only our objects have; and a map
 * that such a program uses, or that says the same of itself. BPF objects die with their descriptors, up to 0.3 s
 * later: whoever looks for leftovers asks again for 2 s.
 *
 * Without CAP_SYS_ADMIN the kernel shows no ids: {"programs":null,"maps":null,"reason":"…"}, which is an answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../include/bpf_objects.h"

#define MAPS_MAX 1024

static uint32_t our_maps[MAPS_MAX];
static unsigned our_map_count;

static void print_object(int *count, uint32_t id, const char *name, uint32_t type)
{
	/* The kernel admits letters, digits, _ and . in names: nothing to escape. */
	printf("%s{\"id\":%u,\"name\":\"%.*s\",\"type\":%u}", (*count)++ ? "," : "", id, BPF_OBJ_NAME_LEN,
	       name, type);
}

static void print_program(uint32_t id, int *count)
{
	uint32_t map_ids[64];
	struct bpf_prog_info info;
	int fd = tb_bpf__open_id(BPF_PROG_GET_FD_BY_ID, id);

	if (fd < 0)
		return;
	memset(&info, 0, sizeof(info));
	info.map_ids = (uint64_t)(uintptr_t)map_ids;
	info.nr_map_ids = sizeof(map_ids) / sizeof(map_ids[0]);
	if (tb_bpf__info(fd, &info, sizeof(info)) == 0 && tb_bpf__is_ours(info.name, info.btf_id)) {
		print_object(count, id, info.name, info.type);
		for (unsigned i = 0; i < info.nr_map_ids && i < sizeof(map_ids) / sizeof(map_ids[0]); i++)
			if (our_map_count < MAPS_MAX)
				our_maps[our_map_count++] = map_ids[i];
	}
	close(fd);
}

static void print_map(uint32_t id, int *count)
{
	struct bpf_map_info info;
	int ours = 0, fd = tb_bpf__open_id(BPF_MAP_GET_FD_BY_ID, id);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < our_map_count; i++)
		ours |= our_maps[i] == id;
	memset(&info, 0, sizeof(info));
	if (tb_bpf__info(fd, &info, sizeof(info)) == 0 && (ours || tb_bpf__is_ours(info.name, info.btf_id)))
		print_object(count, id, info.name, info.type);
	close(fd);
}

int main(void)
{
	int failed = 0, programs = 0, maps = 0;
	uint32_t first = tb_bpf__next_id(BPF_PROG_GET_NEXT_ID, 0, &failed);

	if (failed) {
		printf("{\"programs\":null,\"maps\":null,\"reason\":\"bpf(BPF_PROG_GET_NEXT_ID): %s\"}\n",
		       strerror(failed));
		return 0;
	}
	printf("{\"programs\":[");
	for (uint32_t id = first; id; id = tb_bpf__next_id(BPF_PROG_GET_NEXT_ID, id, &failed))
		print_program(id, &programs);
	printf("],\"maps\":[");
	for (uint32_t id = 0; (id = tb_bpf__next_id(BPF_MAP_GET_NEXT_ID, id, &failed));)
		print_map(id, &maps);
	printf("]}\n");
	if (failed) {
		fprintf(stderr, "tracebench-state: listing BPF objects: %s\n", strerror(failed));
		return 1;
	}
	return 0;
}
