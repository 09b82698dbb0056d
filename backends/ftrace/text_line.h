/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of trace_pipe as an event. What the target may choose (its name, the path it executes) can hold anything, so
 * fields are looked for from the side on which nothing of it stands; what cannot be read is refused, not guessed.
 */
#ifndef TRACEBENCH_FTRACE_TEXT_LINE_H
#define TRACEBENCH_FTRACE_TEXT_LINE_H

#include <string_view>

#include "event.h"

namespace tb::ftrace
{

enum class Line {
	event,
	lost,    /* CPU:n [LOST m EVENTS]: event->cpu is filled */
	nothing, /* empty */
	unreadable,
};

/* `line` is without its newline. event->lost_before is the caller's. The time is the earliest that rounds to the µs printed. */
Line parse_line(std::string_view line, Event *event);

} // namespace tb::ftrace

#endif
