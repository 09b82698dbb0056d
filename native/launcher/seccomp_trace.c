/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seccomp_trace.h"

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "tracebench's launcher knows x86-64 and arm64"
#endif

/*
 * Two instructions a number: a jump's reach is 255 instructions, so one shared return would not do. The kernel (5.11+)
 * runs a filter that looks at nothing but number and arch once per number and remembers which are
 * always allowed, so a long list costs the other calls nothing.
 */
int tb_seccomp_trace__install(const uint32_t *nr, unsigned count)
{
	struct sock_filter *code = calloc(2 * (size_t)count + 6, sizeof(*code));
	struct sock_fprog program = {.filter = code};
	unsigned n = 0;
	int rc = 0;

	if (!code)
		return -ENOMEM;
	if (!nr) {
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	} else {
		code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							 offsetof(struct seccomp_data, arch));
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							 offsetof(struct seccomp_data, nr));
		for (unsigned i = 0; i < count; i++) {
			code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr[i], 0, 1);
			code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
		}
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	program.len = (unsigned short)n;
	/*
	 * SPEC_ALLOW: before 5.16 a filter switched a speculation mitigation on, which would slow the target for a
	 * reason that has nothing to do with tracing.
	 */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program))
		rc = -errno;
	free(code);
	return rc;
}

int tb_seccomp_trace__check(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	uint32_t action = SECCOMP_RET_TRACE;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
		return -EOPNOTSUPP;
	if (syscall(SYS_capget, &header, data))
		return -errno;
	return data[0].effective & 1u << CAP_SYS_ADMIN ? 0 : -EPERM;
}
