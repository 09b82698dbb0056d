/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "tracefs_root.h"

namespace tb::ftrace
{

namespace
{

bool find_value(const char *text, const char *label, uint64_t *value)
{
	const char *at = strstr(text, label);

	return at && sscanf(at + strlen(label), " %" SCNu64, value) == 1;
}

} // namespace

bool parse_stats(const char *text, CpuStats *stats)
{
	return find_value(text, "\nentries:", &stats->unread) &&
	       find_value(text, "\noverrun:", &stats->overrun) &&
	       find_value(text, "\ncommit overrun:", &stats->commit_overrun) &&
	       find_value(text, "\ndropped events:", &stats->dropped) &&
	       find_value(text, "\nread events:", &stats->read);
}

std::string instance_name(const char *suffix)
{
	char name[96];

	tb_tracefs__instance_name(name, sizeof(name), suffix);
	return name;
}

int Instance::create(const Fd &tracefs, const std::string &name, bool overwrite, tb_error *err)
{
	parent_ = Fd(openat(tracefs.get(), "instances", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!parent_ || mkdirat(parent_.get(), name.c_str(), 0700) != 0) {
		int code = -errno;

		tb_error__set(err, code, "making the tracing instance %s: %s", name.c_str(), strerror(-code));
		if (code == -EEXIST)
			tb_error__mend(err, "it is another run's of this process; a leftover is removed by: "
					    "./tracebench doctor --repair");
		else if (code == -EPERM || code == -EACCES)
			tb_error__mend(
				err,
				"run as root (sudo); lockdown=confidentiality forbids tracefs altogether");
		else if (code == -ENOMEM)
			tb_error__mend(err, "free memory");
		return code;
	}
	name_ = name;
	folder_ = Fd(openat(parent_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!folder_) {
		int code = -errno;

		return tb_error__set(err, code, "opening the tracing instance %s: %s", name.c_str(),
				     strerror(-code));
	}
	return configure(overwrite, err);
}

int Instance::configure(bool overwrite, tb_error *err)
{
	int code = write("tracing_on", "0", err);

	if (code == 0)
		code = write("trace_clock", "mono", err);
	if (code == 0)
		code = write("options/overwrite", overwrite ? "1" : "0", err);
	if (code == 0)
		code = write("options/event-fork", "1", err);
	return code == 0 ? find_cpus(err) : code;
}

int Instance::find_cpus(tb_error *err)
{
	Fd folder;
	int code = open("per_cpu", O_RDONLY | O_DIRECTORY, &folder, err);
	if (code < 0)
		return code;
	std::unique_ptr<DIR, int (*)(DIR *)> list(fdopendir(dup(folder.get())), closedir);
	if (!list)
		return tb_error__set(err, -errno, "listing the CPUs of the tracing instance: %s",
				     strerror(errno));
	while (const dirent *entry = readdir(list.get())) {
		unsigned cpu;

		if (sscanf(entry->d_name, "cpu%u", &cpu) == 1)
			cpus_.push_back(cpu);
	}
	std::sort(cpus_.begin(), cpus_.end());
	for (unsigned cpu : cpus_) {
		char path[64];
		Fd stats;

		snprintf(path, sizeof(path), "per_cpu/cpu%u/stats", cpu);
		code = open(path, O_RDONLY, &stats, err);
		if (code < 0)
			return code;
		stats_.push_back(std::move(stats));
	}
	if (cpus_.empty())
		return tb_error__set(err, -ENODEV, "the tracing instance has no buffers");
	return 0;
}

int Instance::resize(uint64_t bytes_per_cpu, const Formats &formats, tb_error *err)
{
	/* The kernel takes the room for events in KiB and rounds it up to sub-buffers. */
	const uint64_t sub_buffers = std::max<uint64_t>(2, bytes_per_cpu / formats.sub_buffer_bytes);
	std::string text;
	const auto in_sub_buffers = [&formats](uint64_t kib) {
		return (kib * 1024 + formats.event_bytes() - 1) / formats.event_bytes() *
		       formats.sub_buffer_bytes;
	};
	int code = write("buffer_size_kb", std::to_string(sub_buffers * formats.event_bytes() / 1024), err);

	if (code < 0) {
		tb_error__mend(err, "ask for a smaller --buffer, or free memory");
		return code;
	}
	code = read("buffer_size_kb", &text, err);
	bytes_per_cpu_ = in_sub_buffers(strtoull(text.c_str(), nullptr, 10));
	bytes_ = bytes_per_cpu_ * cpus_.size();
	if (code == 0 && bytes_per_cpu_ == 0) /* "X" where the CPUs differ */
		return tb_error__set(err, -EPROTO,
				     "the kernel does not tell the size of the buffers it made");
	return code;
}

int Instance::add_event(const char *event, const std::string &filter, tb_error *err)
{
	const std::string folder = std::string("events/") + event;

	if (!filter.empty()) {
		int code = write((folder + "/filter").c_str(), filter, err);
		if (code < 0)
			return code;
	}
	events_.push_back(folder + "/enable");
	return 0;
}

int Instance::start(pid_t pid, tb_error *err)
{
	int code = write("set_event_pid", std::to_string(pid), err);

	if (code == 0)
		code = write("tracing_on", "1", err);
	for (size_t i = 0; code == 0 && i < events_.size(); i++) {
		started_ = true;
		code = write(events_[i].c_str(), "1", err);
	}
	return code;
}

int Instance::stop(tb_error *err)
{
	int first = 0;

	if (!started_)
		return 0;
	started_ = false;
	for (const std::string &event : events_) {
		tb_error ignored;
		int code = write(event.c_str(), "0", first == 0 ? err : &ignored);

		first = first == 0 ? code : first;
	}
	return first;
}

int Instance::write(const char *path, const std::string &text, tb_error *err) const
{
	return write_file(folder_.get(), path, text, err);
}

int Instance::read(const char *path, std::string *text, tb_error *err) const
{
	return read_file(folder_.get(), path, text, err);
}

int Instance::open(const char *path, int flags, Fd *fd, tb_error *err) const
{
	*fd = Fd(openat(folder_.get(), path, flags | O_CLOEXEC));
	if (*fd)
		return 0;
	int code = -errno;

	return tb_error__set(err, code, "opening the tracing instance's %s: %s", path, strerror(-code));
}

int Instance::read_stats(size_t cpu_index, CpuStats *stats, tb_error *err) const
{
	char text[512] = "\n"; /* so that every label begins a line */
	ssize_t n = pread(stats_[cpu_index].get(), text + 1, sizeof(text) - 2, 0);

	if (n < 0)
		return tb_error__set(err, -errno, "reading the statistics of CPU %u's buffer: %s",
				     cpus_[cpu_index], strerror(errno));
	text[n + 1] = '\0';
	if (!parse_stats(text, stats))
		return tb_error__set(err, -EPROTO,
				     "the statistics of CPU %u's buffer are not as known: %.60s",
				     cpus_[cpu_index], text + 1);
	return 0;
}

void Instance::remove()
{
	tb_error nobody_reads;

	if (name_.empty())
		return;
	stop(&nobody_reads);
	stats_.clear();
	folder_ = Fd();
	unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR);
	name_.clear();
}

} // namespace tb::ftrace
