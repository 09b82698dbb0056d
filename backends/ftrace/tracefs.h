/* SPDX-License-Identifier: Apache-2.0 */
/* Where tracefs is, and its files: small texts, read and written whole. */
#ifndef TRACEBENCH_FTRACE_TRACEFS_H
#define TRACEBENCH_FTRACE_TRACEFS_H

#include <string>
#include <utility>

#include "source.h"

namespace tb::ftrace
{

/* A descriptor; closed with its owner. */
class Fd
{
public:
	Fd() = default;
	explicit Fd(int fd) : fd_(fd) {}
	Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Fd &operator=(Fd &&other) noexcept
	{
		std::swap(fd_, other.fd_);
		return *this;
	}
	~Fd();

	int get() const { return fd_; }
	explicit operator bool() const { return fd_ >= 0; }

private:
	int fd_ = -1;
};

/* The root of tracefs, see tracefs_root.h. 0 or -errno. */
int open_tracefs(Fd *root, tb_error *err);

/* Paths are relative to `directory`. 0 or -errno; *err only names what could not be written, and why. */
int write_file(int directory, const char *path, const std::string &text, tb_error *err);
int read_file(int directory, const char *path, std::string *text, tb_error *err);

} // namespace tb::ftrace

#endif
