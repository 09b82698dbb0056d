/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detail `paths`: the strings that path arguments point to. A source reads them where its mechanism can (the moment is a
 * declared capability), keeps them in a tb_paths until the call's record is made, and delivers both together.
 */
#ifndef TRACEBENCH_PATHS_H
#define TRACEBENCH_PATHS_H

#include "source.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The strings of one call, laid out as in an arena (record.h, struct tb_path). */
struct tb_paths {
	uint32_t bytes;
	uint8_t data[TB_PATH_ARGS * (sizeof(struct tb_path) + TB_PATH_BYTES - 1)];
};

/* Of what was delivered. Each path argument that is not NULL is in one of them. */
struct tb_path_counters {
	uint64_t read;     /* whole */
	uint64_t failed;   /* TB_PATH_FAULT */
	uint64_t cut;      /* TB_PATH_CUT */
	uint64_t left_out; /* the arena was full */
};
#define TB_PATH_COUNTERS 4

/* Which arguments of native system call `nr` are paths: bit i for args[i]; at most TB_PATH_ARGS bits. */
uint8_t tb_path_arguments(int64_t nr);

/*
 * Appends one string, of which `length` bytes were found before its terminator; `length` is at least TB_PATH_BYTES where
 * none was found so far, and `string` then holds as many. With TB_PATH_FAULT neither is looked at.
 */
void tb_paths__add(struct tb_paths *paths, unsigned arg, enum tb_path_status status, const char *string,
		   size_t length);

/* Empties *paths and reads into it what `args` of task `tid` point to, now. `which`: of tb_path_arguments. */
void tb_paths__read(struct tb_paths *paths, pid_t tid, uint8_t which, const tb_u64 args[6]);

/* Appends `bytes` of strings (laid out as tb_paths.data) to the arena, and names their place in record->aux. */
void tb_paths__deliver(const uint8_t *strings, uint32_t bytes, struct tb_arena *arena,
		       struct tb_record *record, struct tb_path_counters *counters);

/* The counters as health figures, in TB_PATH_COUNTERS elements. */
void tb_path_counters__write(const struct tb_path_counters *counters, struct tb_counter *out);

#ifdef __cplusplus
}
#endif
#endif
