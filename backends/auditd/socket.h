/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam between this backend and netlink: datagrams in batches. The kernel's socket in production, a script in the
 * unit tests.
 */
#ifndef TRACEBENCH_AUDITD_SOCKET_H
#define TRACEBENCH_AUDITD_SOCKET_H

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tb::auditd
{

/* One received datagram, cut to the size of a batch's slot. */
struct Datagram {
	const char *data;
	uint32_t size;
};

/* Room for datagrams, allocated once. A slot that nothing was received into yet has size 0. */
class Batch
{
public:
	/* Check allocated() before use. */
	Batch(uint32_t slots, uint32_t slot_bytes);

	bool allocated() const { return bytes_ && sizes_; }
	uint32_t slots() const { return slots_; }
	uint32_t slot_bytes() const { return slot_bytes_; }
	char *at(uint32_t slot) { return bytes_.get() + static_cast<size_t>(slot) * slot_bytes_; }
	void set_size(uint32_t slot, uint32_t size) { sizes_[slot] = size; }
	Datagram get(uint32_t slot) { return {at(slot), sizes_[slot]}; }

private:
	uint32_t slots_, slot_bytes_;
	std::unique_ptr<char[]> bytes_;
	std::unique_ptr<uint32_t[]> sizes_;
};

/* All return -errno on failure. */
class Socket
{
public:
	virtual ~Socket() = default;

	/* One whole netlink message. 0. */
	virtual int send(const void *message, size_t size) = 0;
	/*
	 * Receives what is there, without waiting, into slots first … first + count − 1, and returns how many; -EAGAIN when
	 * there is nothing. Datagrams that do not come from the kernel get size 0.
	 */
	virtual int receive(Batch &batch, uint32_t first, uint32_t count) = 0;
	/* Until something can be received, or an error is pending: 1; 0 when the time is over or a signal came. */
	virtual int wait(uint32_t timeout_us) = 0;
	/* Datagrams that the kernel could not put into this socket since it was made. */
	virtual int drops(uint64_t *count) = 0;
};

/* A netlink socket for audit; with `listen` a member of the group that gets copies of all records. */
class KernelSocket final : public Socket
{
public:
	KernelSocket() = default;
	~KernelSocket() override;
	KernelSocket(const KernelSocket &) = delete;
	KernelSocket &operator=(const KernelSocket &) = delete;

	int open(bool listen);
	/* Asks for a receive buffer of so many bytes as the kernel counts them; *granted is what it is now. */
	int set_receive_buffer(uint64_t bytes, uint64_t *granted);

	int send(const void *message, size_t size) override;
	int receive(Batch &batch, uint32_t first, uint32_t count) override;
	int wait(uint32_t timeout_us) override;
	int drops(uint64_t *count) override;

private:
	int fd_ = -1;
};

} // namespace tb::auditd

#endif
