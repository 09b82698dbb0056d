/* SPDX-License-Identifier: Apache-2.0 */
#include "call_filter.h"

#include <sys/syscall.h>

namespace tb::ftrace
{

std::string entry_filter(const tb_filter &filter)
{
	std::string text;

	if (!filter.active)
		return text;
	for (int first = 0; first < TB_NR_MAX; first++) {
		if (!tb_filter__wants(&filter, first))
			continue;
		int last = first;

		while (last + 1 < TB_NR_MAX && tb_filter__wants(&filter, last + 1))
			last++;
		if (!text.empty())
			text += "||";
		if (first == last)
			text += "id==" + std::to_string(first);
		else
			text += "(id>=" + std::to_string(first) + "&&id<=" + std::to_string(last) + ")";
		first = last;
	}
	return text.empty() ? "id==" + std::to_string(TB_NR_MAX) : text; /* nothing is wanted */
}

std::string exit_filter(const tb_filter &filter)
{
	std::string text = entry_filter(filter);

	if (filter.active && tb_filter__wants(&filter, SYS_rt_sigreturn))
		text += "||id==-1";
	return text;
}

} // namespace tb::ftrace
