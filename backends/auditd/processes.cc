/* SPDX-License-Identifier: Apache-2.0 */
#include "processes.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <linux/netlink.h>
#include <memory>
#include <unistd.h>

namespace tb::auditd
{

namespace
{

struct Closer {
	void operator()(FILE *f) const { fclose(f); }
	void operator()(DIR *d) const { closedir(d); }
};
using File = std::unique_ptr<FILE, Closer>;
using Directory = std::unique_ptr<DIR, Closer>;

/* The beginning of a small file of /proc as text; 0 or -errno. */
int read_text(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	File file(fopen(path, "re"));
	if (!file)
		return -errno;
	errno = 0;
	const size_t n = fread(text, 1, size - 1, file.get());
	if (ferror(file.get()))
		return errno ? -errno : -EIO;
	text[n] = 0;
	return 0;
}

/* An audit socket with this inode, in the network namespace whose sockets `netlink` lists. */
bool is_audit_socket(FILE *netlink, unsigned long inode)
{
	char line[256];
	unsigned protocol;
	unsigned long found;

	rewind(netlink);
	while (fgets(line, sizeof(line), netlink)) {
		/* sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode */
		if (sscanf(line, "%*s %u %*u %*x %*d %*d %*s %*d %*d %lu", &protocol, &found) == 2 &&
		    protocol == NETLINK_AUDIT && found == inode)
			return true;
	}
	return false;
}

} // namespace

int read_session(pid_t pid, uint32_t *session)
{
	char text[32];
	int rc = read_text(pid, "sessionid", text, sizeof(text));

	if (rc < 0)
		return rc;
	return sscanf(text, "%" SCNu32, session) == 1 ? 0 : -EINVAL;
}

GateCall read_gate_call(pid_t pid)
{
	char text[256];
	GateCall call;
	long long nr;

	if (read_text(pid, "syscall", text, sizeof(text)) == 0 &&
	    sscanf(text, "%lld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &nr, &call.args[0],
		   &call.args[1], &call.args[2], &call.args[3]) == 5) {
		call.known = true;
		call.pid = pid;
		call.nr = static_cast<int32_t>(nr);
	}
	return call;
}

uint64_t read_start_time(pid_t pid)
{
	char text[1024];
	uint64_t start = 0;

	if (read_text(pid, "stat", text, sizeof(text)) < 0)
		return 0;
	const char *bracket = strrchr(text, ')');
	if (!bracket || sscanf(bracket + 1,
			       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
			       "%" SCNu64,
			       &start) != 1)
		return 0;
	return start;
}

bool owner_lives(uint32_t pid)
{
	char path[320], link[64];

	if (!pid)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/net/netlink", pid);
	File netlink(fopen(path, "re"));
	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	Directory fds(opendir(path));
	if (!netlink || !fds)
		return false;
	while (const dirent *entry = readdir(fds.get())) {
		unsigned long inode;

		snprintf(path, sizeof(path), "/proc/%u/fd/%s", pid, entry->d_name);
		const ssize_t n = readlink(path, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = 0;
		if (sscanf(link, "socket:[%lu]", &inode) == 1 && is_audit_socket(netlink.get(), inode))
			return true;
	}
	return false;
}

pid_t find_kauditd()
{
	Directory proc(opendir("/proc"));

	while (const dirent *entry = proc ? readdir(proc.get()) : nullptr) {
		const pid_t pid = atoi(entry->d_name);
		char text[32];

		/* A kernel thread has no command line; a program could have the name. */
		if (pid > 0 && read_text(pid, "comm", text, sizeof(text)) == 0 &&
		    strcmp(text, "kauditd\n") == 0 && read_text(pid, "cmdline", text, sizeof(text)) == 0 &&
		    !text[0])
			return pid;
	}
	return 0;
}

bool read_cpu_ns(pid_t pid, uint64_t *ns)
{
	char text[96];

	return read_text(pid, "schedstat", text, sizeof(text)) == 0 && sscanf(text, "%" SCNu64, ns) == 1;
}

} // namespace tb::auditd
