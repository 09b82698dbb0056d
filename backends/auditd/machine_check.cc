/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_check.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "audit_owner.h"
#include "processes.h"

namespace tb::auditd
{

namespace
{

constexpr uint32_t kLocked = 2; /* enabled: no rule can be changed until the next boot */

} // namespace

int explain(tb_error *err, int code, const char *operation)
{
	switch (code) {
	case -EPERM:
		tb_error__set(err, code, "%s needs CAP_AUDIT_CONTROL (and CAP_AUDIT_READ to listen): %s",
			      operation, strerror(-code));
		tb_error__mend(
			err, "run as root (sudo), in the initial pid namespace (--pid=host for containers)");
		break;
	case -ECONNREFUSED:
		tb_error__set(err, code,
			      "%s: the kernel does not answer (audit=0 at boot, or inside a user namespace)",
			      operation);
		tb_error__mend(err, "boot without audit=0; run on the host, outside the container");
		break;
	case -EPROTONOSUPPORT:
		tb_error__set(err, code, "%s: this kernel has no audit", operation);
		tb_error__mend(err, "use a kernel with CONFIG_AUDITSYSCALL=y");
		break;
	case -ETIMEDOUT:
		tb_error__set(err, code, "%s: the kernel did not answer within 2 s", operation);
		break;
	default:
		tb_error__set(err, code, "%s: %s", operation, strerror(-code));
		break;
	}
	return code;
}

int check_status(Control &control, const Variant &variant, audit_status *status, tb_error *err)
{
	int rc = control.status(status);

	if (rc < 0)
		return explain(err, rc, "reading audit's status");
	if (status->enabled == kLocked) {
		tb_error__set(err, -EBUSY,
			      "audit is locked until the next boot (enabled 2): no rule can be added");
		tb_error__mend(err, "take -e 2 out of the audit rules, and boot again");
		return -EBUSY;
	}
	if (!(status->feature_bitmap & AUDIT_FEATURE_BITMAP_SESSIONID_FILTER)) {
		tb_error__set(err, -EOPNOTSUPP, "this kernel's audit cannot filter by session");
		tb_error__mend(err, "Linux 4.10 or later is needed");
		return -EOPNOTSUPP;
	}
	if (variant.owns && tb_audit_owner__lives(status->pid)) {
		tb_error__set(err, -EBUSY,
			      "audit belongs to process %u, which lives and holds an audit socket",
			      status->pid);
		tb_error__mend(err, "stop it (auditd: service auditd stop), or use auditd/multicast, which "
				    "listens beside it");
		return -EBUSY;
	}
	return 0;
}

int check_surroundings(Control &control, const audit_status &status, tb_error *err)
{
	std::vector<RuleHead> rules;
	audit_features features;
	uint32_t session;
	int rc = control.rules(&rules);

	if (rc < 0)
		return explain(err, rc, "listing audit's rules");
	for (const RuleHead &rule : rules) {
		if (rule.list == AUDIT_FILTER_TASK && rule.action == AUDIT_NEVER) {
			tb_error__set(
				err, -EBUSY,
				"a never,task rule stands: no task gets an audit context, so no call is "
				"recorded");
			tb_error__mend(err,
				       "auditctl -d never,task; or, if a killed run left it: ./tracebench "
				       "doctor --repair");
			return -EBUSY;
		}
		if (rule.list == AUDIT_FILTER_EXCLUDE) {
			tb_error__set(err, -EBUSY,
				      "a rule on the exclude list hides records that belong to a call");
			tb_error__mend(err, "remove it while measuring (auditctl -l shows it)");
			return -EBUSY;
		}
	}
	if (status.enabled == 0 && tb_audit_owner__lives(status.pid)) {
		tb_error__set(err, -EBUSY, "audit's owner, process %u, keeps it disabled", status.pid);
		tb_error__mend(err, "enable it (auditctl -e 1), or stop its owner");
		return -EBUSY;
	}
	rc = read_session(getpid(), &session);
	if (rc < 0 || access("/proc/self/loginuid", W_OK) != 0) {
		tb_error__set(
			err, -EOPNOTSUPP,
			"processes here have no audit session to tell a target by (/proc/self/loginuid, "
			"/proc/self/sessionid)");
		tb_error__mend(err, "use a kernel with CONFIG_AUDITSYSCALL=y, and mount /proc");
		return -EOPNOTSUPP;
	}
	rc = control.features(&features);
	if (rc < 0)
		return explain(err, rc, "reading audit's features");
	if (session != AUDIT_SID_UNSET &&
	    features.features & AUDIT_FEATURE_TO_MASK(AUDIT_FEATURE_LOGINUID_IMMUTABLE)) {
		tb_error__set(
			err, -EPERM,
			"the login uid is set and immutable here, so a target cannot get a session of its "
			"own");
		tb_error__mend(err, "start tracebench from a process without a login, like a system service "
				    "(systemd-run)");
		return -EPERM;
	}
	return 0;
}

} // namespace tb::auditd
