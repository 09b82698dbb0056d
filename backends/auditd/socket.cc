/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tb::auditd
{

namespace
{

/* Of one recvmmsg; the kernel's own bound is 1024. */
constexpr uint32_t kVector = 256;

} // namespace

Batch::Batch(uint32_t slots, uint32_t slot_bytes)
	: slots_(slots), slot_bytes_(slot_bytes),
	  bytes_(new (std::nothrow) char[static_cast<size_t>(slots) * slot_bytes]),
	  sizes_(new (std::nothrow) uint32_t[slots]())
{
}

KernelSocket::~KernelSocket()
{
	if (fd_ >= 0)
		close(fd_);
}

int KernelSocket::open(bool listen)
{
	sockaddr_nl address = {};

	fd_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	if (fd_ < 0)
		return -errno;
	address.nl_family = AF_NETLINK;
	address.nl_groups = listen ? 1u << (AUDIT_NLGRP_READLOG - 1) : 0;
	if (bind(fd_, reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0)
		return -errno;
	return 0;
}

int KernelSocket::set_receive_buffer(uint64_t bytes, uint64_t *granted)
{
	/* The kernel doubles what it is given, for its own bookkeeping, and reports the double. */
	const int half = static_cast<int>(std::min<uint64_t>(bytes / 2, 1u << 29));
	int now = 0;
	socklen_t size = sizeof(now);

	/* Without CAP_NET_ADMIN net.core.rmem_max is the limit; what was granted is told. */
	if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &half, sizeof(half)) != 0 &&
	    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &half, sizeof(half)) != 0)
		return -errno;
	if (getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &now, &size) != 0)
		return -errno;
	*granted = static_cast<uint64_t>(now);
	return 0;
}

int KernelSocket::send(const void *message, size_t size)
{
	sockaddr_nl kernel = {};

	kernel.nl_family = AF_NETLINK;
	for (;;) {
		if (sendto(fd_, message, size, 0, reinterpret_cast<const sockaddr *>(&kernel),
			   sizeof(kernel)) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int KernelSocket::receive(Batch &batch, uint32_t first, uint32_t count)
{
	mmsghdr messages[kVector];
	iovec vectors[kVector];
	sockaddr_nl from[kVector];

	count = std::min(count, kVector);
	for (uint32_t i = 0; i < count; i++) {
		vectors[i] = {batch.at(first + i), batch.slot_bytes()};
		messages[i] = {};
		messages[i].msg_hdr.msg_name = &from[i];
		messages[i].msg_hdr.msg_namelen = sizeof(from[i]);
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	int got = recvmmsg(fd_, messages, count, MSG_DONTWAIT, nullptr);

	if (got < 0)
		return -errno;
	for (int i = 0; i < got; i++)
		batch.set_size(first + static_cast<uint32_t>(i),
			       from[i].nl_pid == 0 ? messages[i].msg_len : 0);
	return got;
}

int KernelSocket::wait(uint32_t timeout_us)
{
	pollfd ready = {fd_, POLLIN, 0};
	const timespec timeout = {timeout_us / 1000000, static_cast<long>(timeout_us % 1000000) * 1000};
	int rc = ppoll(&ready, 1, &timeout, nullptr);

	if (rc < 0)
		return errno == EINTR ? 0 : -errno;
	return rc;
}

int KernelSocket::drops(uint64_t *count)
{
	uint32_t info[SK_MEMINFO_VARS] = {};
	socklen_t size = sizeof(info);

	if (getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, info, &size) != 0)
		return -errno;
	if (size < (SK_MEMINFO_DROPS + 1) * sizeof(info[0]))
		return -EOPNOTSUPP;
	*count = info[SK_MEMINFO_DROPS];
	return 0;
}

} // namespace tb::auditd
