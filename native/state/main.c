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
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_PREFIX "tb_"
#define MAPS_MAX    1024
#define BTF_MAX     (1u << 20) /* larger ones are the kernel's and its modules' */

static const char *const BTF_MARKS[] = {"tb_bpf_config", "tb_record"};

static uint32_t our_maps[MAPS_MAX];
static unsigned our_map_count;

static int sys_bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* The id after `id`; 0 when there is none. *failed gets the errno of anything but the end. */
static uint32_t next_id(int command, uint32_t id, int *failed)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.start_id = id;
	if (sys_bpf(command, &attr) == 0)
		return attr.next_id;
	if (errno != ENOENT)
		*failed = errno;
	return 0;
}

/* A descriptor of the object; -1 when it died meanwhile. */
static int open_id(int command, uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id; /* map_id and btf_id are the same member */
	return sys_bpf(command, &attr);
}

static int read_info(int fd, void *info, uint32_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info = (uint64_t)(uintptr_t)info;
	attr.info.info_len = size;
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

static int btf_is_ours(uint32_t btf_id)
{
	struct bpf_btf_info info;
	int fd, ours = 0;
	char *data;

	if (btf_id == 0)
		return 0;
	fd = open_id(BPF_BTF_GET_FD_BY_ID, btf_id);
	if (fd < 0)
		return 0;
	memset(&info, 0, sizeof(info));
	if (read_info(fd, &info, sizeof(info)) || info.btf_size == 0 || info.btf_size > BTF_MAX)
		goto out;
	data = malloc(info.btf_size);
	if (!data)
		goto out;
	info.btf = (uint64_t)(uintptr_t)data;
	if (read_info(fd, &info, sizeof(info)) == 0)
		for (unsigned i = 0; i < sizeof(BTF_MARKS) / sizeof(BTF_MARKS[0]); i++)
			if (memmem(data, info.btf_size, BTF_MARKS[i], strlen(BTF_MARKS[i]) + 1))
				ours = 1;
	free(data);
out:
	close(fd);
	return ours;
}

static int name_is_ours(const char *name)
{
	return strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0;
}

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
	int fd = open_id(BPF_PROG_GET_FD_BY_ID, id);

	if (fd < 0)
		return;
	memset(&info, 0, sizeof(info));
	info.map_ids = (uint64_t)(uintptr_t)map_ids;
	info.nr_map_ids = sizeof(map_ids) / sizeof(map_ids[0]);
	if (read_info(fd, &info, sizeof(info)) == 0 &&
	    (name_is_ours(info.name) || btf_is_ours(info.btf_id))) {
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
	int ours = 0, fd = open_id(BPF_MAP_GET_FD_BY_ID, id);

	if (fd < 0)
		return;
	for (unsigned i = 0; i < our_map_count; i++)
		ours |= our_maps[i] == id;
	memset(&info, 0, sizeof(info));
	if (read_info(fd, &info, sizeof(info)) == 0 &&
	    (ours || name_is_ours(info.name) || btf_is_ours(info.btf_id)))
		print_object(count, id, info.name, info.type);
	close(fd);
}

int main(void)
{
	int failed = 0, programs = 0, maps = 0;
	uint32_t first = next_id(BPF_PROG_GET_NEXT_ID, 0, &failed);

	if (failed) {
		printf("{\"programs\":null,\"maps\":null,\"reason\":\"bpf(BPF_PROG_GET_NEXT_ID): %s\"}\n",
		       strerror(failed));
		return 0;
	}
	printf("{\"programs\":[");
	for (uint32_t id = first; id; id = next_id(BPF_PROG_GET_NEXT_ID, id, &failed))
		print_program(id, &programs);
	printf("],\"maps\":[");
	for (uint32_t id = 0; (id = next_id(BPF_MAP_GET_NEXT_ID, id, &failed));)
		print_map(id, &maps);
	printf("]}\n");
	if (failed) {
		fprintf(stderr, "tracebench-state: listing BPF objects: %s\n", strerror(failed));
		return 1;
	}
	return 0;
}
