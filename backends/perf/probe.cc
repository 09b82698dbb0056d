/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/syscall.h>

#include "cgroup.h"
#include "event.h"
#include "registers.h"
#include "trace.h"

namespace tb::perf
{

namespace
{

constexpr uint64_t kProbeBufferBytes = 65536;
constexpr uint64_t kWord = 0x70657266'70726f62; /* in a register that getppid does not look at */
constexpr uint32_t kRecords = 64;

/* Short of something that another moment may have: no answer about the machine. */
bool is_momentary(int code)
{
	return code == -ENOMEM || code == -EMFILE || code == -ENFILE || code == -EAGAIN || code == -EINTR;
}

/* Whether the kernel takes events on control groups, tried on our own without starting one. 0 or -errno. */
int try_cgroup(tb_error *err)
{
	perf_event_attr attr = make_attr(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY);
	std::string directory;
	Descriptor event;

	int code = cgroup_of(getpid(), &directory, err);
	if (code < 0)
		return code;
	Descriptor group(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!group.is_open() || access(directory.c_str(), W_OK) != 0) {
		code = -errno;
		tb_error__set(err, code, "a control group for the target cannot be made in %.200s: %s",
			      directory.c_str(), strerror(-code));
		tb_error__mend(err, "run as root (sudo), on the host or with a writable /sys/fs/cgroup");
		return code;
	}
	code = open_event(attr, {group.get(), PERF_FLAG_PID_CGROUP}, 0, &event);
	if (code == -EINVAL) {
		tb_error__set(err, -ENOTSUP, "this kernel has no perf events for control groups");
		tb_error__mend(err, "use a kernel with CONFIG_CGROUP_PERF=y");
		return -ENOTSUP;
	}
	return code < 0 ? explain_refusal(err, code, "opening a perf event on a control group") : 0;
}

/* 1 when the call came with its contents, or cannot come, 0 when not, or -errno. */
int came(Trace *trace, tb_error *err)
{
	tb_record records[kRecords];
	tb_round round;
	uint64_t counts[TB_NR_MAX], foreign;

	if (trace->variant().way == Way::functions)
		return 1; /* the function is another program's: that its events could be opened is the answer */
	if (trace->variant().way == Way::counts) {
		const int code = trace->counts(counts, &foreign, err);
		return code < 0 ? code : counts[SYS_getppid] == 1;
	}
	const int n = trace->drain(records, kRecords, 0, &round, err);
	for (int i = 0; i < n; i++)
		if (records[i].nr == SYS_getppid && records[i].arch == kNativeArch &&
		    records[i].args_valid == 0x3f && records[i].args[1] == kWord)
			return 1;
	return n < 0 ? n : 0;
}

tb_filter only(int nr)
{
	tb_filter filter = {};

	filter.active = 1;
	filter.wanted[nr / 64] = uint64_t{1} << (nr % 64);
	return filter;
}

int try_all(const tb_source_config *config, tb_error *err)
{
	tb_source_config tiny = *config;
	tb_geometry geometry;
	Trace trace;

	const Variant *variant = find_variant(config->variant);

	tiny.buffer_bytes = kProbeBufferBytes;
	/* Giving up a tracepoint takes the kernel some 40 ms, and counting has one for each call. */
	if (variant && variant->way == Way::counts)
		tiny.filter = only(SYS_getppid);
	int code = trace.open(&tiny, &geometry, err);
	if (code == 0 && trace.variant().by_cgroup)
		code = try_cgroup(err);
	if (code == 0)
		code = trace.arm_self(err);
	if (code < 0)
		return code;
	syscall(SYS_getppid, 0, kWord);
	code = trace.disarm(err);
	if (code == 0)
		code = came(&trace, err);
	if (code == 0)
		return tb_error__set(err, -EPROTO,
				     "events were opened, but a call of our own did not come out of them");
	return code;
}

} // namespace

int probe(const tb_source_config *config, tb_error *err)
{
	const int code = try_all(config, err);

	if (code > 0)
		return 1;
	return is_momentary(code) ? code : 0;
}

} // namespace tb::perf
