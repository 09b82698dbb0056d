/* SPDX-License-Identifier: Apache-2.0 */
/* Where the fields of the binary events lie on this kernel, from its format files. Nothing of it is known beforehand. */
#ifndef TRACEBENCH_FTRACE_FORMATS_H
#define TRACEBENCH_FTRACE_FORMATS_H

#include <cstddef>
#include <cstdint>

#include "event.h"
#include "tracefs.h"

namespace tb::ftrace
{

struct Field {
	uint32_t offset = 0;
	uint32_t bytes = 0; /* of one element */
	bool is_signed = false;
};

struct Formats {
	Field type, tid; /* common to all events */
	struct {
		uint16_t id;
		uint32_t bytes; /* of the whole event */
	} enter, leave, task_new, exec, task_gone;
	Field enter_nr, enter_args, leave_nr, leave_ret, new_tid, new_flags, exec_old_tid;
	uint32_t sub_buffer_bytes; /* header included: what one read of trace_pipe_raw gives */
	static constexpr uint32_t kHeaderBytes = 16; /* of it: time stamp and commit, on 64-bit kernels */
	uint32_t event_bytes() const { return sub_buffer_bytes - kHeaderBytes; }

	/* 0 or -errno. */
	int load(const Fd &tracefs, tb_error *err);

	/* At most: of exits alone. */
	uint32_t events_per_page() const { return event_bytes() / bytes_in_buffer(leave.bytes); }

	/*
	 * Reads one event of `size` bytes. False when it is not one of ours or too short; *event is then undefined.
	 * Its time, CPU and lost_before are the caller's.
	 */
	bool decode(const uint8_t *data, size_t size, Event *event) const;

	/* What one event takes in the buffer. */
	static uint32_t bytes_in_buffer(uint32_t event_bytes) { return 4 + (event_bytes + 3) / 4 * 4; }
};

/* The text of one format file; `name` as in it. Separate so that it can be tried without a kernel. */
int parse_format(const char *text, size_t size, const char *group, const char *name, uint16_t *id,
		 uint32_t *bytes, const char *const *field_names, Field *const *fields, size_t count,
		 tb_error *err);

} // namespace tb::ftrace

#endif
