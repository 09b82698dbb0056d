/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>

#include "call_class.h"
#include "notify_filter.h"

struct program {
	struct sock_filter *code;
	unsigned length;
};

static void emit(struct program *p, struct sock_filter instruction)
{
	p->code[p->length++] = instruction;
}

static void load(struct program *p, size_t offset)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct program *p, uint32_t action)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* A return of its own for each number: a jump reaches 255 instructions, so one shared return would not do. */
static void notify_if(struct program *p, uint32_t nr)
{
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
	answer(p, SECCOMP_RET_USER_NOTIF);
}

static void allow_if(struct program *p, const struct notify_call *call)
{
	load(p, offsetof(struct seccomp_data, arch));
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call->arch, 0, 3));
	load(p, offsetof(struct seccomp_data, nr));
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->nr, 0, 1));
	answer(p, SECCOMP_RET_ALLOW);
}

static bool for_ourselves(const struct notify_call *call, bool native)
{
	return (call->arch == NOTIFY_NATIVE_ARCH) == native &&
	       (call->kind == NOTIFY_CALL_FORK || (native && call->kind == NOTIFY_CALL_EXEC));
}

static bool has_its_own_answer(int32_t nr)
{
	const enum notify_call_class kind = notify_call__class(NOTIFY_NATIVE_ARCH, nr);

	return kind == NOTIFY_CALL_FORK || kind == NOTIFY_CALL_EXEC || kind == NOTIFY_CALL_SIGRETURN;
}

/* Numbers and arch only: such a program the kernel (5.11) runs once a number, and remembers what is always allowed. */
unsigned notify_filter__build(const struct tb_filter *filter, struct sock_filter code[NOTIFY_FILTER_MAX])
{
	struct program p = {.code = code};
	unsigned skip;

	if (!filter->active) {
		for (size_t i = 0; i < notify_calls_count; i++)
			if (notify_calls[i].kind == NOTIFY_CALL_SIGRETURN)
				allow_if(&p, &notify_calls[i]);
		answer(&p, SECCOMP_RET_USER_NOTIF);
		return p.length;
	}
	load(&p, offsetof(struct seccomp_data, arch));
	skip = p.length;
	emit(&p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NOTIFY_NATIVE_ARCH, 0, 0));
	load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < notify_calls_count; i++)
		if (for_ourselves(&notify_calls[i], false))
			notify_if(&p, (uint32_t)notify_calls[i].nr);
	answer(&p, SECCOMP_RET_ALLOW);
	code[skip].jt = (unsigned char)(p.length - skip - 1);

	load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < notify_calls_count; i++)
		if (for_ourselves(&notify_calls[i], true))
			notify_if(&p, (uint32_t)notify_calls[i].nr);
	for (uint32_t nr = 0; nr < TB_NR_MAX; nr++)
		if (tb_filter__wants(filter, nr) && !has_its_own_answer((int32_t)nr))
			notify_if(&p, nr);
	answer(&p, SECCOMP_RET_ALLOW);
	return p.length;
}

int notify_filter__delivers(const struct tb_filter *filter, uint32_t arch, int32_t nr)
{
	return !filter->active || (arch == NOTIFY_NATIVE_ARCH && tb_filter__wants(filter, nr));
}
