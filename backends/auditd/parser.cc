/* SPDX-License-Identifier: Apache-2.0 */
#include "parser.h"

#include <charconv>

namespace tb::auditd
{

namespace
{

/* All of `text` as a number; from_chars accepts no blanks, no plus sign and nothing out of the type's range. */
template <typename T> bool number(std::string_view text, T *value, int base = 10)
{
	const char *end = text.data() + text.size();
	auto [stopped, error] = std::from_chars(text.data(), end, *value, base);

	return error == std::errc() && stopped == end && !text.empty();
}

/* Cuts what stands before `separator` off *text; false, with nothing changed, where there is none. */
bool cut(std::string_view *text, char separator, std::string_view *head)
{
	size_t at = text->find(separator);

	if (at == std::string_view::npos)
		return false;
	*head = text->substr(0, at);
	text->remove_prefix(at + 1);
	return true;
}

enum Field : unsigned {
	kArch = 1u << 0,
	kNr = 1u << 1,
	kSuccess = 1u << 2,
	kExit = 1u << 3,
	kArgs = 0xfu << 4, /* a0 … a3 */
	kItems = 1u << 8,
	kPid = 1u << 9,
	kSession = 1u << 10,
	kNeeded = kArch | kNr | kArgs | kItems | kPid | kSession,
};

/* The field that was read; 0 for one that is not wanted. *ok: its value can be used. */
unsigned take_field(std::string_view name, std::string_view value, SyscallRecord *r, bool *ok)
{
	*ok = true;
	if (name.size() == 2 && name[0] == 'a' && name[1] >= '0' && name[1] <= '3') {
		unsigned i = static_cast<unsigned>(name[1] - '0');

		*ok = number(value, &r->args[i], 16);
		return 1u << (4 + i);
	}
	if (name == "arch") {
		*ok = number(value, &r->arch, 16);
		return kArch;
	}
	if (name == "syscall") {
		*ok = number(value, &r->nr);
		return kNr;
	}
	if (name == "success") {
		r->success = value == "yes";
		*ok = r->success || value == "no";
		return kSuccess;
	}
	if (name == "exit") {
		*ok = number(value, &r->exit);
		return kExit;
	}
	if (name == "items") {
		*ok = number(value, &r->items);
		return kItems;
	}
	if (name == "pid") {
		*ok = number(value, &r->pid);
		return kPid;
	}
	if (name == "ses") {
		*ok = number(value, &r->session);
		return kSession;
	}
	return 0;
}

} // namespace

bool parse_event_id(std::string_view text, EventId *id, std::string_view *rest)
{
	constexpr std::string_view kBegin = "audit(";
	constexpr uint64_t kMaxSeconds =
		UINT64_MAX / 1'000'000'000 - 1; /* so that it fits as nanoseconds, too */
	std::string_view seconds, milliseconds, serial;
	uint64_t s;
	uint32_t ms;

	if (!text.starts_with(kBegin))
		return false;
	text.remove_prefix(kBegin.size());
	if (!cut(&text, '.', &seconds) || !cut(&text, ':', &milliseconds) || !cut(&text, ')', &serial))
		return false;
	if (!number(seconds, &s) || s > kMaxSeconds || !number(milliseconds, &ms) || ms > 999 ||
	    !number(serial, &id->serial) || !text.starts_with(':'))
		return false;
	id->time_ms = s * 1000 + ms;
	*rest = text.substr(1);
	return true;
}

bool parse_syscall(std::string_view text, SyscallRecord *r)
{
	std::string_view name, value;
	unsigned seen = 0;

	*r = {};
	if (!parse_event_id(text, &r->id, &text))
		return false;
	/* Values up to `ses` have no blanks; what comes behind it (names that the target chose) is not looked at. */
	while (!(seen & kSession)) {
		bool ok;

		while (text.starts_with(' '))
			text.remove_prefix(1);
		if (!cut(&text, '=', &name))
			return false;
		/* The kernel's records go on behind each of these: a value that ends the text may have been cut. */
		if (!cut(&text, ' ', &value))
			return false;
		unsigned field = take_field(name, value, r, &ok);
		if (!ok || (seen & field))
			return false;
		seen |= field;
	}
	if ((seen & kNeeded) != kNeeded || ((seen & kSuccess) != 0) != ((seen & kExit) != 0))
		return false;
	r->has_exit = seen & kExit;
	return true;
}

} // namespace tb::auditd
