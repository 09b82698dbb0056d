/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "foothold.h"
#include "installation.h"

/* As the kernel lays it out; the pointer is the target's. */
struct remote_program {
	uint64_t length;
	uint64_t code;
};

static int called(struct notify_foothold *f, const char *what, long nr, const uint64_t args[6],
		  int64_t *result, struct tb_error *err)
{
	int rc = notify_foothold__call(f, nr, args, result, err);

	if (rc)
		return rc;
	if (*result < 0 && *result >= -4095)
		return tb_error__set(err, (int)*result, "%s in process %d: %s", what, f->pid,
				     strerror((int)-*result));
	return 0;
}

static int refused(struct tb_error *err, int rc)
{
	const char *reason = strerror(-rc);

	switch (-rc) {
	case EACCES:
		tb_error__set(
			err, rc,
			"installing a seccomp filter without NO_NEW_PRIVS: %s (CAP_SYS_ADMIN is missing; "
			"NO_NEW_PRIVS would disable set-uid)",
			reason);
		tb_error__mend(err, "run as root, e.g. with sudo");
		break;
	case EBUSY:
		tb_error__set(
			err, rc,
			"installing a seccomp filter: the target has a filter with a listener already, "
			"and the kernel allows one (a container manager that intercepts calls has one)");
		tb_error__mend(err, "run outside that container");
		break;
	case EINVAL:
	case ENOSYS:
		rc = -EOPNOTSUPP;
		tb_error__set(err, rc, "installing a seccomp filter with a listener: %s", reason);
		tb_error__mend(err, "a kernel with CONFIG_SECCOMP_FILTER, Linux 5.6 or later");
		break;
	default:
		tb_error__set(err, rc, "installing a seccomp filter: %s", reason);
	}
	return rc;
}

/*
 * SPEC_ALLOW: before 5.16 a filter switched a speculation mitigation on, which would slow the target for a reason that
 * has nothing to do with tracing.
 */
static int install(struct notify_installation *i, struct notify_foothold *f, uint64_t program, int64_t *fd,
		   struct tb_error *err)
{
	uint64_t flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
			 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	uint64_t args[6] = {SECCOMP_SET_MODE_FILTER, flags, program};
	int rc = notify_foothold__call(f, SYS_seccomp, args, fd, err);

	if (rc)
		return rc;
	i->killable = *fd != -EINVAL;
	if (!i->killable) {
		args[1] &= ~(uint64_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
		rc = notify_foothold__call(f, SYS_seccomp, args, fd, err);
		if (rc)
			return rc;
	}
	return *fd < 0 ? refused(err, (int)*fd) : 0;
}

/* The listener of the target becomes ours alone: were it to keep one, its calls would wait for ever after our end. */
static int bring(struct notify_installation *i, struct notify_foothold *f, int64_t remote_fd,
		 struct notify_listener *listener, struct tb_error *err)
{
	const uint64_t args[6] = {(uint64_t)remote_fd};
	int64_t ignored;
	int fd = (int)syscall(SYS_pidfd_getfd, i->pidfd, (int)remote_fd, 0);

	if (fd < 0) {
		tb_error__set(err, -errno, "pidfd_getfd of the listener of process %d: %s", f->pid,
			      strerror(errno));
		return err->code;
	}
	notify_listener__adopt(listener, fd);
	return called(f, "closing the listener", SYS_close, args, &ignored, err);
}

static int install_and_bring(struct notify_installation *i, struct notify_foothold *f,
			     const struct sock_filter *code, unsigned length,
			     struct notify_listener *listener, bool *installed, struct tb_error *err)
{
	const size_t bytes = sizeof(struct remote_program) + length * sizeof(*code);
	const uint64_t map[6] = {0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1};
	struct remote_program program = {.length = length};
	struct tb_error second;
	int64_t memory, fd, ignored;
	int rc = called(f, "mapping memory for the filter", SYS_mmap, map, &memory, err);

	if (rc)
		return rc;

	const uint64_t unmap[6] = {(uint64_t)memory, bytes};

	program.code = (uint64_t)memory + sizeof(program);
	rc = notify_foothold__write(f, (uint64_t)memory, &program, sizeof(program), err);
	if (!rc)
		rc = notify_foothold__write(f, program.code, code, length * sizeof(*code), err);
	if (!rc)
		rc = install(i, f, (uint64_t)memory, &fd, err);
	if (!rc) {
		*installed = true;
		rc = bring(i, f, fd, listener, err);
		if (rc)
			return rc; /* it will be killed, and has nobody to answer its calls */
	}
	/* What failed first is what is told. */
	if (rc)
		called(f, "unmapping the filter", SYS_munmap, unmap, &ignored, &second);
	else
		rc = called(f, "unmapping the filter", SYS_munmap, unmap, &ignored, err);
	return rc;
}

int notify_installation__make(struct notify_installation *i, pid_t pid, const struct sock_filter *code,
			      unsigned length, struct notify_listener *listener, struct tb_error *err)
{
	struct notify_foothold foothold;
	struct tb_error second;
	bool installed = false;
	int rc;

	*i = (struct notify_installation){.pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
	if (i->pidfd < 0)
		return tb_error__set(err, errno == ENOSYS ? -EOPNOTSUPP : -errno, "pidfd_open(%d): %s", pid,
				     strerror(errno));
	rc = notify_foothold__take(&foothold, pid, listener, err);
	if (!rc) {
		rc = install_and_bring(i, &foothold, code, length, listener, &installed, err);
		if (rc && installed)
			syscall(SYS_pidfd_send_signal, i->pidfd, SIGKILL, NULL, 0);
		if (rc)
			notify_foothold__release(&foothold, &second);
		else
			rc = notify_foothold__release(&foothold, err);
	}
	if (rc) {
		close(i->pidfd);
		i->pidfd = -1;
	}
	return rc;
}
