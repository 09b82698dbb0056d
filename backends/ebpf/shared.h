/* SPDX-License-Identifier: (Apache-2.0 OR GPL-2.0-only) */
/*
 * What the BPF programs and their user-space half share: the state of a thread, the knobs that are fixed at load,
 * and the memory that both map. Both sides are always built together, so there is no version here; record.h, which
 * leaves this folder, has one.
 */
#ifndef TRACEBENCH_EBPF_SHARED_H
#define TRACEBENCH_EBPF_SHARED_H

#include "record.h"

/*
 * One byte per thread, in one array for all thread ids a 64-bit kernel can give (PID_MAX_LIMIT is 4 Mi). Exactly
 * 4 MiB: older kernels refuse array values above KMALLOC_MAX_SIZE, which is that.
 */
#define TB_TASKS (4u << 20)

/*
 * Neighbouring thread ids are what the threads of one program have, and each writes its byte twice a call. So ids
 * that follow each other lie a cache line apart: the 22 bits of the id, rotated by six.
 */
#define TB_TASK_SLOT(tid) (((tid) << 6 | ((tid) >> 16 & 63)) & (TB_TASKS - 1))

enum tb_task_state {
	TB_TASK_NONE = 0,   /* not the target */
	TB_TASK_ARMED = 1,  /* the launcher's child before its execve succeeds: nothing is recorded */
	TB_TASK_TARGET = 2, /* target; its entries are not watched: an exit is the exit of a call */
	TB_TASK_TRACKED =
		3, /* target in user mode, entries are watched: an exit now was refused by seccomp */
	TB_TASK_IN_CALL = 4,   /* target, entered; the exit makes the record */
	TB_TASK_IN_KEPT = 5,   /* the same, but number and arguments are in the `kept` map */
	TB_TASK_IN_SILENT = 6, /* the same, but the record is made already, or none is wanted */
	TB_TASK_NEWBORN = 7,   /* target, forked; its first exit is a birth and not a call */
};

/* What is special about a system call number; one table per arch, so that the programs know no number. */
enum tb_nr_class {
	TB_NR_WANTED = 1, /* passes the filter */
	TB_NR_KEEP = 2,  /* the exit no longer has its registers: execve, execveat, rt_sigreturn, sigreturn */
	TB_NR_EXITS = 4, /* never returns: exit, exit_group */
	TB_NR_FILTERS = 8, /* may put its thread under seccomp: seccomp, prctl */
};

#define TB_NR_CLASSES 512           /* numbers of one arch */
#define TB_NR_FOREIGN TB_NR_CLASSES /* where those of the other arch begin */

enum tb_submit_policy {
	TB_SUBMIT_NO_WAKEUP = 0,
	TB_SUBMIT_ADAPTIVE = 1,
	TB_SUBMIT_WATERMARK = 2,
};

/* Read-only to the programs and frozen at load, so that the verifier folds the scalars into the code. */
struct tb_bpf_config {
	tb_u32 slots;        /* records per CPU of the memory-mapped ring */
	tb_u32 born_state;   /* what a forked task starts as: enum tb_task_state */
	tb_u32 submit;       /* ring buffer: enum tb_submit_policy */
	tb_u32 wake_bytes;   /* ring buffer, TB_SUBMIT_WATERMARK */
	tb_s32 nr_sigreturn; /* native rt_sigreturn, whose exit has number −1 */
	tb_u8 class_beyond;  /* class of numbers outside the tables */
	tb_u8 totals;        /* variant `count`: keep tb_counts.total */
	tb_u8 pad[2];
	tb_u8 nr_class[2 * TB_NR_CLASSES];   /* native, foreign */
	tb_u8 path_arguments[TB_NR_CLASSES]; /* detail `paths`: bit i, argument i of a native call; else 0 */
};

/*
 * Watching entries costs as much as all the rest (a second tracepoint, some 60 ns a call), and only seccomp makes it
 * necessary: without a filter no call is refused. So the entry program is attached when a thread of the target first
 * comes under a filter: the program that sees it asks and waits, the collector attaches and answers.
 */
struct tb_entries {
	tb_u32 wanted;  /* kernel */
	tb_u32 watched; /* collector */
};

