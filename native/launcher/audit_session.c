/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit_session.h"

#define LOGIN_UID_UNSET UINT32_MAX

static int write_login_uid(uint32_t uid)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", uid);
	int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC), code = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)length) != length)
		code = -errno;
	close(fd);
	return code;
}

int tb_audit_session__begin(uid_t login_uid)
{
	int code = write_login_uid(login_uid);

	/* Set already, and the kernel wants it unset first (only_unset_loginuid). */
	if (code == -EPERM && write_login_uid(LOGIN_UID_UNSET) == 0)
		code = write_login_uid(login_uid);
	return code;
}

const char *tb_audit_session__explain(int code)
{
	switch (code) {
	case -EPERM:
		return "the login uid is set and may not be changed (loginuid_immutable, or no "
		       "CAP_AUDIT_CONTROL); "
		       "start tracebench from a process whose login uid is unset, like a system service";
	case -ENOENT:
		return "/proc/self/loginuid is missing: this kernel audits no system calls, or /proc is not "
		       "mounted";
	default:
		return strerror(-code);
	}
}
