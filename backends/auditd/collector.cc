/* SPDX-License-Identifier: Apache-2.0 */
#include "collector.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/audit.h>
#include <linux/netlink.h>

#include "clock.h"

namespace tb::auditd
{

Collector::Collector(Socket &socket, uint32_t native_arch)
	: socket_(socket), batch_(kSlots, kSlotBytes), join_(native_arch), native_arch_(native_arch)
{
}

void Collector::read_paths()
{
	paths_ = true;
	batch_ = Batch(kSlots, kPathSlotBytes);
}

bool Collector::settle()
{
	join_.settle();
	giving_up_ = !held_.empty();
	return giving_up_;
}

void Collector::expect_marker(uint32_t backlog_limit)
{
	snprintf(marker_, sizeof(marker_), "op=set audit_backlog_limit=%u old=%u ", backlog_limit,
		 backlog_limit);
}

/*
 * A round is: receive until the socket is empty, read the clock, decode. Only when the slots were full before the socket was
 * empty is there a second pass; the round then has the clock of the last one.
 */
int Collector::drain(tb_record *out, uint32_t capacity, uint32_t timeout_us, uint32_t nap_us, tb_round *round,
		     tb_error *err)
{
	uint32_t count = 0;
	bool waited = timeout_us == 0;

	arena_ = round->arena;
	round->visible_ns = 0;
	round->per_record_visible = 0;
	dry_ = false;
	for (;;) {
		count += take_received(out + count, capacity - count);
		if (count)
			round->visible_ns = visible_ns_;
		if (count == capacity || (dry_ && (count || waited)))
			return static_cast<int>(count);
		if (dry_) {
			waited = true;
			if (nap_us) {
				const uint32_t us = std::min(nap_us, timeout_us);
				const timespec pause = {us / 1000000, static_cast<long>(us % 1000000) * 1000};

				clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
			} else {
				int rc = socket_.wait(timeout_us);

				if (rc < 0)
					return tb_error__set(err, rc, "waiting for audit records: %s",
							     strerror(-rc));
			}
		}
		int rc = receive_all(err);

		if (rc < 0)
			return rc;
	}
}

/* Fills the slots, until none is left or nothing more is there; sets dry_ and, when something came, visible_ns_. */
int Collector::receive_all(tb_error *err)
{
	/* A signal or an overrun each cost one turn; neither can come without end while nothing is received. */
	constexpr uint32_t kFruitless = 64;
	uint32_t fruitless = 0;

	filled_ = taken_ = 0;
	dry_ = false;
	while (filled_ < batch_.slots()) {
		int got = socket_.receive(batch_, filled_, batch_.slots() - filled_);

		if (got > 0) {
			filled_ += static_cast<uint32_t>(got);
			continue;
		}
		if (got == 0 || got == -EAGAIN) {
			dry_ = true;
			break;
		}
		if (got == -ENOBUFS)
			received_.overruns++;
		else if (got != -EINTR)
			return tb_error__set(err, got, "receiving audit records: %s", strerror(-got));
		if (++fruitless == kFruitless)
			return tb_error__set(err, got, "receiving audit records failed %u times running: %s",
					     kFruitless, strerror(-got));
	}
	if (filled_)
		visible_ns_ = tb_monotonic_ns();
	return 0;
}

uint32_t Collector::take_received(tb_record *out, uint32_t capacity)
{
	uint32_t count = 0;

	while (giving_up_ && count < capacity) {
		giving_up_ = held_.give_up(arena_, &out[count]);
		count += giving_up_;
	}
	while (taken_ < filled_ && count < capacity)
		count += take_datagram(batch_.get(taken_++), &out[count]);
	return count;
}

/* True when it was a call of the target: then *out is its record. */
bool Collector::take_datagram(const Datagram &datagram, tb_record *out)
{
	const uint32_t size = std::min(datagram.size, batch_.slot_bytes());
	nlmsghdr head;
	EventId id;
	std::string_view rest;

	if (size < sizeof(head))
		return false;
	/* Records have a length in their header that lacks the header; the datagram's own is right. */
	memcpy(&head, datagram.data, sizeof(head));
	const std::string_view text(datagram.data + NLMSG_HDRLEN, size - NLMSG_HDRLEN);

	if (head.nlmsg_type == AUDIT_SYSCALL)
		return take_call(text, out);
	if (!parse_event_id(text, &id, &rest))
		return false; /* an answer, not a record */
	const bool companion = join_.record(head.nlmsg_type, id.serial);

	received_.companions += companion;
	if (companion && head.nlmsg_type == AUDIT_PATH)
		held_.name(id.serial, rest);
	if (companion && head.nlmsg_type == AUDIT_EOE)
		return held_.end(id.serial, arena_, out);
	if (companion)
		return false;
	if (head.nlmsg_type == AUDIT_CONFIG_CHANGE && marker_[0] && rest.starts_with(' ') &&
	    rest.substr(1).starts_with(marker_)) {
		received_.markers++;
		join_.poke(id.serial);
	} else if (head.nlmsg_type == AUDIT_CONFIG_CHANGE || head.nlmsg_type < AUDIT_SYSCALL) {
		received_.control++;
	} else {
		received_.strays++;
	}
	return false;
}

bool Collector::take_call(std::string_view text, tb_record *out)
{
	SyscallRecord call;

	if (!parse_syscall(text, &call)) {
		EventId id;
		std::string_view rest;

		received_.malformed++;
		if (parse_event_id(text, &id, &rest))
			join_.foreign_call(id.serial); /* its event is accounted for */
		return false;
	}
	if (call.session != target_.session) {
		join_.foreign_call(call.id.serial);
		received_.foreign++;
		return false;
	}
	received_.calls++;
	join_.call(call);
	if (is_gate_call(call))
		return false;

	const uint64_t realtime_ns = call.id.time_ms * 1'000'000;

	*out = {};
	out->ts_ns = realtime_ns - static_cast<uint64_t>(target_.monotonic_offset_ns);
	out->tid = out->tgid = static_cast<uint32_t>(call.pid);
	out->nr = call.nr;
	out->arch = call.arch;
	out->cpu = TB_CPU_UNKNOWN;
	out->kind = TB_KIND_CALL;
	out->args_valid = 0x0f;
	memcpy(out->args, call.args, sizeof(call.args));
	out->flags = TB_F_ENTRY_ARGS;
	if (call.has_exit) {
		out->flags |= TB_F_RET;
		out->ret = call.exit;
	} else {
		out->flags |= TB_F_NO_RETURN | TB_F_ENTER;
	}
	const uint8_t which = paths_ && call.arch == native_arch_ ? tb_path_arguments(call.nr) : 0;

	if (!which)
		return true;
	const tb_record record = *out;

	if (call.items)
		return held_.hold(record, call, which, arena_, out);
	held_.without_names(record, which, arena_, out);
	return true;
}

/* Only the first record of the target's first process can be it. */
bool Collector::is_gate_call(const SyscallRecord &call)
{
	const GateCall &gate = target_.gate_call;

	if (!gate.known || call.pid != gate.pid)
		return false;
	target_.gate_call.known = false;
	return call.nr == gate.nr && memcmp(call.args, gate.args, sizeof(gate.args)) == 0;
}

} // namespace tb::auditd
