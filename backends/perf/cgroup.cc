/* SPDX-License-Identifier: Apache-2.0 */
#include "cgroup.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <vector>

namespace tb::perf
{

namespace
{

constexpr char kPrivatePrefix[] = "tracebench-";
constexpr char kController[] = "perf_event";

std::vector<std::string> split(const std::string &text, char separator)
{
	std::vector<std::string> parts;
	std::istringstream stream(text);
	std::string part;

	while (std::getline(stream, part, separator))
		parts.push_back(part);
	return parts;
}

bool contains(const std::vector<std::string> &list, const char *word)
{
	for (const std::string &item : list)
		if (item == word)
			return true;
	return false;
}

/* Blanks and the like are written as \040. */
std::string unescaped(const std::string &text)
{
	std::string plain;

	for (size_t i = 0; i < text.size(); i++) {
		if (text[i] == '\\' && i + 3 < text.size()) {
			plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
			i += 3;
		} else {
			plain += text[i];
		}
	}
	return plain;
}

struct Hierarchy {
	std::string mount, root; /* root: which group the mount shows as its top */
	bool found = false;
};

/* "36 35 98:0 /root /mount/point options - type source superoptions" */
Hierarchy find_hierarchy(bool version1)
{
	std::ifstream mounts("/proc/self/mountinfo");
	std::string line;
	Hierarchy found;

	while (std::getline(mounts, line)) {
		const std::vector<std::string> fields = split(line, ' ');
		size_t dash = 6;

		while (dash < fields.size() && fields[dash] != "-")
			dash++;
		if (dash + 3 >= fields.size() || fields[dash + 1] != (version1 ? "cgroup" : "cgroup2") ||
		    (version1 && !contains(split(fields[dash + 3], ','), kController)))
			continue;
		found.root = unescaped(fields[3]);
		found.mount = unescaped(fields[4]);
		found.found = true;
	}
	return found;
}

/* Path of the process in the hierarchy, from "4:memory,perf_event:/path" or "0::/path"; "" when it is not told. */
std::string path_of(pid_t pid, bool version1)
{
	std::ifstream groups("/proc/" + std::to_string(pid) + "/cgroup");
	std::string line;

	while (std::getline(groups, line)) {
		const size_t first = line.find(':');
		const size_t second = first == std::string::npos ? first : line.find(':', first + 1);

		if (second == std::string::npos)
			continue;
		const std::string controllers = line.substr(first + 1, second - first - 1);
		if (version1 ? contains(split(controllers, ','), kController) : line.rfind("0::", 0) == 0)
			return line.substr(second + 1);
	}
	return "";
}

} // namespace

int cgroup_of(pid_t pid, std::string *directory, tb_error *err)
{
	bool version1 = true;
	Hierarchy hierarchy = find_hierarchy(version1);

	if (!hierarchy.found) {
		version1 = false;
		hierarchy = find_hierarchy(version1);
	}
	if (!hierarchy.found) {
		tb_error__set(err, -ENOTSUP, "no control group hierarchy that perf can use is mounted");
		tb_error__mend(err, "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
		return -ENOTSUP;
	}
	std::string path = path_of(pid, version1);
	if (path.empty())
		return tb_error__set(err, -ESRCH, "the control group of process %d is not told: it is gone",
				     pid);
	if (hierarchy.root != "/" && path.rfind(hierarchy.root, 0) == 0)
		path = path.substr(hierarchy.root.size());
	*directory = hierarchy.mount + path;
	return 0;
}

int open_private_cgroup(pid_t pid, Descriptor *group, tb_error *err)
{
	std::string directory;
	const int code = cgroup_of(pid, &directory, err);

	if (code < 0)
		return code;
	const std::string name = directory.substr(directory.rfind('/') + 1);
	if (name.rfind(kPrivatePrefix, 0) != 0)
		return tb_error__set(err, -EINVAL,
				     "the target is in control group '%.200s', which is not private to it",
				     directory.c_str());
	group->reset(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (!group->is_open()) {
		const int failed = -errno;

		return tb_error__set(err, failed, "control group %.200s: %s", directory.c_str(),
				     strerror(-failed));
	}
	return 0;
}

} // namespace tb::perf
