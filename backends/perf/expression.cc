/* SPDX-License-Identifier: Apache-2.0 */
#include "expression.h"

#include <algorithm>

namespace tb::perf
{

std::string id_expression(const std::vector<int> &unsorted)
{
	std::vector<int> numbers = unsorted;
	std::string text;

	std::sort(numbers.begin(), numbers.end());
	numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
	for (size_t i = 0; i < numbers.size();) {
		size_t end = i + 1;

		while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
			end++;
		if (!text.empty())
			text += "||";
		if (end - i > 2) {
			text += "(id>=" + std::to_string(numbers[i]) +
				"&&id<=" + std::to_string(numbers[end - 1]) + ")";
			i = end;
		} else {
			text += "id==" + std::to_string(numbers[i]);
			i++;
		}
	}
	return text;
}

std::string id_expression(const tb_filter &filter, const std::vector<int> &besides)
{
	std::vector<int> numbers = besides;

	if (!filter.active)
		return "";
	for (int nr = 0; nr < TB_NR_MAX; nr++)
		if (tb_filter__wants(&filter, nr))
			numbers.push_back(nr);
	return id_expression(numbers);
}

} // namespace tb::perf
