// SPDX-License-Identifier: Apache-2.0
/*
 * Which arguments of which call are paths, for the architecture this is built for: those that the kernel reads by getname.
 * A unit test holds it against the letters of harness/syscalls/signatures.ts.
 */
#include <sys/syscall.h>

#include "paths.h"

/* Younger than the headers of the systems this is built on; one number on every architecture. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat    463
#define SYS_getxattrat    464
#define SYS_listxattrat   465
#define SYS_removexattrat 466
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr 467
#endif
#ifndef SYS_file_getattr
#define SYS_file_getattr 468
#define SYS_file_setattr 469
#endif

#define ARG(i) (1u << (i))

static const uint8_t arguments[TB_NR_MAX] = {
	[SYS_acct] = ARG(0),
	[SYS_chdir] = ARG(0),
	[SYS_chroot] = ARG(0),
	[SYS_execve] = ARG(0),
	[SYS_getxattr] = ARG(0),
	[SYS_lgetxattr] = ARG(0),
	[SYS_listxattr] = ARG(0),
	[SYS_llistxattr] = ARG(0),
	[SYS_lremovexattr] = ARG(0),
	[SYS_lsetxattr] = ARG(0),
	[SYS_removexattr] = ARG(0),
	[SYS_setxattr] = ARG(0),
	[SYS_statfs] = ARG(0),
	[SYS_swapoff] = ARG(0),
	[SYS_swapon] = ARG(0),
	[SYS_truncate] = ARG(0),
	[SYS_umount2] = ARG(0),

	[SYS_execveat] = ARG(1),
	[SYS_faccessat] = ARG(1),
	[SYS_faccessat2] = ARG(1),
	[SYS_fchmodat] = ARG(1),
	[SYS_fchmodat2] = ARG(1),
	[SYS_fchownat] = ARG(1),
	[SYS_file_getattr] = ARG(1),
	[SYS_file_setattr] = ARG(1),
	[SYS_fspick] = ARG(1),
	[SYS_getxattrat] = ARG(1),
	[SYS_inotify_add_watch] = ARG(1),
	[SYS_listxattrat] = ARG(1),
	[SYS_mkdirat] = ARG(1),
	[SYS_mknodat] = ARG(1),
	[SYS_mount_setattr] = ARG(1),
	[SYS_name_to_handle_at] = ARG(1),
	[SYS_newfstatat] = ARG(1),
	[SYS_open_tree] = ARG(1),
	[SYS_open_tree_attr] = ARG(1),
	[SYS_openat] = ARG(1),
	[SYS_openat2] = ARG(1),
	[SYS_quotactl] = ARG(1),
	[SYS_readlinkat] = ARG(1),
	[SYS_removexattrat] = ARG(1),
	[SYS_setxattrat] = ARG(1),
	[SYS_statx] = ARG(1),
	[SYS_unlinkat] = ARG(1),
	[SYS_utimensat] = ARG(1),

	[SYS_fanotify_mark] = ARG(4),

	[SYS_mount] = ARG(0) | ARG(1),
	[SYS_pivot_root] = ARG(0) | ARG(1),
	[SYS_symlinkat] = ARG(0) | ARG(2),
	[SYS_linkat] = ARG(1) | ARG(3),
	[SYS_move_mount] = ARG(1) | ARG(3),
	[SYS_renameat] = ARG(1) | ARG(3),
	[SYS_renameat2] = ARG(1) | ARG(3),

#ifdef SYS_open /* what arm64 has only in its `at` form */
	[SYS_access] = ARG(0),
	[SYS_chmod] = ARG(0),
	[SYS_chown] = ARG(0),
	[SYS_creat] = ARG(0),
	[SYS_lchown] = ARG(0),
	[SYS_lstat] = ARG(0),
	[SYS_mkdir] = ARG(0),
	[SYS_mknod] = ARG(0),
	[SYS_open] = ARG(0),
	[SYS_readlink] = ARG(0),
	[SYS_rmdir] = ARG(0),
	[SYS_stat] = ARG(0),
	[SYS_unlink] = ARG(0),
	[SYS_uselib] = ARG(0),
	[SYS_utime] = ARG(0),
	[SYS_utimes] = ARG(0),
	[SYS_futimesat] = ARG(1),
	[SYS_link] = ARG(0) | ARG(1),
	[SYS_rename] = ARG(0) | ARG(1),
	[SYS_symlink] = ARG(0) | ARG(1),
#endif
};

uint8_t tb_path_arguments(int64_t nr)
{
	return nr >= 0 && nr < TB_NR_MAX ? arguments[nr] : 0;
}
