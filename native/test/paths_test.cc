// SPDX-License-Identifier: Apache-2.0
/* Detail `paths`: strings read from a task's memory (our own), their bounds, and the arena. */
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../include/paths.h"
#include "check.h"

namespace
{

/* Pages with an unmapped one behind them. */
class Pages
{
public:
	explicit Pages(size_t pages) : bytes_(pages * page_size())
	{
		begin_ = static_cast<char *>(mmap(nullptr, bytes_ + page_size(), PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		munmap(begin_ + bytes_, page_size());
	}
	~Pages() { munmap(begin_, bytes_); }
	static size_t page_size() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
	char *end() const { return begin_ + bytes_; }
	/* The string's bytes, with its terminator, as the last ones. */
	char *put_last(const std::string &text) const
	{
		return static_cast<char *>(memcpy(end() - text.size() - 1, text.c_str(), text.size() + 1));
	}

private:
	char *begin_;
	size_t bytes_;
};

struct Read {
	tb_path head;
	std::string text;
};

Read string_at(const uint8_t *bytes, uint32_t *at)
{
	Read read;

	memcpy(&read.head, bytes + *at, sizeof(read.head));
	read.text.assign(reinterpret_cast<const char *>(bytes) + *at + sizeof(read.head), read.head.length);
	*at += static_cast<uint32_t>(sizeof(read.head)) + read.head.length;
	return read;
}

/* What argument 0 points to, as one string. */
Read read_one(const void *address)
{
	const tb_u64 args[6] = {reinterpret_cast<tb_u64>(address)};
	tb_paths paths;
	uint32_t at = 0;

	tb_paths__read(&paths, getpid(), 1, args);
	const Read read = string_at(paths.data, &at);

	CHECK_EQ(at, paths.bytes);
	return read;
}

} // namespace

TEST(path_table_names_the_arguments_that_are_paths)
{
	CHECK_EQ(int(tb_path_arguments(SYS_openat)), 1 << 1);
	CHECK_EQ(int(tb_path_arguments(SYS_execve)), 1 << 0);
	CHECK_EQ(int(tb_path_arguments(SYS_renameat2)), 1 << 1 | 1 << 3);
	CHECK_EQ(int(tb_path_arguments(SYS_symlinkat)), 1 << 0 | 1 << 2);
	CHECK_EQ(int(tb_path_arguments(SYS_read)), 0);
	CHECK_EQ(int(tb_path_arguments(-1)), 0);
	CHECK_EQ(int(tb_path_arguments(TB_NR_MAX)), 0);
	for (int nr = 0; nr < TB_NR_MAX; nr++)
		CHECK(__builtin_popcount(tb_path_arguments(nr)) <= TB_PATH_ARGS);
}

TEST(path_at_the_end_of_a_mapping_is_whole)
{
	const Pages pages(1);

	for (size_t length : {size_t{0}, size_t{1}, size_t{100}, size_t{TB_PATH_BYTES - 1}}) {
		const std::string text(length, 'p');
		const Read read = read_one(pages.put_last(text));

		CHECK_EQ(int(read.head.status), int(TB_PATH_WHOLE));
		CHECK_EQ(read.text, text);
	}
}

TEST(path_across_a_page_end_is_whole)
{
	const Pages pages(2);
	const std::string text(200, 'q');
	char *at = pages.end() - Pages::page_size() - 50;

	memcpy(at, text.c_str(), text.size() + 1);
	CHECK_EQ(read_one(at).text, text);
}

TEST(path_without_a_terminator_before_unmapped_memory_is_a_fault)
{
	const Pages pages(1);

	memset(pages.end() - 10, 'x', 10);
	const Read read = read_one(pages.end() - 10);

	CHECK_EQ(int(read.head.status), int(TB_PATH_FAULT));
	CHECK_EQ(int(read.head.length), 0);
}

TEST(path_in_unmapped_memory_is_a_fault)
{
	const Pages pages(1);

	CHECK_EQ(int(read_one(pages.end()).head.status), int(TB_PATH_FAULT));
	CHECK_EQ(int(read_one(reinterpret_cast<void *>(1)).head.status), int(TB_PATH_FAULT));
	CHECK_EQ(int(read_one(reinterpret_cast<void *>(UINT64_MAX)).head.status), int(TB_PATH_FAULT));
}

TEST(path_beyond_the_bound_is_cut)
{
	const Pages pages(2);

	for (size_t length : {size_t{TB_PATH_BYTES}, size_t{300}, size_t{4000}}) {
		const Read read = read_one(pages.put_last(std::string(length, 'r')));

		CHECK_EQ(int(read.head.status), int(TB_PATH_CUT));
		CHECK_EQ(read.text, std::string(TB_PATH_BYTES - 1, 'r'));
	}
	/* The memory need not go on behind what is read. */
	memset(pages.end() - TB_PATH_BYTES, 'r', TB_PATH_BYTES);
	CHECK_EQ(int(read_one(pages.end() - TB_PATH_BYTES).head.status), int(TB_PATH_CUT));
}

TEST(null_has_no_string_and_each_argument_its_own)
{
	const tb_u64 args[6] = {0, reinterpret_cast<tb_u64>("from"), 7, reinterpret_cast<tb_u64>("to")};
	tb_paths paths;
	uint32_t at = 0;

	tb_paths__read(&paths, getpid(), 1 << 0, args);
	CHECK_EQ(paths.bytes, 0u);
	tb_paths__read(&paths, getpid(), 1 << 1 | 1 << 3, args);
	const Read from = string_at(paths.data, &at), to = string_at(paths.data, &at);

	CHECK_EQ(at, paths.bytes);
	CHECK_EQ(int(from.head.arg), 1);
	CHECK_EQ(from.text, "from");
	CHECK_EQ(int(to.head.arg), 3);
	CHECK_EQ(to.text, "to");
}

TEST(memory_of_a_task_that_is_gone_is_a_fault)
{
	const tb_u64 args[6] = {reinterpret_cast<tb_u64>("text")};
	tb_paths paths;
	uint32_t at = 0;

	tb_paths__read(&paths, 0x3fffffff, 1, args);
	CHECK_EQ(int(string_at(paths.data, &at).head.status), int(TB_PATH_FAULT));
}

TEST(arena_takes_what_fits_and_counts_the_rest)
{
	uint8_t memory[64];
	tb_arena arena = {memory, 40, 0};
	tb_path_counters counters = {};
	tb_record first = {}, second = {}, third = {};
	tb_paths paths = {};
	uint32_t at;

	memset(memory, 0xee, sizeof(memory));
	tb_paths__add(&paths, 1, TB_PATH_WHOLE, "0123456789", 10);
	tb_paths__deliver(paths.data, paths.bytes, &arena, &first, &counters);
	CHECK_EQ(first.aux, 14u);
	tb_paths__add(&paths, 3, TB_PATH_FAULT, nullptr, 0);
	tb_paths__deliver(paths.data, paths.bytes, &arena, &second, &counters);
	CHECK_EQ(second.aux, uint64_t{14} << 32 | 18);
	/* 8 bytes are left: not for ten letters, but for what says that the other could not be read. */
	tb_paths__deliver(paths.data, paths.bytes, &arena, &third, &counters);
	CHECK_EQ(third.aux, uint64_t{32} << 32 | 4);
	CHECK_EQ(counters.read, 2u);
	CHECK_EQ(counters.failed, 2u);
	CHECK_EQ(counters.left_out, 1u);
	CHECK_EQ(counters.cut, 0u);
	at = 14;
	CHECK_EQ(string_at(memory, &at).text, "0123456789");
	at = 32;
	CHECK_EQ(int(string_at(memory, &at).head.arg), 3);
	for (int i = 40; i < 64; i++)
		CHECK_EQ(int(memory[i]), 0xee);
}

TEST(without_an_arena_every_string_is_left_out)
{
	tb_path_counters counters = {};
	tb_record record = {};
	tb_paths paths = {};

	record.aux = 7;
	tb_paths__add(&paths, 0, TB_PATH_WHOLE, "x", 1);
	tb_paths__deliver(paths.data, paths.bytes, nullptr, &record, &counters);
	CHECK_EQ(record.aux, 0u);
	CHECK_EQ(counters.left_out, 1u);
}

TEST(damaged_strings_are_not_read_beyond_their_end)
{
	uint8_t memory[64];
	tb_arena arena = {memory, sizeof(memory), 0};
	tb_path_counters counters = {};
	tb_record record = {};
	tb_path head = {.arg = 0, .status = TB_PATH_WHOLE, .length = 1000};
	uint8_t strings[8] = {};

	memcpy(strings, &head, sizeof(head));
	tb_paths__deliver(strings, sizeof(strings), &arena, &record, &counters);
	CHECK_EQ(record.aux, 0u);
	CHECK_EQ(arena.used, 0u);
}
