/* SPDX-License-Identifier: Apache-2.0 */
#include "printk_line.h"

namespace tb::ebpf
{

namespace
{

/* What the event's own format puts before the text, and what the programs begin theirs with. */
constexpr std::string_view kBegin = "bpf_trace_printk: tracebench";

/* Takes " " and exactly `digits` lower-case hexadecimal ones off the front. */
bool take(std::string_view *rest, unsigned digits, uint64_t *value)
{
	if (rest->size() < 1 + digits || rest->front() != ' ')
		return false;
	*value = 0;
	for (const char c : rest->substr(1, digits)) {
		if (c >= '0' && c <= '9')
			*value = *value << 4 | static_cast<unsigned>(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | static_cast<unsigned>(c - 'a' + 10);
		else
			return false;
	}
	rest->remove_prefix(1 + digits);
	return true;
}

} // namespace

PrintkLine parse_printk_line(std::string_view line, tb_record *record)
{
	static constexpr unsigned kDigits[12] = {16, 16, 8, 8, 8, 16, 16, 16, 16, 16, 16, 16};
	uint64_t words[12];

	if (line.substr(0, kBegin.size()) != kBegin)
		return PrintkLine::foreign;
	line.remove_prefix(kBegin.size());
	for (unsigned i = 0; i < 12; i++)
		if (!take(&line, kDigits[i], &words[i]))
			return PrintkLine::damaged;
	const uint64_t head = words[4];
	const uint8_t kind = head >> TB_PRINTK_KIND & 0xf;
	const bool unused = head >> (TB_PRINTK_ARGS + 1) & 7;
	if (!line.empty() || unused || kind < TB_KIND_CALL || kind > TB_KIND_REFUSED)
		return PrintkLine::damaged;
	*record = {};
	record->ts_ns = words[0];
	record->tgid = static_cast<uint32_t>(words[1] >> 32);
	record->tid = static_cast<uint32_t>(words[1]);
	record->nr = static_cast<int32_t>(words[2]);
	record->arch = static_cast<uint32_t>(words[3]);
	record->cpu = static_cast<uint16_t>(head);
	record->kind = kind;
	record->args_valid = head >> TB_PRINTK_ARGS & 1 ? 0x3f : 0;
	record->flags = static_cast<uint32_t>(head >> TB_PRINTK_FLAGS);
	record->ret = static_cast<int64_t>(words[5]);
	for (unsigned i = 0; i < 6; i++)
		record->args[i] = words[6 + i];
	return PrintkLine::record;
}

} // namespace tb::ebpf
