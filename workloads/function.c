/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function: a function of its own that takes the stamp, for what traces functions (uprobes, USDT probes). Between START and END
 * no system call is made: START and END are calls of the function as well, with the words of the marks as arguments.
 *
 * In assembly, because what a probe costs hangs on the instruction under it: one that the kernel emulates takes one
 * trap, any other is stepped through, which takes two. The arguments are in the registers of the calling convention at all
 * three places.
 */
#include "record.h"
#include "usdt.h"
#include "workload.h"

/* Returns its fourth argument. */
uint64_t tb_function(uint64_t a0, uint64_t a1, uint64_t a2, uint64_t stamp, uint64_t a4, uint64_t a5);

#define BEGIN(name) "	.globl " name "\n	.type " name ", %function\n" name ":\n"
#define END(name)   "	.size " name ", .-" name "\n"

/* clang-format off */
#if defined(__x86_64__)

__asm__("	.text\n"
	"	.balign 64\n"
	BEGIN("tb_function")
	"	push %rbp\n" /* emulated */
	BEGIN("tb_function_stepped")
	"	mov %rsp, %rbp\n" /* not emulated */
	TB_USDT("tracebench", "call", "8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8 8@%r9")
	"	mov %rcx, %rax\n"
	"	pop %rbp\n"
	"	ret\n"
	END("tb_function_stepped")
	END("tb_function"));

#elif defined(__aarch64__)

__asm__("	.text\n"
	"	.balign 64\n"
	BEGIN("tb_function")
	"	stp x29, x30, [sp, #-16]!\n"
	BEGIN("tb_function_stepped")
	"	mov x29, sp\n"
	TB_USDT("tracebench", "call", "8@x0 8@x1 8@x2 8@x3 8@x4 8@x5")
	"	mov x0, x3\n"
	"	ldp x29, x30, [sp], #16\n"
	"	ret\n"
	END("tb_function_stepped")
	END("tb_function"));

#endif
/* clang-format on */

static unsigned function_kind;

static int prepare(struct tb_run *run)
{
	function_kind = tb_run__stamped(run, TB_NR_FUNCTION, "tb_function", 0, 0, 0, 0);
	return 0;
}

static void section(struct tb_lane *lane, uint64_t calls)
{
	while (lane->seq < calls) {
		uint64_t stamp = tb_lane__stamp(lane);
		uint64_t ret = tb_function(TB_HASH(0), TB_HASH(1), TB_HASH(2), stamp, TB_HASH(4), TB_HASH(5));

		tb_lane__made(lane, function_kind, (int64_t)ret, ret == stamp);
	}
}

static void mark(uint64_t which, uint64_t stamp)
{
	tb_function(TB_MARK_0, TB_MARK_1, which, stamp, 0, 0);
}

int main(int argc, char **argv)
{
	static const struct tb_workload workload = {
		.name = "function",
		.summary = "Calls a function of its own in a loop, and makes no system call.",
		.max_calls = 1000000000000ull,
		.max_threads = 1,
		.prepare = prepare,
		.section = section,
		.mark = mark,
	};

	return tb_runtime__main(&workload, argc, argv);
}
