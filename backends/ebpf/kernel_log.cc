/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_log.h"

#include <algorithm>
#include <bpf/libbpf.h>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tb::ebpf
{

namespace
{

constexpr size_t kTail = 1024; /* enough for the last lines; a verifier log can be megabytes */
constexpr size_t kWords = 320; /* leaves room in tb_error for what failed */

thread_local char verifier_tail[kTail];
thread_local char library_line[kTail];
thread_local char words[kWords];

void keep_tail(char (&tail)[kTail], const char *text, size_t length)
{
	if (length >= kTail) {
		text += length - (kTail - 1);
		length = kTail - 1;
	}
	memcpy(tail, text, length);
	tail[length] = '\0';
}

/* The verifier's log comes in one piece between two marks; its last line is a statistic that explains nothing. */
bool keep_verifier_log(const char *text)
{
	const char *begin = strstr(text, "BEGIN PROG LOAD LOG --\n");
	if (!begin)
		return false;
	begin = strchr(begin, '\n') + 1;
	const char *end = strstr(begin, "-- END PROG LOAD LOG");
	if (!end)
		end = begin + strlen(begin);
	const char *statistic = nullptr;
	for (const char *p = strstr(begin, "processed "); p && p < end; p = strstr(p + 1, "processed "))
		statistic = p;
	if (statistic && statistic > begin)
		end = statistic;
	keep_tail(verifier_tail, begin, end - begin);
	return true;
}

int print(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level > LIBBPF_WARN)
		return 0;
	char *text;
	int length = vasprintf(&text, format, args);
	if (length < 0)
		return 0;
	if (!keep_verifier_log(text))
		keep_tail(library_line, text, length);
	free(text);
	return length;
}

/* Copies the last lines of `text` that fit, joined by "; ", without the verifier's source comments. */
void join_last_lines(const char *text)
{
	const size_t length = strlen(text);
	size_t from = length > kWords / 2 ? length - kWords / 2 : 0;
	if (from) { /* not in the middle of a line, unless there is only one */
		const char *line = static_cast<const char *>(memchr(text + from, '\n', length - from));
		if (line && line + 1 < text + length)
			from = line + 1 - text;
	}
	size_t out = 0;
	for (const char *line = text + from; *line;) {
		const size_t run = strcspn(line, "\n");
		if (run && line[0] != ';') {
			const char *separator = out ? "; " : "";
			int put = snprintf(words + out, kWords - out, "%s%.*s", separator,
					   static_cast<int>(run), line);
			out = std::min(out + put, kWords - 1);
		}
		line += run + (line[run] == '\n');
	}
	words[out] = '\0';
}

} // namespace

void KernelLog::install()
{
	libbpf_set_print(print);
}

void KernelLog::start()
{
	verifier_tail[0] = library_line[0] = words[0] = '\0';
}

const char *KernelLog::last_words()
{
	join_last_lines(verifier_tail[0] ? verifier_tail : library_line);
	return words;
}

} // namespace tb::ebpf
