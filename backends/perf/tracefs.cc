/* SPDX-License-Identifier: Apache-2.0 */
#include "tracefs.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>

namespace tb::perf
{

namespace
{

constexpr char kMarker[] = "events/raw_syscalls/sys_exit/id";
constexpr char kMounted[] = "/sys/kernel/tracing";
/* Looking into it makes the kernel mount a tracefs there, so it comes last. */
constexpr char kInDebugfs[] = "/sys/kernel/debug/tracing";

/* 0 when `path` is a tracefs that may be read, else -errno. */
int open_mounted(const char *path, Descriptor *root)
{
	Descriptor directory(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));

	if (!directory.is_open() || faccessat(directory.get(), kMarker, R_OK, 0) != 0)
		return -errno;
	*root = std::move(directory);
	return 0;
}

/* Through the mount calls of Linux 5.2, which older C libraries do not wrap. */
int mount_detached(Descriptor *root)
{
	Descriptor context(static_cast<int>(syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC)));

	if (!context.is_open() ||
	    syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
		return -errno;
	Descriptor mounted(
		static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY)));
	if (!mounted.is_open() || faccessat(mounted.get(), kMarker, R_OK, 0) != 0)
		return -errno;
	*root = std::move(mounted);
	return 0;
}

} // namespace

int Tracefs::open(tb_error *err)
{
	const int mounted = open_mounted(kMounted, &root_);
	if (mounted == 0)
		return 0;
	const int detached = mount_detached(&root_);
	if (detached == 0 || open_mounted(kInDebugfs, &root_) == 0)
		return 0;
	/* The mount point is there on every kernel that has tracefs. */
	if (access(kMounted, F_OK) != 0 || detached == -ENODEV) {
		tb_error__set(err, -ENOTSUP, "this kernel has no tracefs (%s: %s), so no tracepoints",
			      kMounted, strerror(-mounted));
		tb_error__mend(
			err, "use a kernel with CONFIG_FTRACE_SYSCALLS=y, or the host's /sys in a container");
		return -ENOTSUP;
	}
	const int code = detached == -EPERM || mounted == -EACCES ? -EACCES : detached;
	tb_error__set(err, code,
		      "the tracepoints' ids cannot be read: %s: %s; mounting a tracefs of our own: %s",
		      kMounted, strerror(-mounted), strerror(-detached));
	tb_error__mend(err,
		       "run as root (sudo), or: mount -t tracefs -o mode=755 tracefs /sys/kernel/tracing");
	return code;
}

/* 0 or -errno; the text is cut to `size` and ends with NUL. */
int Tracefs::read(const char *event, const char *file, char *text, size_t size) const
{
	char path[128];

	snprintf(path, sizeof(path), "events/%s/%s", event, file);
	Descriptor opened(openat(root_.get(), path, O_RDONLY | O_CLOEXEC));
	if (!opened.is_open())
		return -errno;
	size_t used = 0;
	while (used + 1 < size) {
		const ssize_t n = ::read(opened.get(), text + used, size - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += static_cast<size_t>(n);
	}
	text[used] = 0;
	return 0;
}

int Tracefs::event_id(const char *event, uint32_t *id) const
{
	char text[32];
	const int code = read(event, "id", text, sizeof(text));

	if (code < 0)
		return code;
	/* The raw data begins with it in 16 bits. */
	return sscanf(text, "%" SCNu32, id) == 1 && *id <= UINT16_MAX ? 0 : -EPROTO;
}

bool Tracefs::has_event(const char *event) const
{
	uint32_t id;

	return event_id(event, &id) == 0;
}

/* A line of the format is "\tfield:long id;\toffset:8;\tsize:8;\tsigned:1;", the name perhaps with [6]. */
int Tracefs::field_offset(const char *event, const char *field, uint32_t *offset) const
{
	char text[4096], wanted[2][32], *rest = nullptr;
	const int code = read(event, "format", text, sizeof(text));

	if (code < 0)
		return code;
	snprintf(wanted[0], sizeof(wanted[0]), " %s;", field);
	snprintf(wanted[1], sizeof(wanted[1]), " %s[", field);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(nullptr, "\n", &rest)) {
		const char *place = strstr(line, "offset:");

		if (!place || strncmp(line, "\tfield:", 7) != 0 ||
		    (!strstr(line, wanted[0]) && !strstr(line, wanted[1])))
			continue;
		return sscanf(place, "offset:%" SCNu32, offset) == 1 ? 0 : -EPROTO;
	}
	return -EPROTO;
}

} // namespace tb::perf
