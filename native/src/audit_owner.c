/* SPDX-License-Identifier: Apache-2.0 */
#include "../include/audit_owner.h"

#include <dirent.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <unistd.h>

/* Is there an audit socket with this inode in the process's network namespace? */
static bool is_audit_socket(FILE *netlink, unsigned long inode)
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

bool tb_audit_owner__lives(uint32_t pid)
{
	char path[320], link[64];
	struct dirent *entry;
	unsigned long inode;
	bool lives = false;
	FILE *netlink;
	DIR *fds;
	ssize_t n;

	if (!pid)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/net/netlink", pid);
	netlink = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	fds = opendir(path);
	while (netlink && fds && !lives && (entry = readdir(fds))) {
		snprintf(path, sizeof(path), "/proc/%u/fd/%s", pid, entry->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = 0;
		lives = sscanf(link, "socket:[%lu]", &inode) == 1 && is_audit_socket(netlink, inode);
	}
	if (netlink)
		fclose(netlink);
	if (fds)
		closedir(fds);
	return lives;
}
