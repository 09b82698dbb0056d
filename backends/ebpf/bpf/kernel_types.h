/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/*
 * The few fields of kernel structures that the programs read, relocated at load to where the running kernel has
 * them (CO-RE). So no vmlinux.h is generated or committed.
 */
#ifndef TRACEBENCH_EBPF_KERNEL_TYPES_H
#define TRACEBENCH_EBPF_KERNEL_TYPES_H

/* The types first: libbpf's headers expect them. */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>

#define __relocated __attribute__((preserve_access_index))

#if defined(__TARGET_ARCH_x86)

struct thread_info {
	__u32 status;
} __relocated;

struct pt_regs {
	unsigned long bp;
	unsigned long bx;
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
	unsigned long ip;
} __relocated;

#elif defined(__TARGET_ARCH_arm64)

struct thread_info {
	unsigned long flags;
} __relocated;

struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
	__s32 syscallno;
} __relocated;

/* What the kernel's own begins with, by the name that libbpf's macros have for it. */
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};

#else
#error "eBPF backend: x86-64 and arm64 only"
#endif

struct seccomp {
	int mode;
} __relocated;

typedef struct {
	unsigned long sig[1];
} __relocated sigset_t;

struct sigpending {
	sigset_t signal;
} __relocated;

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	struct seccomp seccomp;
	struct sigpending pending;
} __relocated;

#endif
