/* SPDX-License-Identifier: Apache-2.0 */
#include "tracefs.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "tracefs_root.h"

namespace tb::ftrace
{

Fd::~Fd()
{
	if (fd_ >= 0)
		close(fd_);
}

int open_tracefs(Fd *root, tb_error *err)
{
	const int code = tb_tracefs__open();

	if (code >= 0) {
		*root = Fd(code);
		return 0;
	}
	tb_error__set(err, code, "tracefs is not mounted at %s and cannot be mounted: %s", TB_TRACEFS_MOUNTED,
		      strerror(-code));
	if (code == -ENODEV)
		tb_error__mend(err, "use a kernel built with CONFIG_TRACING=y and CONFIG_FTRACE_SYSCALLS=y");
	else
		tb_error__mend(err, "run as root (sudo), or mount it: mount -t tracefs tracefs %s",
			       TB_TRACEFS_MOUNTED);
	return code;
}

int write_file(int directory, const char *path, const std::string &text, tb_error *err)
{
	Fd fd(openat(directory, path, O_WRONLY | O_TRUNC | O_CLOEXEC));

	if (!fd || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
		int code = -errno;

		return tb_error__set(err, code, "writing '%.100s' to tracefs' %s: %s", text.c_str(), path,
				     strerror(-code));
	}
	return 0;
}

int read_file(int directory, const char *path, std::string *text, tb_error *err)
{
	Fd fd(openat(directory, path, O_RDONLY | O_CLOEXEC));
	char chunk[4096];
	ssize_t n = fd ? 0 : -1;

	text->clear();
	while (fd && (n = read(fd.get(), chunk, sizeof(chunk))) > 0)
		text->append(chunk, static_cast<size_t>(n));
	if (n < 0) {
		int code = -errno;

		return tb_error__set(err, code, "reading tracefs' %s: %s", path, strerror(-code));
	}
	return 0;
}

} // namespace tb::ftrace
