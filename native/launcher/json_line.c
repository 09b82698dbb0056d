/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "json_line.h"

int tb_json_line__begin(struct tb_json_line *line)
{
	line->text = NULL;
	line->size = 0;
	line->out = open_memstream(&line->text, &line->size);
	return line->out ? 0 : -errno;
}

int tb_json_line__send(struct tb_json_line *line, int fd)
{
	size_t done = 0;
	int rc = 0;

	putc('\n', line->out);
	if (fclose(line->out)) {
		rc = -errno;
		goto out;
	}
	while (done < line->size) {
		ssize_t n = write(fd, line->text + done, line->size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = -errno;
			goto out;
		}
		done += (size_t)n;
	}
out:
	free(line->text);
	return rc;
}

/* Length of the UTF-8 sequence at s, 0 when it is none (overlong, surrogate, cut short). */
static int utf8_length(const unsigned char *s)
{
	int length = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 0;

	if (s[0] >= 0xf0 && s[0] <= 0xf4)
		length = 4;
	for (int i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

void tb_json__string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	if (!text) {
		fputs("null", out);
		return;
	}
	putc('"', out);
	while (*s) {
		int length = utf8_length(s);

		if (length == 0) {
			fputs("\\ufffd", out);
			s++;
		} else if (*s == '"' || *s == '\\') {
			fprintf(out, "\\%c", *s++);
		} else if (*s < 0x20) {
			fprintf(out, "\\u%04x", *s++);
		} else {
			fwrite(s, 1, (size_t)length, out);
			s += length;
		}
	}
	putc('"', out);
}

void tb_json__append(FILE *list, const char *text)
{
	if (ftell(list))
		putc(',', list);
	tb_json__string(list, text);
}