#define TB_ENTRIES_PATIENCE_NS 10000000 /* the wait has preemption disabled */

/*
 * Per CPU: the memory-mapped ring's positions and everything that is counted. Four cache lines: what each call
 * writes, what hardly ever changes, what the collector writes, nothing.
 *
 * `busy` makes the ring's single writer a checked fact: programs on system call tracepoints run with preemption
 * disabled up to Linux 6.18 at least, and where that ends a second writer loses its record to `collisions`
 * instead of tearing another one.
 */
struct tb_cpu {
	tb_u64 head;      /* kernel; records ever published */
	tb_u64 tail_seen; /* kernel; `tail` as last read, so that its line is touched once per lap */
	tb_u32 busy;      /* kernel; 1 while a record is being written */
	tb_u32 slot;      /* kernel; head modulo slots */
	tb_u64 lost;      /* no room: failed reserve or output */
	tb_u64 collisions;
	tb_u64 pad0[3];

	tb_u64 births;
	tb_u64 kept_full;         /* the `kept` map had no room: that call has no record */
	tb_u64 died_inside;       /* a thread exited with an open entry: that call has no record */
	tb_u64 refusals_unproven; /* a thread came under seccomp and the collector did not answer in time */
	tb_u64 strings_left_out; /* the CPU's room for them was in use, or those of an execve were not kept */
	tb_u64 tasks; /* became part of the target: forked by it; in a control group, made their first call */
	tb_u64 pad1[2];

	tb_u64 tail; /* collector; records ever consumed */
	tb_u64 pad2[15];
};

/* Per CPU, variant `count`. */
struct tb_counts {
	tb_u64 native[TB_NR_CLASSES];
	tb_u64 foreign;
	tb_u64 beyond; /* native numbers outside the table */
	tb_u64 total;  /* all of them, if config.totals; never behind their sum */
	tb_u64 pad[5];
};

/* A call whose registers are gone at its exit. */
struct tb_kept {
	tb_u64 ts_ns;
	tb_s32 nr;
	tb_u32 arch;
	tb_u64 args[6];
};

#define TB_KEPT_MAX 8192 /* threads inside execve or sigreturn at one time */

#define TB_KEPT_STRINGS_MAX 1024

/* The strings of one call, laid out as in an arena (record.h), with the room that the verifier wants behind them. */
struct tb_strings {
	tb_u8 data[512 + sizeof(struct tb_path) + TB_PATH_BYTES + 4];
	tb_u32 bytes;
	tb_u32 pad;
};

#define TB_STRINGS_BYTES (TB_PATH_ARGS * (sizeof(struct tb_path) + TB_PATH_BYTES - 1))

/* A record with its strings behind it, as it is put into the ring. */
struct tb_strung_record {
	struct tb_record record;
	struct tb_strings strings;
	tb_u32 busy; /* as tb_cpu.busy */
	tb_u32 pad;
};

/*
 * Variant `printk`: one record as text, every field at its full width, so that all lines are of one length. time, tgid << 32 |
 * tid, nr, arch, the rest of the head, ret, six arguments: no more than the twelve that the kernel prints at once.
 */
#define TB_PRINTK_FORMAT \
	"tracebench %016llx %016llx %08x %08x %08x %016llx %016llx %016llx %016llx %016llx %016llx %016llx"
#define TB_PRINTK_BYTES 190

/* Bits of the word with the rest of the head: CPU, kind, whether the arguments are valid, flags. */
#define TB_PRINTK_KIND  16
#define TB_PRINTK_ARGS  20
#define TB_PRINTK_FLAGS 24

#ifndef __bpf__
TB_STATIC_ASSERT(sizeof(struct tb_cpu) == 256, "tb_cpu is four cache lines");
TB_STATIC_ASSERT(offsetof(struct tb_cpu, births) == 64, "rare counters begin the second line");
TB_STATIC_ASSERT(offsetof(struct tb_cpu, tail) == 128, "tail begins the third line");
TB_STATIC_ASSERT(sizeof(struct tb_counts) % 64 == 0, "CPUs share no cache line");
#endif

#endif
