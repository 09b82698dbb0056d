/* SPDX-License-Identifier: Apache-2.0 */
#include "printk_instance.h"

#include <algorithm>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "carrier.h"
#include "clock.h"
#include "tracefs_root.h"

namespace tb::ebpf
{

namespace
{

/*
 * The kernel turns the event on from a work queue, once or more for each program, and nothing says when it is done. So what
 * is waited for is the first time, at most so long; then that it stays off for so long; all in all no longer than that.
 */
constexpr uint64_t kFirstNs = 100000000;
constexpr uint64_t kQuietNs = 20000000;
constexpr uint64_t kPatienceNs = 500000000;
constexpr uint64_t kLookNs = 500000;
constexpr uint64_t kSubBufferHead = 16;

} // namespace

uint64_t sub_buffer_event_bytes()
{
	return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) - kSubBufferHead;
}

PrintkInstance::~PrintkInstance()
{
	tb_error nobody_reads;

	if (!path_.empty()) {
		put_back(&nobody_reads);
		if (!settled_)
			settle(&nobody_reads);
		if (folder_ >= 0)
			close(folder_);
		unlinkat(tracefs_, path_.c_str(), AT_REMOVEDIR);
	}
	if (tracefs_ >= 0)
		close(tracefs_);
}

int PrintkInstance::write(const char *path, const char *text, tb_error *err) const
{
	const int code = tb_tracefs__write(folder_, path, text);

	return code < 0 ? tb_error__set(err, code, "writing %s to the tracing instance's %s: %s", text, path,
					strerror(-code))
			: 0;
}

bool PrintkInstance::top_level_is_on() const
{
	char text[8];

	return tb_tracefs__read(tracefs_, TB_TRACEFS_PRINTK_EVENT, text, sizeof(text)) > 0 && *text != '0';
}

int PrintkInstance::create(uint64_t buffer_bytes, tb_error *err)
{
	char name[96];

	tracefs_ = tb_tracefs__open();
	if (tracefs_ < 0) {
		tb_error__set(err, tracefs_, "tracefs, in which the text is read: %s", strerror(-tracefs_));
		tb_error__mend(err, "run as root, e.g. with sudo");
		return tracefs_;
	}
	was_off_ = !top_level_is_on();
	tb_tracefs__instance_name(name, sizeof(name), was_off_ ? TB_TRACEFS_PRINTK_OFF : "printk");
	const std::string path = std::string("instances/") + name;
	if (mkdirat(tracefs_, path.c_str(), 0700) != 0) {
		const int code = -errno;

		tb_error__set(err, code, "making the tracing instance %s: %s", name, strerror(-code));
		if (code == -EEXIST)
			tb_error__mend(err, "it is another run's of this process; a leftover is removed by: "
					    "./tracebench doctor --repair");
		else if (code == -EPERM || code == -EACCES)
			tb_error__mend(
				err,
				"run as root (sudo); lockdown=confidentiality forbids tracefs altogether");
		return code;
	}
	path_ = path;
	folder_ = openat(tracefs_, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_ < 0) {
		const int code = -errno;

		return tb_error__set(err, code, "opening the tracing instance %s: %s", name, strerror(-code));
	}
	return configure(buffer_bytes, err);
}

int PrintkInstance::configure(uint64_t buffer_bytes, tb_error *err)
{
	char text[64], file[64];
	uint64_t kib = 0;

	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		snprintf(file, sizeof(file), "per_cpu/cpu%d/stats", cpu);
		if (faccessat(folder_, file, R_OK, 0) == 0)
			cpus_.push_back(cpu);
	}
	if (cpus_.empty())
		return tb_error__set(err, -ENODEV, "the tracing instance has no buffers");
	int code = write("tracing_on", "0", err);
	if (code == 0)
		code = write("trace_clock", "mono", err); /* by which the pipe merges its CPUs */
	if (code == 0)
		code = write("options/overwrite", "0", err);
	if (code == 0)
		code = write("options/context-info", "0", err); /* the text has all that we read */
	if (code < 0)
		return code;
	/* The kernel takes the room for events in KiB and rounds it up to sub-buffers. */
	const uint64_t pages = std::max<uint64_t>(2, buffer_bytes / cpus_.size() / sysconf(_SC_PAGESIZE));
	snprintf(text, sizeof(text), "%" PRIu64, pages * sub_buffer_event_bytes() / 1024);
	code = write("buffer_size_kb", text, err);
	if (code < 0) {
		tb_error__mend(err, "ask for a smaller --buffer, or free memory");
		return code;
	}
	code = tb_tracefs__read(folder_, "buffer_size_kb", text, sizeof(text));
	if (code < 0 || sscanf(text, "%" SCNu64, &kib) != 1 || kib == 0)
		return tb_error__set(err, -EPROTO,
				     "the kernel does not tell the size of the buffers it made");
	pages_ = (kib * 1024 + sub_buffer_event_bytes() - 1) / sub_buffer_event_bytes();
	return 0;
}

int PrintkInstance::put_back(tb_error *err) const
{
	if (!was_off_ || !top_level_is_on())
		return 0;
	const int code = tb_tracefs__write(tracefs_, TB_TRACEFS_PRINTK_EVENT, "0");

	return code < 0 ? tb_error__set(err, code, "turning the top-level %s off again: %s",
					TB_TRACEFS_PRINTK_EVENT, strerror(-code))
			: 0;
}

int PrintkInstance::settle(tb_error *err)
{
	const uint64_t began_ns = tb_monotonic_ns();
	uint64_t now_ns = began_ns, off_since_ns = began_ns;
	bool seen = false;

	settled_ = true;
	while (was_off_ && now_ns - off_since_ns < (seen ? kQuietNs : kFirstNs)) {
		if (top_level_is_on()) {
			const int code = put_back(err);

			if (code < 0)
				return code;
			seen = true;
			off_since_ns = now_ns;
		}
		if (now_ns - began_ns > kPatienceNs) {
			tb_error__set(err, -EBUSY, "the top-level %s is turned on again and again",
				      TB_TRACEFS_PRINTK_EVENT);
			tb_error__mend(err, "wait until nobody else loads BPF programs that print");
			return -EBUSY;
		}
		nap(kLookNs, kLookNs);
		now_ns = tb_monotonic_ns();
	}
	return 0;
}

int PrintkInstance::start(tb_error *err)
{
	int code = settle(err);
	if (code == 0)
		code = write(TB_TRACEFS_PRINTK_EVENT, "1", err);
	return code == 0 ? write("tracing_on", "1", err) : code;
}

int PrintkInstance::open_pipe(tb_error *err) const
{
	const int pipe = openat(folder_, "trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return pipe < 0 ? tb_error__set(err, -errno, "opening the tracing instance's trace_pipe: %s",
					strerror(errno))
			: pipe;
}

uint64_t PrintkInstance::dropped() const
{
	static constexpr char kLabel[] = "\ndropped events:";
	uint64_t sum = 0;

	for (const int cpu : cpus_) {
		char file[64], text[512];

		snprintf(file, sizeof(file), "per_cpu/cpu%d/stats", cpu);
		if (tb_tracefs__read(folder_, file, text, sizeof(text)) < 0)
			continue;
		if (const char *at = strstr(text, kLabel))
			sum += strtoull(at + strlen(kLabel), nullptr, 10);
	}
	return sum;
}

} // namespace tb::ebpf
