/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <sys/syscall.h>

namespace tb::perf
{

namespace
{

constexpr int kCapSysAdmin = 21, kCapPerfmon = 38;

struct CloseFile {
	void operator()(FILE *file) const { fclose(file); }
};
using File = std::unique_ptr<FILE, CloseFile>;

bool has_perf_privilege()
{
	const File status(fopen("/proc/thread-self/status", "re"));
	uint64_t effective = 0;
	char line[256];

	if (!status)
		return geteuid() == 0;
	while (fgets(line, sizeof(line), status.get()))
		if (sscanf(line, "CapEff: %" SCNx64, &effective) == 1)
			break;
	return (effective >> kCapSysAdmin & 1) || (effective >> kCapPerfmon & 1);
}

/* As the kernel has it; -2 when it does not say. */
int paranoia()
{
	const File file(fopen("/proc/sys/kernel/perf_event_paranoid", "re"));
	int level = -2;

	if (file && fscanf(file.get(), "%d", &level) != 1)
		level = -2;
	return level;
}

} // namespace

perf_event_attr make_attr(uint32_t type, uint64_t config)
{
	perf_event_attr attr = {};

	attr.size = sizeof(attr);
	attr.type = type;
	attr.config = config;
	attr.disabled = 1;
	attr.use_clockid = 1;
	attr.clockid = CLOCK_MONOTONIC;
	return attr;
}

int open_event(const perf_event_attr &attr, const Subject &subject, int cpu, Descriptor *event)
{
	const long fd = syscall(SYS_perf_event_open, &attr, subject.pid, cpu, -1,
				subject.flags | PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	event->reset(static_cast<int>(fd));
	return 0;
}

int explain_refusal(tb_error *err, int code, const char *what)
{
	if ((code == -EACCES || code == -EPERM) && !has_perf_privilege()) {
		tb_error__set(err, code,
			      "%s needs CAP_PERFMON (or root), which this process lacks: %s "
			      "(kernel.perf_event_paranoid is %d)",
			      what, strerror(-code), paranoia());
		tb_error__mend(err, "run as root, e.g. with sudo");
		return code;
	}
	tb_error__set(err, code, "%s: %s", what, strerror(-code));
	switch (code) {
	case -EACCES:
	case -EPERM:
		tb_error__mend(err, "the process has the capability, so a container's seccomp filter, a "
				    "lockdown mode or an LSM forbids it: run on the host");
		break;
	case -ENOSYS:
		tb_error__mend(err, "use a kernel with CONFIG_PERF_EVENTS=y; in a container, a seccomp "
				    "profile that admits perf_event_open");
		break;
	case -EMFILE:
		tb_error__mend(err, "raise the limit of open files: ulimit -n 65536");
		break;
	case -ENOMEM:
		tb_error__mend(err, "ask for a smaller --buffer, or free memory");
		break;
	default:
		break;
	}
	return code;
}

int has_lost_format(tb_error *err)
{
	perf_event_attr attr = make_attr(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY);
	Descriptor event;

	attr.read_format = TB_PERF_FORMAT_LOST;
	int code = open_event(attr, {0, 0}, -1, &event);
	if (code == 0)
		return 1;
	if (code != -EINVAL)
		return explain_refusal(err, code, "opening a perf event");
	attr.read_format = 0;
	code = open_event(attr, {0, 0}, -1, &event);
	return code == 0 ? 0 : explain_refusal(err, code, "opening a perf event");
}

/* A list like "0-2,5". */
int online_cpus(std::vector<int> *cpus, tb_error *err)
{
	static constexpr char kPath[] = "/sys/devices/system/cpu/online";
	const File file(fopen(kPath, "re"));
	int first, last;
	char separator = ',';

	cpus->clear();
	if (!file) {
		const int code = -errno;

		return tb_error__set(err, code, "which CPUs are online is not told: %s: %s", kPath,
				     strerror(-code));
	}
	while (separator == ',' && fscanf(file.get(), "%d", &first) == 1) {
		last = first;
		if (fscanf(file.get(), "-%d", &last) < 0)
			last = first;
		for (int cpu = first; cpu <= last; cpu++)
			cpus->push_back(cpu);
		if (fscanf(file.get(), "%c", &separator) != 1)
			break;
	}
	if (cpus->empty())
		return tb_error__set(err, -EPROTO, "which CPUs are online is not told: %s has no list",
				     kPath);
	return 0;
}

} // namespace tb::perf
