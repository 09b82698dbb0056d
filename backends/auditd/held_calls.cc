/* SPDX-License-Identifier: Apache-2.0 */
#include "held_calls.h"

#include <algorithm>
#include <sys/syscall.h>

namespace tb::auditd
{

namespace
{

/* The value of ` NAME=` up to the next blank; empty where there is none. */
std::string_view field(std::string_view text, std::string_view name)
{
	const size_t at = text.find(name);

	if (at == std::string_view::npos)
		return {};
	text.remove_prefix(at + name.size());
	return text.substr(0, text.find(' '));
}

int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What the kernel writes without quotation marks, because of a byte in it that is not printable, a blank or a mark. */
bool from_hex(std::string_view hex, std::string *name)
{
	if (hex.empty() || hex.size() % 2)
		return false;
	for (size_t i = 0; i < hex.size(); i += 2) {
		const int high = digit(hex[i]), low = digit(hex[i + 1]);

		if (high < 0 || low < 0)
			return false;
		name->push_back(static_cast<char>(high << 4 | low));
	}
	return true;
}

const PathName *first(const std::vector<PathName> &names, PathName::Type type)
{
	auto found = std::find_if(names.begin(), names.end(),
				  [type](const PathName &name) { return name.type == type; });

	return found == names.end() ? nullptr : &*found;
}

/*
 * Of one path argument: a parent is named by a piece of it; all others have its whole name, and it is named before what
 * the kernel looked up besides (an interpreter).
 */
const PathName *only(const std::vector<PathName> &names)
{
	auto found = std::find_if(names.begin(), names.end(),
				  [](const PathName &name) { return name.type != PathName::Type::parent; });

	return found == names.end() ? nullptr : &*found;
}

/* Of two: told apart by what became of them, so only where the call came that far. */
const PathName *of_two(int32_t nr, bool is_first, const std::vector<PathName> &names)
{
	if (!first(names, PathName::Type::created))
		return nullptr;
	if (!is_first)
		return first(names, PathName::Type::created);
	switch (nr) {
#ifdef SYS_rename
	case SYS_rename:
#endif
	case SYS_renameat:
	case SYS_renameat2:
		return first(names, PathName::Type::deleted);
#ifdef SYS_link
	case SYS_link:
#endif
	case SYS_linkat:
		return first(names, PathName::Type::normal);
#ifdef SYS_symlink
	case SYS_symlink:
#endif
	case SYS_symlinkat:
		return first(names, PathName::Type::other);
	default:
		return nullptr;
	}
}

} // namespace

bool parse_path(std::string_view text, PathName *path)
{
	constexpr std::string_view kName = " name=";
	const size_t at = text.find(kName);

	*path = {};
	if (at == std::string_view::npos)
		return false;
	std::string_view value = text.substr(at + kName.size());

	if (value.starts_with('"')) {
		const size_t end = value.find('"', 1);

		if (end == std::string_view::npos)
			return false;
		path->name = value.substr(1, end - 1);
		path->known = true;
		value.remove_prefix(end + 1);
	} else {
		const std::string_view word = value.substr(0, value.find(' '));

		path->known = word != "(null)" && from_hex(word, &path->name);
		value.remove_prefix(word.size());
	}
	const std::string_view type = field(value, " nametype=");

	if (type == "PARENT")
		path->type = PathName::Type::parent;
	else if (type == "NORMAL")
		path->type = PathName::Type::normal;
	else if (type == "DELETE")
		path->type = PathName::Type::deleted;
	else if (type == "CREATE")
		path->type = PathName::Type::created;
	return !type.empty();
}

HeldCalls::Call *HeldCalls::find(uint32_t serial)
{
	auto found = std::find_if(calls_.rbegin(), calls_.rend(),
				  [serial](const Call &call) { return call.serial == serial; });

	return found == calls_.rend() ? nullptr : &*found;
}

bool HeldCalls::hold(const tb_record &record, const SyscallRecord &call, uint8_t which, tb_arena *arena,
		     tb_record *out)
{
	const bool one_too_many = calls_.size() == kMost && give_up(arena, out);

	calls_.push_back({call.id.serial, which, call.items, record, {}});
	return one_too_many;
}

void HeldCalls::name(uint32_t serial, std::string_view text)
{
	Call *call = find(serial);
	PathName path;

	if (!call)
		return;
	if (!parse_path(text, &path))
		path = {};
	call->names.push_back(std::move(path));
}

bool HeldCalls::end(uint32_t serial, tb_arena *arena, tb_record *out)
{
	Call *call = find(serial);

	if (!call)
		return false;
	finish(*call, arena, out);
	calls_.erase(
		std::find_if(calls_.begin(), calls_.end(), [call](const Call &c) { return &c == call; }));
	return true;
}

bool HeldCalls::give_up(tb_arena *arena, tb_record *out)
{
	if (calls_.empty())
		return false;
	finish(calls_.front(), arena, out);
	calls_.pop_front();
	return true;
}

void HeldCalls::without_names(const tb_record &record, uint8_t which, tb_arena *arena, tb_record *out)
{
	finish({0, which, 0, record, {}}, arena, out);
}

void HeldCalls::finish(const Call &call, tb_arena *arena, tb_record *out)
{
	const bool two = call.which & (call.which - 1);
	const bool all = call.names.size() >= call.items;
	tb_paths paths;

	paths.bytes = 0;
	*out = call.record;
	for (unsigned i = 0, nth = 0; call.which >> i; i++) {
		if (!(call.which >> i & 1))
			continue;
		const PathName *path = two ? of_two(call.record.nr, nth == 0, call.names) : only(call.names);

		nth++;
		/* Audit tells four arguments; a fifth is never known to be NULL. */
		if (i < 4 && call.record.args[i] == 0)
			continue;
		if (all && path && path->known)
			tb_paths__add(&paths, i, TB_PATH_WHOLE, path->name.data(), path->name.size());
		else
			tb_paths__add(&paths, i, TB_PATH_FAULT, nullptr, 0);
	}
	tb_paths__deliver(paths.data, paths.bytes, arena, out, &counters_);
}

} // namespace tb::auditd
