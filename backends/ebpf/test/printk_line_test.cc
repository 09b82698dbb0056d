// SPDX-License-Identifier: Apache-2.0
/* Lines as the programs' format makes them, damaged ones, and what others print. */
#include <cstdio>
#include <cstring>
#include <random>
#include <string>

#include "check.h"
#include "printk_line.h"

using namespace tb::ebpf;

namespace
{

tb_record any_record(std::mt19937_64 &random)
{
	tb_record r = {};

	r.ts_ns = random();
	r.tid = static_cast<uint32_t>(random());
	r.tgid = static_cast<uint32_t>(random());
	r.nr = static_cast<int32_t>(random());
	r.arch = static_cast<uint32_t>(random());
	r.cpu = static_cast<uint16_t>(random());
	r.kind = static_cast<uint8_t>(TB_KIND_CALL + random() % 3);
	r.args_valid = random() % 2 ? 0x3f : 0;
	r.flags = static_cast<uint8_t>(random());
	r.ret = static_cast<int64_t>(random());
	for (tb_u64 &arg : r.args)
		arg = random();
	return r;
}

/* As bpf/transport.h packs it. */
std::string print(const tb_record &r)
{
	const unsigned head = r.cpu | static_cast<unsigned>(r.kind) << TB_PRINTK_KIND |
			      static_cast<unsigned>(r.args_valid != 0) << TB_PRINTK_ARGS |
			      r.flags << TB_PRINTK_FLAGS;
	char text[TB_PRINTK_BYTES + 1];
	const auto word = [](tb_u64 value) {
		return static_cast<unsigned long long>(value);
	};
	const int n =
		snprintf(text, sizeof(text), TB_PRINTK_FORMAT, word(r.ts_ns),
			 word(static_cast<tb_u64>(r.tgid) << 32 | r.tid), static_cast<unsigned>(r.nr), r.arch,
			 head, word(static_cast<tb_u64>(r.ret)), word(r.args[0]), word(r.args[1]),
			 word(r.args[2]), word(r.args[3]), word(r.args[4]), word(r.args[5]));

	CHECK_EQ(n, TB_PRINTK_BYTES);
	return std::string("bpf_trace_printk: ") + text;
}

} // namespace

/* As Linux 6.18 gave it. */
TEST(a_line_of_the_real_kernel_is_a_record)
{
	tb_record r;
	const char *line =
		"bpf_trace_printk: tracebench 00000c759eb24b1a 0000746f0000746f 00000003 c000003e 01110001 "
		"0000000000000000 0000000000000003 00007f307ec12368 0000000000000000 ffff80cf813edcbc "
		"00000000c0008002 0000000000000020";
	const tb_u64 args[] = {3, 0x7f307ec12368, 0, 0xffff80cf813edcbc, 0xc0008002, 0x20};

	CHECK(parse_printk_line(line, &r) == PrintkLine::record);
	CHECK_EQ(r.ts_ns, 0xc759eb24b1au);
	CHECK_EQ(r.tid, 0x746fu);
	CHECK_EQ(r.tgid, 0x746fu);
	CHECK_EQ(r.nr, 3); /* close */
	CHECK_EQ(r.arch, TB_ARCH_X86_64);
	CHECK_EQ(r.cpu, 1);
	CHECK_EQ(r.kind, TB_KIND_CALL);
	CHECK_EQ(r.args_valid, 0x3f);
	CHECK_EQ(r.flags, static_cast<uint32_t>(TB_F_RET));
	CHECK_EQ(r.ret, 0);
	for (unsigned i = 0; i < 6; i++)
		CHECK_EQ(r.args[i], args[i]);
}

TEST(every_record_comes_back_as_it_was_printed)
{
	std::mt19937_64 random(1);

	for (int i = 0; i < 10000; i++) {
		const tb_record made = any_record(random);
		tb_record read;

		CHECK(parse_printk_line(print(made), &read) == PrintkLine::record);
		CHECK_EQ(memcmp(&made, &read, sizeof(read)), 0);
	}
}

TEST(a_line_cut_anywhere_or_with_more_behind_it_is_no_record)
{
	std::mt19937_64 random(2);
	const std::string line = print(any_record(random));
	const size_t ours = sizeof("bpf_trace_printk: tracebench") - 1;
	tb_record r;

	for (size_t length = 0; length < line.size(); length++)
		CHECK(parse_printk_line(line.substr(0, length), &r) ==
		      (length < ours ? PrintkLine::foreign : PrintkLine::damaged));
	CHECK(parse_printk_line(line + " ", &r) == PrintkLine::damaged);
}

TEST(another_byte_anywhere_is_another_record_or_none)
{
	std::mt19937_64 random(3);

	for (int i = 0; i < 20000; i++) {
		const tb_record made = any_record(random);
		std::string line = print(made);
		char &byte = line[random() % line.size()];
		const char other = static_cast<char>(random());
		tb_record read;

		if (byte == other)
			continue;
		byte = other;
		if (parse_printk_line(line, &read) == PrintkLine::record)
			CHECK(memcmp(&made, &read, sizeof(read)) != 0);
	}
}

TEST(what_others_print_and_the_pipes_remarks_are_foreign)
{
	tb_record r;

	CHECK(parse_printk_line("bpf_trace_printk: hello", &r) == PrintkLine::foreign);
	CHECK(parse_printk_line("CPU:0 [LOST 12 EVENTS]", &r) == PrintkLine::foreign);
	CHECK(parse_printk_line("", &r) == PrintkLine::foreign);
}
