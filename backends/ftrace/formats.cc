/* SPDX-License-Identifier: Apache-2.0 */
#include "formats.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <traceevent/event-parse.h>

namespace tb::ftrace
{

namespace
{

struct FreeTep {
	void operator()(tep_handle *tep) const { tep_free(tep); }
};

/* The bounds were checked by the caller. */
uint64_t value_of(const uint8_t *data, const Field &field)
{
	const uint8_t *at = data + field.offset;

	switch (field.bytes) {
	case 2: {
		uint16_t v;
		memcpy(&v, at, sizeof(v));
		return field.is_signed ? static_cast<uint64_t>(static_cast<int16_t>(v)) : v;
	}
	case 4: {
		uint32_t v;
		memcpy(&v, at, sizeof(v));
		return field.is_signed ? static_cast<uint64_t>(static_cast<int32_t>(v)) : v;
	}
	default: {
		uint64_t v;
		memcpy(&v, at, sizeof(v));
		return v;
	}
	}
}

} // namespace

int parse_format(const char *text, size_t size, const char *group, const char *name, uint16_t *id,
		 uint32_t *bytes, const char *const *field_names, Field *const *fields, size_t count,
		 tb_error *err)
{
	std::unique_ptr<tep_handle, FreeTep> tep(tep_alloc());
	tep_event *event = nullptr;

	if (!tep)
		return tb_error__set(err, -ENOMEM, "no memory for libtraceevent");
	/* What it says of the print format is no concern of ours; without the event there is none. */
	tep_parse_format(tep.get(), &event, text, size, group);
	if (!event || strcmp(event->name, name) != 0 || event->id < 0 || event->id > UINT16_MAX)
		return tb_error__set(err, -EPROTO, "the format of event %s/%s cannot be read", group, name);
	*id = static_cast<uint16_t>(event->id);
	for (size_t i = 0; i < count; i++) {
		const tep_format_field *field = tep_find_any_field(event, field_names[i]);

		if (!field)
			return tb_error__set(err, -EPROTO, "event %s/%s has no field %s on this kernel",
					     group, name, field_names[i]);
		const int element =
			field->arraylen > 0 ? field->size / static_cast<int>(field->arraylen) : field->size;
		if (field->offset < 0 || (element != 2 && element != 4 && element != 8))
			return tb_error__set(err, -EPROTO,
					     "field %s of event %s/%s has %d bytes on this kernel",
					     field_names[i], group, name, element);
		fields[i]->offset = static_cast<uint32_t>(field->offset);
		fields[i]->bytes = static_cast<uint32_t>(element);
		fields[i]->is_signed = field->flags & TEP_FIELD_IS_SIGNED;
	}
	uint32_t end = 0;
	for (const tep_format_field *list : {event->format.common_fields, event->format.fields})
		for (const tep_format_field *f = list; f; f = f->next)
			end = std::max(end, static_cast<uint32_t>(f->offset + f->size));
	*bytes = end;
	return 0;
}

int Formats::load(const Fd &tracefs, tb_error *err)
{
	struct Wanted {
		const char *group, *name;
		uint16_t *id;
		uint32_t *bytes;
		const char *names[4];
		Field *fields[4];
		size_t count;
	};
	const Wanted wanted[] = {
		{"raw_syscalls",
		 "sys_enter",
		 &enter.id,
		 &enter.bytes,
		 {"common_type", "common_pid", "id", "args"},
		 {&type, &tid, &enter_nr, &enter_args},
		 4},
		{"raw_syscalls",
		 "sys_exit",
		 &leave.id,
		 &leave.bytes,
		 {"id", "ret"},
		 {&leave_nr, &leave_ret},
		 2},
		{"task",
		 "task_newtask",
		 &task_new.id,
		 &task_new.bytes,
		 {"pid", "clone_flags"},
		 {&new_tid, &new_flags},
		 2},
		{"sched", "sched_process_exec", &exec.id, &exec.bytes, {"old_pid"}, {&exec_old_tid}, 1},
		{"sched", "sched_process_exit", &task_gone.id, &task_gone.bytes, {}, {}, 0},
	};
	std::string text;

	for (const Wanted &w : wanted) {
		const std::string path = std::string("events/") + w.group + "/" + w.name + "/format";
		int code = read_file(tracefs.get(), path.c_str(), &text, err);

		if (code == -ENOENT)
			tb_error__mend(err, "use a kernel built with CONFIG_FTRACE_SYSCALLS=y");
		if (code == 0)
			code = parse_format(text.data(), text.size(), w.group, w.name, w.id, w.bytes, w.names,
					    w.fields, w.count, err);
		if (code < 0)
			return code;
	}
	if (enter_args.bytes != 8 || enter_args.offset + sizeof(Event::args) > enter.bytes)
		return tb_error__set(err, -ENOTSUP,
				     "a sys_enter event does not hold six arguments of 8 bytes");

	int code = read_file(tracefs.get(), "events/header_page", &text, err);
	std::unique_ptr<tep_handle, FreeTep> tep(tep_alloc());
	if (code < 0)
		return code;
	if (!tep)
		return tb_error__set(err, -ENOMEM, "no memory for libtraceevent");
	if (tep_parse_header_page(tep.get(), text.data(), text.size(), sizeof(long)) != 0 ||
	    tep_get_header_page_size(tep.get()) != 8 ||
	    tep_get_sub_buffer_size(tep.get()) <= static_cast<int>(kHeaderBytes))
		return tb_error__set(err, -EPROTO, "the format of the ring buffer's pages cannot be read");
	sub_buffer_bytes = static_cast<uint32_t>(tep_get_sub_buffer_size(tep.get()));
	return 0;
}

bool Formats::decode(const uint8_t *data, size_t size, Event *event) const
{
	if (size < type.offset + type.bytes || size < tid.offset + tid.bytes)
		return false;
	const uint64_t id = value_of(data, type);

	event->tid = static_cast<uint32_t>(value_of(data, tid));
	if (id == enter.id) {
		if (size < enter.bytes)
			return false;
		event->kind = EventKind::enter;
		event->nr = static_cast<int64_t>(value_of(data, enter_nr));
		memcpy(event->args, data + enter_args.offset, sizeof(event->args));
	} else if (id == leave.id) {
		if (size < leave.bytes)
			return false;
		event->kind = EventKind::leave;
		event->nr = static_cast<int64_t>(value_of(data, leave_nr));
		event->ret = static_cast<int64_t>(value_of(data, leave_ret));
	} else if (id == task_new.id) {
		if (size < task_new.bytes)
			return false;
		event->kind = EventKind::task_new;
		event->other_tid = static_cast<uint32_t>(value_of(data, new_tid));
		event->thread = value_of(data, new_flags) & kCloneThread;
	} else if (id == exec.id) {
		if (size < exec.bytes)
			return false;
		event->kind = EventKind::exec;
		event->other_tid = static_cast<uint32_t>(value_of(data, exec_old_tid));
	} else if (id == task_gone.id) {
		event->kind = EventKind::task_gone;
	} else {
		return false;
	}
	return true;
}

} // namespace tb::ftrace
