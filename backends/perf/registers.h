/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which user registers a sample carries, and what they tell: the architecture of a call, and on x86-64 its arguments.
 *
 * perf says per sample whether the process is a 32-bit one. An `int 0x80` of 64-bit code it does not tell; the registers do:
 * the syscall instruction leaves the address of the next one in rcx, and the kernel puts it into both ip and cx, while int 0x80
 * leaves rcx, its second argument, alone. Processors that run the kernel with FRED leave rcx alone in both; there 64-bit
 * code is always taken for native.
 */
#ifndef TRACEBENCH_PERF_REGISTERS_H
#define TRACEBENCH_PERF_REGISTERS_H

#include <asm/perf_regs.h>
#include <cstdint>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "record.h"

namespace tb::perf
{

constexpr uint64_t bit(unsigned i)
{
	return uint64_t{1} << i;
}

#if defined(__x86_64__)

constexpr uint32_t kNativeArch = TB_ARCH_X86_64;
constexpr uint32_t kForeignArch = TB_ARCH_I386;

/* Samples carry registers in the order of their numbers. */
struct CallRegisters {
	uint64_t bx, cx, dx, si, di, bp, ip, r8, r9, r10;
};
struct LeanRegisters {
	uint64_t dx, si, di, r8, r9, r10;
};
struct ArchRegisters {
	uint64_t cx, ip;
};
constexpr uint64_t kArchMask = bit(PERF_REG_X86_CX) | bit(PERF_REG_X86_IP);
/* The arguments of native calls, and nothing by which int 0x80 is told. */
constexpr uint64_t kLeanMask = bit(PERF_REG_X86_DX) | bit(PERF_REG_X86_SI) | bit(PERF_REG_X86_DI) |
			       bit(PERF_REG_X86_R8) | bit(PERF_REG_X86_R9) | bit(PERF_REG_X86_R10);
constexpr uint64_t kCallMask = kLeanMask | kArchMask | bit(PERF_REG_X86_BX) | bit(PERF_REG_X86_BP);

/* Arguments of a function. */
struct FunctionRegisters {
	uint64_t cx, dx, si, di, r8, r9;
};
constexpr uint64_t kFunctionMask = bit(PERF_REG_X86_CX) | bit(PERF_REG_X86_DX) | bit(PERF_REG_X86_SI) |
				   bit(PERF_REG_X86_DI) | bit(PERF_REG_X86_R8) | bit(PERF_REG_X86_R9);

inline void function_args(const FunctionRegisters &r, uint64_t args[6])
{
	args[0] = r.di;
	args[1] = r.si;
	args[2] = r.dx;
	args[3] = r.cx;
	args[4] = r.r8;
	args[5] = r.r9;
}

/* A successful exec returns with execve's number in the new program's architecture. */
constexpr int kForeignExecve = 11;

/* One record a call: the exit's registers still hold the arguments. */
constexpr bool kExitHasArguments = true;

/* Whether the syscall instruction leaves its mark in rcx here. */
inline bool instruction_leaves_mark()
{
	static const bool leaves = [] {
		uint64_t number = SYS_getppid, rcx = 1;

		__asm__ volatile("syscall" : "+a"(number), "+c"(rcx) : : "r11", "memory");
		return rcx != 1;
	}();
	return leaves;
}

inline uint32_t arch_of(uint64_t abi, uint64_t cx, uint64_t ip, bool mark)
{
	if (abi == PERF_SAMPLE_REGS_ABI_32)
		return kForeignArch;
	return mark && abi == PERF_SAMPLE_REGS_ABI_64 && cx != ip ? kForeignArch : kNativeArch;
}

inline uint32_t arch_of(uint64_t abi, const ArchRegisters &r, bool mark)
{
	return arch_of(abi, r.cx, r.ip, mark);
}

/* Whether they may be what the kernel hands to a new program. No other call leaves 0 in rcx, but for one by int 0x80. */
inline bool may_be_fresh(const ArchRegisters &r)
{
	return r.cx == 0;
}

#elif defined(__aarch64__)

constexpr uint32_t kNativeArch = TB_ARCH_AARCH64;
constexpr uint32_t kForeignArch = TB_ARCH_ARM;

/* Nothing of it is used: perf refuses an empty set, and the ABI comes with any. */
struct ArchRegisters {
	uint64_t x0;
};
constexpr uint64_t kArchMask = bit(PERF_REG_ARM64_X0);
constexpr uint64_t kCallMask = kArchMask;
constexpr uint64_t kLeanMask = kArchMask;

/* Arguments of a function. */
struct FunctionRegisters {
	uint64_t x[6];
};
constexpr uint64_t kFunctionMask = 0x3f * bit(PERF_REG_ARM64_X0);

inline void function_args(const FunctionRegisters &r, uint64_t args[6])
{
	for (int i = 0; i < 6; i++)
		args[i] = r.x[i];
}

constexpr int kForeignExecve = 11;

/* The first argument's register holds the return value by the time of the exit. */
constexpr bool kExitHasArguments = false;

inline bool instruction_leaves_mark()
{
	return true; /* a process is wholly of one architecture */
}

inline uint32_t arch_of(uint64_t abi, const ArchRegisters &, bool)
{
	return abi == PERF_SAMPLE_REGS_ABI_32 ? kForeignArch : kNativeArch;
}

inline bool may_be_fresh(const ArchRegisters &)
{
	return true; /* the register of the return value */
}

#else
#error "perf: x86-64 and arm64 only"
#endif

} // namespace tb::perf

#endif
