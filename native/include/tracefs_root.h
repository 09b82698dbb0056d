/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of tracefs as a directory descriptor: /sys/kernel/tracing where it is mounted; else a mount of our own that
 * has no place in the file system and ends with its descriptor; else, before Linux 5.2, debugfs' tracing folder.
 */
#ifndef TRACEBENCH_TRACEFS_ROOT_H
#define TRACEBENCH_TRACEFS_ROOT_H

#ifdef __cplusplus
extern "C" {
#endif

#define TB_TRACEFS_MOUNTED "/sys/kernel/tracing"

/* A close-on-exec descriptor, the caller's to close; or -errno of the mount that was tried. */
int tb_tracefs__open(void);

#ifdef __cplusplus
}
#endif
#endif
