/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Linux 6.18 (x86-64) gave, in golden/: calls.pages and calls.txt are one and the same run (two children made with
 * clone3), once as trace_pipe_raw gave it and once as `trace`; sleep.pages holds a pause of 0.3 s; overwritten.pages begins
 * behind what a full buffer in overwrite mode has lost; stats.txt is of the same run.
 */
#ifndef TRACEBENCH_FTRACE_GOLDEN_H
#define TRACEBENCH_FTRACE_GOLDEN_H

#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "formats.h"

constexpr size_t kPage = 4096;

inline std::string golden(const std::string &name)
{
	std::ifstream file(std::string(GOLDEN) + "/" + name, std::ios::binary);

	if (!file)
		throw std::runtime_error("golden/" + name + " is missing");
	return {std::istreambuf_iterator<char>(file), {}};
}

/* Each page in memory of its own, so that ASan sees what leaves it. */
inline std::vector<std::vector<uint8_t>> golden_pages(const std::string &name)
{
	const std::string bytes = golden(name);
	std::vector<std::vector<uint8_t>> pages;

	for (size_t at = 0; at + kPage <= bytes.size(); at += kPage)
		pages.emplace_back(bytes.begin() + static_cast<long>(at),
				   bytes.begin() + static_cast<long>(at + kPage));
	return pages;
}

/* As Formats::load fills it, from golden/. */
tb::ftrace::Formats golden_formats();

#endif
