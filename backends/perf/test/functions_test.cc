/* SPDX-License-Identifier: Apache-2.0 */
#include <cerrno>
#include <cstring>

#include "check.h"
#include "elf_symbol.h"
#include "functions.h"
#include "registers.h"

using namespace tb::perf;

/* Looked for in this very program. */
extern "C" __attribute__((noinline, used)) int functions_test_subject(int i)
{
	return i * 3;
}

namespace
{

constexpr char kSelf[] = "/proc/self/exe";

} // namespace

TEST(a_symbol_is_found_at_its_bytes_in_the_file)
{
	tb_error err = {};
	uint64_t offset = 0;
	char in_file[8];

	CHECK_EQ(symbol_offset(kSelf, "functions_test_subject", &offset, &err), 0);
	FILE *file = fopen(kSelf, "re");
	CHECK(file != nullptr);
	CHECK_EQ(fseek(file, static_cast<long>(offset), SEEK_SET), 0);
	CHECK_EQ(fread(in_file, 1, sizeof(in_file), file), sizeof(in_file));
	fclose(file);
	CHECK_EQ(memcmp(in_file, reinterpret_cast<const void *>(functions_test_subject), sizeof(in_file)), 0);
}

TEST(what_has_no_such_function_says_so)
{
	tb_error err = {};
	uint64_t offset;

	CHECK_EQ(symbol_offset(kSelf, "functions_test_subjec", &offset, &err), -ENOENT);
	CHECK(strstr(err.message, "functions_test_subjec") != nullptr);
	CHECK_EQ(symbol_offset("/proc/self/status", "main", &offset, &err), -ENOEXEC);
	CHECK_EQ(symbol_offset("/nonexistent/program", "main", &offset, &err), -ENOENT);
	CHECK_EQ(strcmp(err.mend, "npm run build"), 0);
}

TEST(a_sample_of_a_function_is_a_call_of_it_and_of_no_number)
{
	FunctionRegisters registers;
	uint64_t words[6] = {100, 101, 102, 103, 104, 105};

	static_assert(sizeof(registers) == sizeof(words));
	memcpy(&registers, words, sizeof(words));
	Sample sample = {};
	tb_record out[2];
	uint64_t expected[6];

	sample.ts_ns = 7;
	sample.tid = 8;
	sample.tgid = 9;
	sample.cpu = 1;
	sample.abi = PERF_SAMPLE_REGS_ABI_64;
	sample.registers = reinterpret_cast<const char *>(&registers);
	const auto calls = make_function_calls();
	CHECK_EQ(calls->take(sample, out), 1u);
	function_args(registers, expected);
	CHECK_EQ(int{out[0].kind}, int{TB_KIND_FUNCTION});
	CHECK_EQ(out[0].nr, TB_NR_FUNCTION);
	CHECK_EQ(out[0].tid, 8u);
	CHECK_EQ(out[0].tgid, 9u);
	CHECK_EQ(out[0].ts_ns, 7u);
	CHECK_EQ(out[0].flags, uint32_t{TB_F_ENTER});
	CHECK_EQ(int{out[0].args_valid}, 0x3f);
	CHECK_EQ(memcmp(out[0].args, expected, sizeof(expected)), 0);
	sample.registers = nullptr;
	CHECK_EQ(calls->take(sample, out), 1u);
	CHECK_EQ(int{out[0].args_valid}, 0);
}
