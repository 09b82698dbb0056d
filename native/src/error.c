/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/source.h"

#include <stdarg.h>
#include <stdio.h>

int tb_error__set(struct tb_error *err, int code, const char *format, ...)
{
	va_list args;

	err->code = code;
	err->mend[0] = '\0';
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return code;
}

void tb_error__mend(struct tb_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->mend, sizeof(err->mend), format, args);
	va_end(args);
}
