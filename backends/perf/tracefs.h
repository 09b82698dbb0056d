/* SPDX-License-Identifier: Apache-2.0 */
/* Where the kernel tells the ids and layouts of its tracepoints. Read only. */
#ifndef TRACEBENCH_PERF_TRACEFS_H
#define TRACEBENCH_PERF_TRACEFS_H

#include <cstdint>

#include "descriptor.h"
#include "source.h"

namespace tb::perf
{

class Tracefs
{
public:
	/*
	 * The mounted tracefs; where there is none, one of our own that is attached to no directory and so seen by
	 * nobody (Linux 5.2, CAP_SYS_ADMIN). It goes with this object. 0 or -errno.
	 */
	int open(tb_error *err);

	/* `event` is like "raw_syscalls/sys_exit". 0, -ENOENT where the kernel has no such event, or -errno. */
	int event_id(const char *event, uint32_t *id) const;
	/* Offset of a field in the event's raw data. 0 or -errno. */
	int field_offset(const char *event, const char *field, uint32_t *offset) const;
	bool has_event(const char *event) const;

private:
	int read(const char *event, const char *file, char *text, size_t size) const;

	Descriptor root_;
};

} // namespace tb::perf

#endif
