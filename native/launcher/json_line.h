/* SPDX-License-Identifier: Apache-2.0 */
/* Newline-delimited JSON for the status pipe: built in memory, written at once, so that a reader never sees half a line. */
#ifndef TRACEBENCH_LAUNCHER_JSON_LINE_H
#define TRACEBENCH_LAUNCHER_JSON_LINE_H

#include <stdio.h>

struct tb_json_line {
	FILE *out; /* write the members here, without the closing brace's newline */
	char *text;
	size_t size;
};

/* 0 or -errno. After success, send must follow. */
int tb_json_line__begin(struct tb_json_line *line);
/* Appends the newline, writes all of it to fd and frees the line. 0 or -errno. */
int tb_json_line__send(struct tb_json_line *line, int fd);

/* `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. NULL becomes null. */
void tb_json__string(FILE *out, const char *text);
/* The same, as the next member of a list: `list` is a memory stream of its members alone. */
void tb_json__append(FILE *list, const char *text);

#endif
