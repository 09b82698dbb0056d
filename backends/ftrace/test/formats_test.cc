// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "check.h"
#include "golden.h"

using namespace tb::ftrace;

namespace
{

/* A folder with the format files where tracefs has them; removed with its owner. */
class FakeTracefs
{
public:
	FakeTracefs()
	{
		char path[] = "/tmp/tb-formats-XXXXXX";

		if (!mkdtemp(path))
			throw std::runtime_error("no folder for the formats");
		path_ = path;
		for (const auto &[group, name] : {std::pair{"raw_syscalls", "sys_enter"},
						  {"raw_syscalls", "sys_exit"},
						  {"task", "task_newtask"},
						  {"sched", "sched_process_exec"},
						  {"sched", "sched_process_exit"}}) {
			const std::string folder = path_ + "/events/" + group + "/" + name;

			std::filesystem::create_directories(folder);
			put("/events/" + std::string(group) + "/" + name + "/format",
			    golden(std::string(name) + ".format"));
		}
		put("/events/header_page", golden("header_page"));
	}
	~FakeTracefs() { std::filesystem::remove_all(path_); }

	void put(const std::string &file, const std::string &text) { std::ofstream(path_ + file) << text; }
	void drop(const std::string &file) { std::filesystem::remove(path_ + file); }

	int load(Formats *formats, tb_error *err) const
	{
		Fd root(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));

		return formats->load(root, err);
	}

private:
	std::string path_;
};

} // namespace

Formats golden_formats()
{
	Formats formats = {};
	tb_error err = {};

	if (FakeTracefs().load(&formats, &err) != 0)
		throw std::runtime_error(err.message);
	return formats;
}

TEST(formats_of_this_kernel)
{
	const Formats f = golden_formats();

	CHECK_EQ(f.sub_buffer_bytes, 4096u);
	CHECK_EQ(f.event_bytes(), 4080u);
	CHECK_EQ(f.enter.id, 443);
	CHECK_EQ(f.enter.bytes, 64u);
	CHECK_EQ(f.enter_nr.offset, 8u);
	CHECK_EQ(f.enter_args.offset, 16u);
	CHECK_EQ(f.leave.id, 442);
	CHECK_EQ(f.leave.bytes, 24u);
	CHECK_EQ(f.leave_ret.offset, 16u);
	CHECK_EQ(f.new_tid.offset, 8u);
	CHECK_EQ(f.new_flags.offset, 32u);
	CHECK_EQ(f.exec_old_tid.offset, 16u);
	CHECK_EQ(Formats::bytes_in_buffer(f.enter.bytes) + Formats::bytes_in_buffer(f.leave.bytes), 96u);
}

TEST(formats_are_taken_from_the_files)
{
	FakeTracefs tracefs;
	std::string text = golden("sys_exit.format");
	Formats f = {};
	tb_error err = {};

	text.replace(text.find("ID: 442"), 7, "ID: 977");
	text.replace(text.find("offset:16;"), 10, "offset:40;");
	tracefs.put("/events/raw_syscalls/sys_exit/format", text);
	CHECK_EQ(tracefs.load(&f, &err), 0);
	CHECK_EQ(f.leave.id, 977);
	CHECK_EQ(f.leave_ret.offset, 40u);
	CHECK_EQ(f.leave.bytes, 48u);
}

TEST(formats_that_are_not_as_known_are_refused)
{
	const auto refused = [](const char *file, const std::string &text) {
		FakeTracefs tracefs;
		Formats f = {};
		tb_error err = {};

		tracefs.put(file, text);
		const int code = tracefs.load(&f, &err);
		CHECK(code < 0);
		CHECK_EQ(err.code, code);
		CHECK(err.message[0]);
		return std::string(err.message);
	};
	std::string text = golden("sys_enter.format");

	text.replace(text.find("args[6]"), 7, "argu[6]");
	CHECK(refused("/events/raw_syscalls/sys_enter/format", text).find("no field args") !=
	      std::string::npos);
	text = golden("sys_enter.format");
	const std::string six = "args[6];\toffset:16;\tsize:48", two = "args[2];\toffset:16;\tsize:16";
	text.replace(text.find(six), six.size(), two);
	CHECK(refused("/events/raw_syscalls/sys_enter/format", text).find("six arguments") !=
	      std::string::npos);
	refused("/events/task/task_newtask/format", "");
	refused("/events/task/task_newtask/format", "name: task_newtask\nID: x\nformat:\n");
	refused("/events/header_page", "nothing of the kind");
}

TEST(formats_missing_event_names_the_mend)
{
	FakeTracefs tracefs;
	Formats f = {};
	tb_error err = {};

	tracefs.drop("/events/raw_syscalls/sys_enter/format");
	CHECK_EQ(tracefs.load(&f, &err), -ENOENT);
	CHECK(std::string(err.mend).find("CONFIG_FTRACE_SYSCALLS") != std::string::npos);
}
