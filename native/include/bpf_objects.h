/* SPDX-License-Identifier: Apache-2.0 */
/* BPF objects that the kernel holds right now, by their ids. Needs CAP_SYS_ADMIN: else it shows none. */
#ifndef TRACEBENCH_BPF_OBJECTS_H
#define TRACEBENCH_BPF_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

/* The id after `id` (BPF_*_GET_NEXT_ID); 0 when there is none. *failed gets the errno of anything but the end. */
uint32_t tb_bpf__next_id(int command, uint32_t id, int *failed);

/* A descriptor of the object (BPF_*_GET_FD_BY_ID), the caller's to close; -1 when it died meanwhile. */
int tb_bpf__open_id(int command, uint32_t id);

/* Fills the kernel's struct of that kind of object. 0, or -1 with errno. */
int tb_bpf__info(int fd, void *info, uint32_t size);

/* By its name (`tb_…`), or because its BTF describes a type that only our objects have. */
bool tb_bpf__is_ours(const char *name, uint32_t btf_id);

/* Whether a program of ours is alive. False also where the kernel does not say. */
bool tb_bpf__program_lives(void);

#endif
