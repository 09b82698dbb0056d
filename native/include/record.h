/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/*
 * The one event record: what every backend delivers, whatever its mechanism.
 *
 * Plain C without libc, shared by BPF programs, C, C++ and (by offsets that the addon exports and
 * harness/event.ts checks at load) TypeScript. Fixed size, naturally aligned, no padding: 96 bytes, a cache
 * line and a half, so that a slab of them is a flat array in every language.
 *
 * One record is one *call*: one entry by a thread of the target, with its return value where there is one.
 * The normalisation that makes it so (docs/method.md, "What one call is") happens in the backend's source, before
 * the record is handed on.
 */
#ifndef TRACEBENCH_RECORD_H
#define TRACEBENCH_RECORD_H

#ifdef __bpf__
/* vmlinux-style fixed types; BPF sources define them before including this file. */
typedef __u8 tb_u8;
typedef __u16 tb_u16;
typedef __u32 tb_u32;
typedef __u64 tb_u64;
typedef __s32 tb_s32;
typedef __s64 tb_s64;
#else
#include <stdint.h>
typedef uint8_t tb_u8;
typedef uint16_t tb_u16;
typedef uint32_t tb_u32;
typedef uint64_t tb_u64;
typedef int32_t tb_s32;
typedef int64_t tb_s64;
#endif

/* Raised at every change of layout or meaning; addon and TypeScript refuse each other when they differ. */
#define TB_RECORD_ABI 4

enum tb_record_kind {
	TB_KIND_CALL = 1,  /* one call, see the flags for what it carries */
	TB_KIND_BIRTH = 2, /* the zero return of clone/fork/vfork/clone3 in a new task: not a call */
	/*
	 * An exit without an entry, and no call: refused by seccomp; with TB_F_NO_RETURN the thread was killed
	 * where a tracer had stopped it, before it entered.
	 */
	TB_KIND_REFUSED = 3,
	TB_KIND_FUNCTION =
		4, /* a call of a function of the target: nr is TB_NR_FUNCTION, args what it was called with */
};

/* No system call's. It never names one: what it stands for is told by the record's kind. */
#define TB_NR_FUNCTION (-1)

enum tb_record_flags {
	TB_F_RET = 1u << 0,       /* ret is the call's return value */
	TB_F_NO_RETURN = 1u << 1, /* the call never returns: exit, exit_group, or the thread died inside it */
	TB_F_ENTRY_ARGS =
		1u
		<< 2, /* nr and arguments were kept from the entry (execve, rt_sigreturn; pairing backends) */
	TB_F_ENTER = 1u << 3, /* made at the entry: an `enter` variant, or a call that does not return */
};

struct tb_record {
	tb_u64 ts_ns; /* CLOCK_MONOTONIC when the record was made: at the exit, with TB_F_ENTER at the entry */
	tb_u32 tid;   /* as the initial pid namespace numbers it */
	tb_u32 tgid;  /* process id */
	tb_s32 nr;    /* system call number in the table of arch */
	tb_u32 arch;  /* AUDIT_ARCH_*: x86-64 0xc000003e, i386 0x40000003, aarch64 0xc00000b7 */
	tb_u16 cpu;   /* where the record was made; TB_CPU_UNKNOWN where the mechanism cannot say */
	tb_u8 kind;   /* enum tb_record_kind */
	tb_u8 args_valid; /* bit i: args[i] was recorded */
	tb_u32 flags;     /* enum tb_record_flags */
	tb_s64 ret;       /* valid with TB_F_RET; −512…−516 are kernel-internal restarts */
	tb_u64 args[6];   /* the argument registers, whatever the call's arity */
	tb_u64 aux; /* detail `paths`: offset << 32 | bytes of its strings in the batch's arena; 0: none */
};

#define TB_CPU_UNKNOWN 0xffff

/*
 * Detail `paths`: the strings of a record, one after the other, each a head and its bytes, without terminator and without
 * padding. An argument that is NULL has none.
 */
struct tb_path {
	tb_u8 arg;    /* 0 … 5: which argument points to it */
	tb_u8 status; /* enum tb_path_status */
	tb_u16 length;
};

enum tb_path_status {
	TB_PATH_WHOLE = 1,
	TB_PATH_CUT = 2,   /* longer than TB_PATH_BYTES allows */
	TB_PATH_FAULT = 3, /* not readable, or it ends in unreadable memory; length 0 */
};

#define TB_PATH_BYTES 256 /* of a string with its terminator, as PATH_MAX counts; the rest is cut off */
#define TB_PATH_ARGS  2   /* no call has more */

#define TB_ARCH_X86_64  0xc000003eu
#define TB_ARCH_I386    0x40000003u
#define TB_ARCH_AARCH64 0xc00000b7u
#define TB_ARCH_ARM     0x40000028u

#ifndef __bpf__
#include <stddef.h>
#ifdef __cplusplus
#define TB_STATIC_ASSERT static_assert
#else
#define TB_STATIC_ASSERT _Static_assert
#endif
TB_STATIC_ASSERT(sizeof(struct tb_record) == 96, "tb_record is 96 bytes");
TB_STATIC_ASSERT(offsetof(struct tb_record, tid) == 8, "tid");
TB_STATIC_ASSERT(offsetof(struct tb_record, tgid) == 12, "tgid");
TB_STATIC_ASSERT(offsetof(struct tb_record, nr) == 16, "nr");
TB_STATIC_ASSERT(offsetof(struct tb_record, arch) == 20, "arch");
TB_STATIC_ASSERT(offsetof(struct tb_record, cpu) == 24, "cpu");
TB_STATIC_ASSERT(offsetof(struct tb_record, kind) == 26, "kind");
TB_STATIC_ASSERT(offsetof(struct tb_record, args_valid) == 27, "args_valid");
TB_STATIC_ASSERT(offsetof(struct tb_record, flags) == 28, "flags");
TB_STATIC_ASSERT(offsetof(struct tb_record, ret) == 32, "ret");
TB_STATIC_ASSERT(offsetof(struct tb_record, args) == 40, "args");
TB_STATIC_ASSERT(offsetof(struct tb_record, aux) == 88, "aux");
TB_STATIC_ASSERT(sizeof(struct tb_path) == 4, "tb_path is 4 bytes");
#endif

#endif
