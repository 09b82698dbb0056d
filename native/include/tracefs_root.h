/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of tracefs as a directory descriptor: /sys/kernel/tracing where it is mounted; else a mount of our own that
 * has no place in the file system and ends with its descriptor; else, before Linux 5.2, debugfs' tracing folder.
 */
#ifndef TRACEBENCH_TRACEFS_ROOT_H
#define TRACEBENCH_TRACEFS_ROOT_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TB_TRACEFS_MOUNTED "/sys/kernel/tracing"

/* A close-on-exec descriptor, the caller's to close; or -errno of the mount that was tried. */
int tb_tracefs__open(void);

/* "tracebench-PID-STARTTIME", then "-" and the suffix unless it is empty: the guard removes what has the trial's. */
void tb_tracefs__instance_name(char *name, size_t size, const char *suffix);

/*
 * Loading a program that prints makes the kernel turn on the top-level instance's event. An instance of ours with this suffix
 * stands for "it was off": who removes the instance after a crash turns it off again.
 */
#define TB_TRACEFS_PRINTK_EVENT "events/bpf_trace/bpf_trace_printk/enable"
#define TB_TRACEFS_PRINTK_OFF   "printk-off"

/* A small file below `directory`, cut to `size` and ended with NUL. Its length or -errno. */
int tb_tracefs__read(int directory, const char *path, char *text, size_t size);

/* Opens for writing and writes the whole text in one go. 0 or -errno. */
int tb_tracefs__write(int directory, const char *path, const char *text);

#ifdef __cplusplus
}
#endif
#endif
