/* SPDX-License-Identifier: Apache-2.0 */
#include "tracepoint.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracefs_root.h"

namespace tb::ebpf
{

namespace
{

/*
 * An event of that id, or -errno. On one CPU: the program hangs on the tracepoint and runs on all, and because it returns
 * 0 the event itself never records.
 */
int open_event(uint64_t id)
{
	perf_event_attr attr = {};

	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_TRACEPOINT;
	attr.config = id;
	const long fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : static_cast<int>(fd);
}

} // namespace

int64_t tracepoint_id(const bpf_program *program)
{
	char path[128], text[32];
	uint64_t id;
	const int root = tb_tracefs__open();

	if (root < 0)
		return root;
	/* "tracepoint/group/event" */
	snprintf(path, sizeof(path), "events/%s/id", strchr(bpf_program__section_name(program), '/') + 1);
	const int code = tb_tracefs__read(root, path, text, sizeof(text));
	close(root);
	if (code < 0)
		return code;
	return sscanf(text, "%" SCNu64, &id) == 1 ? static_cast<int64_t>(id) : -EPROTO;
}

bpf_link *attach_tracepoint(const bpf_program *program, uint64_t id)
{
	const int event = open_event(id);

	if (event < 0) {
		errno = -event;
		return nullptr;
	}
	bpf_link *link = bpf_program__attach_perf_event(program, event);
	const int code = errno;
	if (!link)
		close(event); /* else the link's */
	errno = code;
	return link;
}

} // namespace tb::ebpf
