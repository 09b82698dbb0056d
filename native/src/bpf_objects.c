/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/bpf_objects.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_PREFIX "tb_"
#define BTF_MAX     (1u << 20) /* larger ones are the kernel's and its modules' */

static const char *const BTF_MARKS[] = {"tb_bpf_config", "tb_record"};

static int sys_bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

uint32_t tb_bpf__next_id(int command, uint32_t id, int *failed)
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

int tb_bpf__open_id(int command, uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id; /* map_id and btf_id are the same member */
	return sys_bpf(command, &attr);
}

int tb_bpf__info(int fd, void *info, uint32_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info = (uint64_t)(uintptr_t)info;
	attr.info.info_len = size;
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

static bool btf_is_ours(uint32_t btf_id)
{
	struct bpf_btf_info info;
	bool ours = false;
	int fd;
	char *data;

	if (btf_id == 0)
		return false;
	fd = tb_bpf__open_id(BPF_BTF_GET_FD_BY_ID, btf_id);
	if (fd < 0)
		return false;
	memset(&info, 0, sizeof(info));
	if (tb_bpf__info(fd, &info, sizeof(info)) || info.btf_size == 0 || info.btf_size > BTF_MAX)
		goto out;
	data = malloc(info.btf_size);
	if (!data)
		goto out;
	info.btf = (uint64_t)(uintptr_t)data;
	if (tb_bpf__info(fd, &info, sizeof(info)) == 0)
		for (unsigned i = 0; i < sizeof(BTF_MARKS) / sizeof(BTF_MARKS[0]); i++)
			if (memmem(data, info.btf_size, BTF_MARKS[i], strlen(BTF_MARKS[i]) + 1))
				ours = true;
	free(data);
out:
	close(fd);
	return ours;
}

bool tb_bpf__is_ours(const char *name, uint32_t btf_id)
{
	return strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) == 0 || btf_is_ours(btf_id);
}

bool tb_bpf__program_lives(void)
{
	bool lives = false;
	int failed = 0;

	for (uint32_t id = 0; !lives && (id = tb_bpf__next_id(BPF_PROG_GET_NEXT_ID, id, &failed));) {
		struct bpf_prog_info info;
		int fd = tb_bpf__open_id(BPF_PROG_GET_FD_BY_ID, id);

		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		lives = tb_bpf__info(fd, &info, sizeof(info)) == 0 && tb_bpf__is_ours(info.name, info.btf_id);
		close(fd);
	}
	return lives;
}
