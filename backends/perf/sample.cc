/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

namespace tb::perf
{

bool decode_sample(const char *record, uint32_t size, unsigned registers, Sample *sample)
{
	constexpr uint32_t kTypeBytes = sizeof(uint16_t);

	if (size < kSampleHead)
		return false;
	sample->tgid = load<uint32_t>(record + 8);
	sample->tid = load<uint32_t>(record + 12);
	sample->ts_ns = load<uint64_t>(record + 16);
	sample->raw_bytes = load<uint32_t>(record + 24);
	sample->raw = record + kSampleHead;
	if (sample->raw_bytes < kTypeBytes || sample->raw_bytes > size - kSampleHead)
		return false;
	sample->type = load<uint16_t>(sample->raw);

	uint32_t at = kSampleHead + sample->raw_bytes;
	if (size - at < sizeof(uint64_t))
		return false;
	sample->abi = load<uint64_t>(record + at);
	at += sizeof(uint64_t);
	if (sample->abi == PERF_SAMPLE_REGS_ABI_NONE) {
		sample->registers = nullptr;
		return size == at;
	}
	sample->registers = record + at;
	return sample->abi <= PERF_SAMPLE_REGS_ABI_64 && size - at == registers * sizeof(uint64_t);
}

} // namespace tb::perf
