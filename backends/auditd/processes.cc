/* SPDX-License-Identifier: Apache-2.0 */
#include "processes.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <memory>

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
