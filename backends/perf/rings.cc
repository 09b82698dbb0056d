/* SPDX-License-Identifier: Apache-2.0 */
#include "rings.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstring>
#include <poll.h>
#include <sys/mman.h>

#include "event.h"

namespace tb::perf
{

namespace
{

uint64_t page_bytes()
{
	return static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

/* The largest power of two of pages within `bytes`; one page when there is none. */
uint64_t power_of_two_pages(uint64_t bytes)
{
	uint64_t size = page_bytes();

	while (size <= bytes / 2)
		size *= 2;
	return size;
}

} // namespace

Rings::~Rings()
{
	for (const RingMemory &ring : memory_)
		munmap(ring.control, ring_bytes_ + page_bytes());
}

int Rings::open(uint64_t budget_bytes, uint32_t watermark_bytes, tb_error *err)
{
	int code = online_cpus(&cpus_, err);
	if (code < 0)
		return code;
	ring_bytes_ = power_of_two_pages(budget_bytes / cpus_.size());

	perf_event_attr attr = make_attr(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY);
	attr.watermark = 1;
	attr.wakeup_watermark = static_cast<uint32_t>(std::min<uint64_t>(watermark_bytes, ring_bytes_));
	for (int cpu : cpus_) {
		Descriptor owner;

		code = open_event(attr, {-1, 0}, cpu, &owner);
		if (code < 0)
			return explain_refusal(err, code, "opening a perf event on each CPU");
		owners_.push_back(std::move(owner));
		code = map(cpu, owners_.back().get(), err);
		if (code < 0)
			return code;
	}
	return 0;
}

int Rings::map(int cpu, int fd, tb_error *err)
{
	void *address = mmap(nullptr, ring_bytes_ + page_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (address == MAP_FAILED) {
		const int code = -errno;

		tb_error__set(err, code, "mapping a ring of %" PRIu64 " bytes for CPU %d: %s%s", ring_bytes_,
			      cpu, strerror(-code),
			      code == -EPERM ? " (over the limit of locked memory: "
					       "kernel.perf_event_mlock_kb per CPU, then RLIMIT_MEMLOCK)"
					     : "");
		if (code == -EPERM)
			tb_error__mend(err,
				       "ask for a smaller --buffer, raise ulimit -l, or give CAP_IPC_LOCK");
		else
			tb_error__mend(err, "ask for a smaller --buffer, or free memory");
		return code;
	}
	auto *control = static_cast<perf_event_mmap_page *>(address);
	memory_.push_back({control, static_cast<const char *>(address) + page_bytes(), ring_bytes_,
			   static_cast<uint16_t>(cpu)});
	return 0;
}

void Rings::wait(uint64_t timeout_ns) const
{
	const timespec timeout = {static_cast<time_t>(timeout_ns / 1000000000),
				  static_cast<long>(timeout_ns % 1000000000)};
	std::vector<pollfd> polled;

	polled.reserve(owners_.size());
	for (const Descriptor &owner : owners_)
		polled.push_back({owner.get(), POLLIN, 0});
	ppoll(polled.data(), polled.size(), &timeout, nullptr);
}

} // namespace tb::perf
