/* SPDX-License-Identifier: Apache-2.0 */
#include "running_tree.h"

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tb::ebpf
{

namespace
{

/* A process that gains threads during so many looks in a row is not waited for. */
constexpr int kLooksMost = 100;

struct Stat {
	char state;
	pid_t parent;
};

struct CloseDirectory {
	void operator()(DIR *directory) const { closedir(directory); }
};

/* Directories of /proc that are named by a number. */
std::vector<pid_t> numbers_in(const std::string &path)
{
	const std::unique_ptr<DIR, CloseDirectory> directory(opendir(path.c_str()));
	std::vector<pid_t> numbers;

	while (const dirent *entry = directory ? readdir(directory.get()) : nullptr)
		if (isdigit(static_cast<unsigned char>(entry->d_name[0])))
			numbers.push_back(static_cast<pid_t>(strtol(entry->d_name, nullptr, 10)));
	return numbers;
}

/* False when there is no such task. The name in parentheses may hold anything, further parentheses too. */
bool read_stat(const std::string &directory, Stat *stat)
{
	char text[512] = {};
	FILE *file = fopen((directory + "/stat").c_str(), "re");

	if (!file)
		return false;
	const size_t length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	const char *after = length ? strrchr(text, ')') : nullptr;
	return after && sscanf(after + 1, " %c %d", &stat->state, &stat->parent) == 2;
}

bool is_alive(const std::string &directory)
{
	Stat stat;

	return read_stat(directory, &stat) && stat.state != 'Z' && stat.state != 'X';
}

/* `root` first. Those whose parent has ended belong to somebody else by now, and are not found. */
std::vector<pid_t> processes_of(pid_t root)
{
	std::multimap<pid_t, pid_t> children;
	std::vector<pid_t> tree = {root};

	for (pid_t pid : numbers_in("/proc")) {
		Stat stat;

		if (read_stat("/proc/" + std::to_string(pid), &stat))
			children.emplace(stat.parent, pid);
	}
	for (size_t i = 0; i < tree.size(); i++)
		for (auto [child, end] = children.equal_range(tree[i]); child != end; ++child)
			tree.push_back(child->second);
	return tree;
}

} // namespace

int follow_running_tree(Programs *programs, pid_t root, uint32_t *found, tb_error *err)
{
	*found = 0;
	for (int look = 0; look < kLooksMost; look++) {
		bool grown = false;

		for (pid_t pid : processes_of(root)) {
			const std::string threads = "/proc/" + std::to_string(pid) + "/task";

			for (pid_t tid : numbers_in(threads)) {
				const std::string thread = threads + "/" + std::to_string(tid);

				if (!is_alive(thread) || !programs->follow(tid))
					continue;
				/* Its exit may have come before it was followed, and then nobody lets go of its number. */
				if (!is_alive(thread)) {
					programs->let_go(tid);
					continue;
				}
				grown = true;
				++*found;
			}
		}
		if (!grown)
			return *found ? 0 : tb_error__set(err, -ESRCH, "process %d has ended", root);
	}
	return tb_error__set(err, -EAGAIN, "process %d began new threads while %d looks listed them", root,
			     kLooksMost);
}

} // namespace tb::ebpf
