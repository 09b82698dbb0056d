// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "paths.h"

void tb_paths__add(struct tb_paths *paths, unsigned arg, enum tb_path_status status, const char *string,
		   size_t length)
{
	struct tb_path head = {.arg = (tb_u8)arg, .status = (tb_u8)status};

	if (status != TB_PATH_FAULT) {
		head.status = length < TB_PATH_BYTES ? (tb_u8)status : TB_PATH_CUT;
		head.length = (tb_u16)(length < TB_PATH_BYTES ? length : TB_PATH_BYTES - 1);
	}
	if (paths->bytes + sizeof(head) + head.length > sizeof(paths->data))
		return; /* more strings than any call has */
	memcpy(paths->data + paths->bytes, &head, sizeof(head));
	if (head.length)
		memcpy(paths->data + paths->bytes + sizeof(head), string, head.length);
	paths->bytes += (uint32_t)sizeof(head) + head.length;
}

static void count(const struct tb_path *head, struct tb_path_counters *counters)
{
	counters->read += head->status == TB_PATH_WHOLE;
	counters->cut += head->status == TB_PATH_CUT;
	counters->failed += head->status == TB_PATH_FAULT;
}

void tb_paths__deliver(const uint8_t *strings, uint32_t bytes, struct tb_arena *arena,
		       struct tb_record *record, struct tb_path_counters *counters)
{
	const uint32_t begin = arena ? arena->used : 0;
	struct tb_path head;
	uint32_t size;

	record->aux = 0;
	for (uint32_t at = 0; at + sizeof(head) <= bytes; at += size) {
		memcpy(&head, strings + at, sizeof(head));
		size = (uint32_t)sizeof(head) + head.length;
		if (size > bytes - at)
			break;
		if (!arena || size > arena->size - arena->used) {
			counters->left_out++;
			continue;
		}
		memcpy(arena->bytes + arena->used, strings + at, size);
		arena->used += size;
		count(&head, counters);
	}
	if (arena && arena->used != begin)
		record->aux = (tb_u64)begin << 32 | (arena->used - begin);
}

void tb_path_counters__write(const struct tb_path_counters *c, struct tb_counter *out)
{
	const struct {
		const char *name;
		uint64_t value;
	} all[TB_PATH_COUNTERS] = {
		{"paths_read", c->read},
		{"paths_failed", c->failed},
		{"paths_cut", c->cut},
		{"paths_left_out", c->left_out},
	};

	for (int i = 0; i < TB_PATH_COUNTERS; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		snprintf(out[i].name, sizeof(out[i].name), "%s", all[i].name);
		out[i].place = TB_PLACE_HEALTH;
		out[i].unit = TB_UNIT_MESSAGE;
		out[i].value = all[i].value;
	}
}
