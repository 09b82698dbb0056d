/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel writes for one hit of a tracepoint, taken apart. Knows memory only, so it is tested without a kernel. */
#ifndef TRACEBENCH_PERF_SAMPLE_H
#define TRACEBENCH_PERF_SAMPLE_H

#include <cstdint>
#include <cstring>
#include <linux/perf_event.h>

namespace tb::perf
{

/* Every event of a ring samples the same, in this order; the tracepoint's id at the head of the raw data tells them apart. */
constexpr uint64_t kSampleType = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW | PERF_SAMPLE_REGS_USER;

/* Header, pid and tid, time, size of the raw data. */
constexpr uint32_t kSampleHead = 8 + 8 + 8 + 4;

/* Bytes a record takes in the ring: raw data of `raw` bytes with their size fill whole words, then ABI and registers. */
constexpr uint32_t sample_bytes(uint32_t raw, unsigned registers)
{
	return kSampleHead - 4 + (4 + raw + 7) / 8 * 8 + 8 + 8 * registers;
}

/* Points into the ring; good until the ring is read on. */
struct Sample {
	uint64_t ts_ns;
	uint32_t tid, tgid;
	uint16_t cpu;
	uint16_t type;   /* id of the tracepoint */
	const char *raw; /* the tracepoint's own data, from its id on */
	uint32_t raw_bytes;
	uint64_t abi;          /* enum perf_sample_regs_abi; NONE: no registers */
	const char *registers; /* as many words as the events' mask has bits; null with ABI NONE */
};

/* Where the kernel's tracepoints have their fields, from their format files. */
struct RawLayout {
	uint32_t enter_nr = 8, enter_args = 16;
	uint32_t exit_nr = 8, exit_ret = 16;
};

template <typename T> T load(const char *from)
{
	T value;

	memcpy(&value, from, sizeof(value));
	return value;
}

/* False when the raw data is too short for it. */
template <typename T> bool raw_field(const Sample &sample, uint32_t offset, T *value)
{
	if (sample.raw_bytes < offset || sample.raw_bytes - offset < sizeof(T))
		return false;
	memcpy(value, sample.raw + offset, sizeof(T));
	return true;
}

/* `record` is `size` bytes with its header. False when it is no sample of ours; *sample is then undefined. */
bool decode_sample(const char *record, uint32_t size, unsigned registers, Sample *sample);

} // namespace tb::perf

#endif
