/* SPDX-License-Identifier: Apache-2.0 */
#include "variant.h"

#include <cstring>

namespace tb::ftrace
{

static const Variant variants[] = {
	{"", true, false},
	{"overwrite", true, false},
	{"enter", false, false},
	{"text", true, true},
};

const Variant *find_variant(const char *name)
{
	for (const Variant &variant : variants)
		if (strcmp(variant.name, name) == 0)
			return &variant;
	return nullptr;
}

} // namespace tb::ftrace
