/* SPDX-License-Identifier: Apache-2.0 */
#include "text_line.h"

#include <algorithm>
#include <charconv>

namespace tb::ftrace
{

namespace
{

constexpr size_t kNameWidth = 16; /* names have 15 bytes at most and are padded on the left */

/* Takes things off the front of a text; once something does not fit, nothing does any more. */
class Cursor
{
public:
	explicit Cursor(std::string_view text) : text_(text) {}

	bool good() const { return good_; }
	std::string_view rest() const { return text_; }

	Cursor &skip(std::string_view literal)
	{
		good_ = good_ && text_.starts_with(literal);
		if (good_)
			text_.remove_prefix(literal.size());
		return *this;
	}

	Cursor &blanks()
	{
		const size_t n = std::min(text_.find_first_not_of(' '), text_.size());

		text_.remove_prefix(n);
		return *this;
	}

	/* Up to the next blank. */
	Cursor &word()
	{
		const size_t n = text_.find(' ');

		good_ = good_ && n != std::string_view::npos && n > 0;
		if (good_)
			text_.remove_prefix(n);
		return *this;
	}

	template <typename T> Cursor &number(T *value, int base = 10)
	{
		if (!good_)
			return *this;
		const auto [end, error] =
			std::from_chars(text_.data(), text_.data() + text_.size(), *value, base);

		good_ = error == std::errc();
		text_.remove_prefix(static_cast<size_t>(end - text_.data()));
		return *this;
	}

private:
	std::string_view text_;
	bool good_ = true;
};

/* The number behind the last `label`. */
template <typename T> bool last_field(std::string_view text, std::string_view label, T *value, int base = 10)
{
	const size_t at = text.rfind(label);

	return at != std::string_view::npos && Cursor(text.substr(at)).skip(label).number(value, base).good();
}

Line lost_events(std::string_view line, Event *event)
{
	Cursor c(line);
	uint64_t count;

	c.skip("CPU:").number(&event->cpu).skip(" [LOST ");
	if (!c.rest().starts_with('E')) /* the kernel does not always know how many */
		c.number(&count).skip(" ");
	c.skip("EVENTS]");
	return c.good() && c.rest().empty() ? Line::lost : Line::unreadable;
}

bool enter(Cursor c, Event *event)
{
	event->kind = EventKind::enter;
	c.skip("NR ").number(&event->nr).skip(" (");
	for (size_t i = 0; i < 6; i++)
		c.skip(i ? ", " : "").number(&event->args[i], 16);
	return c.skip(")").good() && c.rest().empty();
}

bool leave(Cursor c, Event *event)
{
	event->kind = EventKind::leave;
	c.skip("NR ").number(&event->nr).skip(" = ").number(&event->ret);
	return c.good() && c.rest().empty();
}

bool task_new(Cursor c, Event *event)
{
	uint64_t flags;

	event->kind = EventKind::task_new;
	if (!c.skip("pid=").number(&event->other_tid).good() ||
	    !last_field(c.rest(), " clone_flags=", &flags, 16))
		return false;
	event->thread = flags & kCloneThread;
	return true;
}

bool exec(Cursor c, Event *event)
{
	event->kind = EventKind::exec;
	return last_field(c.rest(), " old_pid=", &event->other_tid);
}

} // namespace

Line parse_line(std::string_view line, Event *event)
{
	uint64_t seconds, micros;

	if (line.empty())
		return Line::nothing;
	if (line.starts_with("CPU:"))
		return lost_events(line, event);
	if (line.size() <= kNameWidth)
		return Line::unreadable;

	Cursor c(line.substr(kNameWidth));

	c.skip("-").number(&event->tid).blanks().skip("[").number(&event->cpu).skip("] ");
	c.word().blanks().number(&seconds).skip(".");
	const size_t digits = c.rest().find(':');
	c.number(&micros).skip(": ");
	if (!c.good() || digits != 6)
		return Line::unreadable;
	event->ts_ns =
		seconds * 1'000'000'000 + micros * 1000 - 500; /* the kernel rounds to the nearest µs */

	const std::string_view rest = c.rest();
	const size_t colon = rest.find(": ");
	if (colon == std::string_view::npos)
		return Line::unreadable;
	const std::string_view name = rest.substr(0, colon);
	Cursor fields(rest.substr(colon + 2));
	bool good = false;

	if (name == "sys_enter")
		good = enter(fields, event);
	else if (name == "sys_exit")
		good = leave(fields, event);
	else if (name == "task_newtask")
		good = task_new(fields, event);
	else if (name == "sched_process_exec")
		good = exec(fields, event);
	else if (name == "sched_process_exit") {
		event->kind = EventKind::task_gone;
		good = true;
	}
	return good ? Line::event : Line::unreadable;
}

} // namespace tb::ftrace
