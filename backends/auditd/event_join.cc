/* SPDX-License-Identifier: Apache-2.0 */
#include "event_join.h"

#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace tb::auditd
{

void EventJoin::begin(const SyscallRecord &r)
{
	Place &place = places_[r.id.serial % kPlaces];

	if (place.open)
		close(place);
	place = {};
	place.serial = r.id.serial;
	place.open = true;
	place.proctitle = 1;
	place.eoe = 1;
	place.paths = r.items;
	place.cwd = r.items > 0;
	if (r.arch != native_arch_)
		return;
	if ((r.nr == SYS_execve || r.nr == SYS_execveat) && r.success) {
		place.special = 1;
		place.special_type = AUDIT_EXECVE;
	} else if (r.nr == SYS_mmap && !(r.args[3] & MAP_ANONYMOUS)) {
		place.special = 1;
		place.special_type = AUDIT_MMAP;
	} else if ((r.nr == SYS_pipe2
#ifdef SYS_pipe
		    || r.nr == SYS_pipe
#endif
		    || r.nr == SYS_socketpair) &&
		   r.success) {
		place.special = 1;
		place.special_type = AUDIT_FD_PAIR;
	}
}

bool EventJoin::companion(uint16_t type, uint32_t serial)
{
	Place &place = places_[serial % kPlaces];

	if (!place.open || place.serial != serial)
		return false;
	switch (type) {
	case AUDIT_PROCTITLE:
		place.proctitle = 0;
		break;
	case AUDIT_CWD:
		place.cwd = 0;
		break;
	case AUDIT_PATH:
		if (place.paths)
			place.paths--;
		break;
	case AUDIT_EOE:
		place.eoe = 0;
		close(place);
		break;
	default:
		if (type == place.special_type)
			place.special = 0;
		break;
	}
	return true;
}

void EventJoin::settle()
{
	for (Place &place : places_)
		if (place.open)
			close(place);
}

void EventJoin::close(Place &place)
{
	const uint64_t missing =
		uint64_t{place.proctitle} + place.eoe + place.cwd + place.special + place.paths;

	missing_ += missing;
	incomplete_calls_ += missing > 0;
	place.open = false;
}

} // namespace tb::auditd
