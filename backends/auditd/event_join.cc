/* SPDX-License-Identifier: Apache-2.0 */
#include "event_join.h"

#include <algorithm>
#include <linux/audit.h>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace tb::auditd
{

namespace
{

/*
 * Made at a call's exit, behind its SYSCALL record, and never by themselves: one without its SYSCALL record tells of a call
 * that was lost. Others (BPF, SECCOMP, CONFIG_CHANGE …) also stand alone.
 */
bool is_companion(uint16_t type)
{
	switch (type) {
	case AUDIT_PROCTITLE:
	case AUDIT_EOE:
	case AUDIT_CWD:
	case AUDIT_PATH:
	case AUDIT_EXECVE:
	case AUDIT_BPRM_FCAPS:
	case AUDIT_MMAP:
	case AUDIT_FD_PAIR:
	case AUDIT_SOCKADDR:
	case AUDIT_SOCKETCALL:
	case AUDIT_IPC:
	case AUDIT_OBJ_PID:
	case AUDIT_CAPSET:
		return true;
	default:
		return false;
	}
}

/* What a call has besides SYSCALL, CWD, PATH, PROCTITLE and EOE; 0: nothing that is known of. */
uint16_t special_of(const SyscallRecord &r)
{
	if ((r.nr == SYS_execve || r.nr == SYS_execveat) && r.success)
		return AUDIT_EXECVE;
	if (r.nr == SYS_mmap && !(r.args[3] & MAP_ANONYMOUS))
		return AUDIT_MMAP;
	if ((r.nr == SYS_pipe2
#ifdef SYS_pipe
	     || r.nr == SYS_pipe
#endif
	     || r.nr == SYS_socketpair) &&
	    r.success)
		return AUDIT_FD_PAIR;
	return 0;
}

} // namespace

void EventJoin::call(const SyscallRecord &r)
{
	Place *place = open(r.id.serial);

	if (!place)
		return;
	place->seen |= kCall;
	place->items = static_cast<uint8_t>(std::min<uint32_t>(r.items, UINT8_MAX));
	place->expected = r.arch == native_arch_ ? special_of(r) : 0;
}

void EventJoin::foreign_call(uint32_t serial)
{
	Place *place = open(serial);

	if (!place)
		return;
	place->seen |= kForeign;
	pokes_recorded_ |= (place->seen & kPoke) != 0;
}

bool EventJoin::record(uint16_t type, uint32_t serial)
{
	Place *place = open(serial);

	if (!place)
		return false;
	if (is_companion(type))
		place->seen |= kCompanion;
	switch (type) {
	case AUDIT_PROCTITLE:
		place->seen |= kProctitle;
		break;
	case AUDIT_EOE:
		place->seen |= kEoe;
		break;
	case AUDIT_CWD:
		place->seen |= kCwd;
		break;
	case AUDIT_PATH:
		place->paths += place->paths < UINT8_MAX;
		break;
	case AUDIT_EXECVE:
	case AUDIT_MMAP:
	case AUDIT_FD_PAIR:
		place->special = type;
		break;
	default:
		break;
	}
	return place->seen & kCall;
}

void EventJoin::poke(uint32_t serial)
{
	Place *place = open(serial);

	if (!place)
		return;
	place->seen |= kPoke;
	last_poke_ = serial;
}

void EventJoin::settle()
{
	Place &last = places_[last_poke_ % kPlaces];

	/* By it is known that all before it has come; what is behind it may be on its way. */
	last.seen &= static_cast<uint8_t>(~kPoke);
	advance(end_);
}

/* The place of a serial; nullptr when it is closed already. */
EventJoin::Place *EventJoin::open(uint32_t serial)
{
	if (!begun_) {
		begun_ = true;
		begin_ = end_ = serial;
	}
	if (static_cast<int32_t>(serial - begin_) < 0) {
		late_++;
		return nullptr;
	}
	if (static_cast<int32_t>(serial - end_) >= 0)
		end_ = serial + 1;
	if (serial - begin_ >= kPlaces)
		advance(serial - kPlaces + 1);

	Place &place = places_[serial % kPlaces];

	place.seen |= kAny;
	return &place;
}

/* Closes all serials below `to`. */
void EventJoin::advance(uint32_t to)
{
	const uint32_t held = std::min(to - begin_, kPlaces);

	for (uint32_t i = 0; i < held; i++) {
		Place &place = places_[(begin_ + i) % kPlaces];

		close(place);
		place = {};
	}
	/* Where a serial lies further ahead than there are places, those between were never there. */
	const uint64_t leapt = to - begin_ - held;

	absent_.headless += leapt;
	absent_.headless_records += leapt * kPlainRecords;
	begin_ = to;
}

void EventJoin::close(const Place &place)
{
	const uint64_t plain = !(place.seen & kProctitle) + !(place.seen & kEoe);

	if (place.seen & kCall) {
		const uint64_t missing = plain + (place.items && !(place.seen & kCwd)) +
					 (place.expected && place.special != place.expected) +
					 (place.items > place.paths ? place.items - place.paths : 0);

		absent_.companions += missing;
		absent_.incomplete_calls += missing > 0;
	} else if (place.seen & kPoke) {
		/* Where its SYSCALL record is refused, the kernel makes no other. */
		absent_.of_pokes += place.seen & kForeign ? plain : pokes_recorded_;
	} else if (!place.seen || ((place.seen & kCompanion) && !(place.seen & kForeign))) {
		absent_.headless++;
		absent_.headless_records += 1 + plain;
	}
}

} // namespace tb::auditd
