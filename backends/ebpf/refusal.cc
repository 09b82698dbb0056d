/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include <bpf/libbpf.h>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_log.h"

namespace tb::ebpf
{

namespace
{

constexpr int kCapSysAdmin = 21, kCapPerfmon = 38, kCapBpf = 39;
constexpr ino_t kInitialPidNamespace = 0xeffffffcu; /* PROC_PID_INIT_INO */

/* What loading and attaching takes: CAP_SYS_ADMIN, or since Linux 5.8 CAP_BPF and CAP_PERFMON. */
bool has_bpf_privilege()
{
	FILE *status = fopen("/proc/thread-self/status", "re");
	if (!status)
		return geteuid() == 0;
	uint64_t effective = 0;
	char line[256];
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %" SCNx64, &effective) == 1)
			break;
	fclose(status);
	auto has = [effective](int cap) {
		return effective >> cap & 1;
	};
	return has(kCapSysAdmin) || (has(kCapBpf) && has(kCapPerfmon));
}

} // namespace

int explain_refusal(tb_error *err, int code, const char *operation)
{
	const char *words = KernelLog::last_words();
	const char *separator = *words ? ": " : "";
	char reason[96];

	libbpf_strerror(code, reason, sizeof(reason)); /* knows errno and libbpf's own codes */
	if (code <= -__LIBBPF_ERRNO__START) {
		tb_error__set(err, -EPROTO, "%s failed: %s%s%s", operation, reason, separator, words);
		tb_error__mend(err, "npm run build");
		return -EPROTO;
	}

	if ((code == -EPERM || code == -EACCES) && !has_bpf_privilege()) {
		tb_error__set(err, code,
			      "%s needs CAP_BPF and CAP_PERFMON (or root), which this process lacks: %s",
			      operation, reason);
		tb_error__mend(err, "run as root, e.g. with sudo");
		return code;
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
		tb_error__set(err, code,
			      "%s failed, and this kernel has no type information (/sys/kernel/btf/vmlinux: "
			      "%s): %s%s%s",
			      operation, strerror(errno), reason, separator, words);
		tb_error__mend(err, "use a kernel built with CONFIG_DEBUG_INFO_BTF=y");
		return code;
	}
	tb_error__set(err, code, "%s failed: %s%s%s", operation, reason, separator, words);
	if (code == -ENOMEM)
		tb_error__mend(err, "ask for a smaller --buffer, or free memory");
	else if (code == -EPERM)
		tb_error__mend(err, "the process has the capabilities, so a lockdown mode, a seccomp filter "
				    "of the container or "
				    "an LSM forbids it: run on the host, outside the container");
	return code;
}

int require_initial_pid_namespace(tb_error *err)
{
	struct stat ns;

	if (stat("/proc/self/ns/pid", &ns) != 0) {
		int code = -errno;

		return tb_error__set(err, code, "cannot tell the pid namespace: /proc/self/ns/pid: %s",
				     strerror(-code));
	}
	if (ns.st_ino == kInitialPidNamespace)
		return 0;
	tb_error__set(err, -ENOTSUP,
		      "inside a pid namespace: BPF programs see the numbers of the initial one, so the "
		      "target cannot be named");
	tb_error__mend(err, "run on the host, or in a container with --pid=host");
	return -ENOTSUP;
}

} // namespace tb::ebpf
