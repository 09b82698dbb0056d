/**
 * The declared arguments of each call, a letter each, so that only what the kernel reads is printed:
 *
 *   f  file descriptor (int; AT_FDCWD by name)    s  path (pointer)         p  other pointer
 *   d  int, signed, 32 bit                        l  long, signed           u  unsigned
 *   x  flags, addresses, anything else in hex     O  open(2) flags by name  o  mode in octal
 *   m  mode, declared only when the O flags before it create a file
 *
 * From the kernel's own description of its calls (tracefs, events/syscalls); by hand where that has none (modules,
 * kexec, calls that were never implemented: those get all six registers).
 */

export const SIGNATURES = `
  _sysctl:xxxxxx accept:fpp accept4:fppx access:sd acct:s add_key:pppud adjtimex:p afs_syscall:xxxxxx alarm:u
  arch_prctl:dx bind:fpd bpf:dpu brk:x cachestat:fppx capget:pp capset:pp chdir:s chmod:so chown:sdd chroot:s
  clock_adjtime:dp clock_getres:dp clock_gettime:dp clock_nanosleep:dxpp clock_settime:dp clone:xxppx clone3:pu
  close:f close_range:fux connect:fpd copy_file_range:fpfpux creat:so create_module:xxxxxx delete_module:px dup:f
  dup2:ff dup3:ffx epoll_create:d epoll_create1:x epoll_ctl:fdfp epoll_ctl_old:xxxxxx epoll_pwait:fpddpu
  epoll_pwait2:fpdppu epoll_wait:fpdd epoll_wait_old:xxxxxx eventfd:u eventfd2:ux execve:spp execveat:fsppx exit:d
  exit_group:d faccessat:fsd faccessat2:fsdx fadvise64:flud fallocate:fdll fanotify_init:xx fanotify_mark:fxxfs
  fchdir:f fchmod:fo fchmodat:fso fchmodat2:fsox fchown:fdd fchownat:fsddx fcntl:fux fdatasync:f fgetxattr:fppu
  file_getattr:fspux file_setattr:fspux finit_module:fpx flistxattr:fpu flock:fu fork: fremovexattr:fp fsconfig:fuppd
  fsetxattr:fppux fsmount:fxx fsopen:px fspick:fsx fstat:fp fstatfs:fp fsync:f ftruncate:fl futex:pduppu
  futex_requeue:pxdd futex_wait:pxxxpd futex_waitv:puxpd futex_wake:pxdx futimesat:fsp get_kernel_syms:xxxxxx
  get_mempolicy:ppuxx get_robust_list:dpp get_thread_area:p getcpu:ppp getcwd:pu getdents:fpu getdents64:fpu getegid:
  geteuid: getgid: getgroups:dp getitimer:dp getpeername:fpp getpgid:d getpgrp: getpid: getpmsg:xxxxxx getppid:
  getpriority:dd getrandom:pux getresgid:ppp getresuid:ppp getrlimit:up getrusage:dp getsid:d getsockname:fpp
  getsockopt:fddpp gettid: gettimeofday:pp getuid: getxattr:sppu getxattrat:fsxppu init_module:pup
  inotify_add_watch:fsx inotify_init: inotify_init1:x inotify_rm_watch:fd io_cancel:xpp io_destroy:x
  io_getevents:xllpp io_pgetevents:xllppp io_setup:up io_submit:xlp io_uring_enter:fuuxpu io_uring_register:fupu
  io_uring_setup:up ioctl:fxx ioperm:uud iopl:u ioprio_get:dd ioprio_set:ddd kcmp:dddxx kexec_file_load:ffupx
  kexec_load:xupx keyctl:dxxxx kill:dd landlock_add_rule:fupx landlock_create_ruleset:pux landlock_restrict_self:fx
  lchown:sdd lgetxattr:sppu link:ss linkat:fsfsx listen:fd listmount:ppux listns:ppux listxattr:spu listxattrat:fsxpu
  llistxattr:spu lookup_dcookie:xpu lremovexattr:sp lseek:flu lsetxattr:sppux lsm_get_self_attr:uppx
  lsm_list_modules:ppx lsm_set_self_attr:upux lstat:sp madvise:xud map_shadow_stack:xux mbind:xuxpux membarrier:dxd
  memfd_create:px memfd_secret:x migrate_pages:dupp mincore:xup mkdir:so mkdirat:fso mknod:sox mknodat:fsox mlock:xu
  mlock2:xux mlockall:x mmap:xuxxfx modify_ldt:dpu mount:sspxp mount_setattr:fsxpu move_mount:fsfsx move_pages:dupppx
  mprotect:xux mq_getsetattr:fpp mq_notify:fp mq_open:pOmp mq_timedreceive:fpupp mq_timedsend:fpuup mq_unlink:p
  mremap:xuuxx mseal:xux msgctl:ddp msgget:dd msgrcv:dpuld msgsnd:dpud msync:xux munlock:xu munlockall: munmap:xu
  name_to_handle_at:fsppx nanosleep:pp newfstatat:fspx nfsservctl:dpp open:sOm open_by_handle_at:fpO open_tree:fsx
  open_tree_attr:fsxpu openat:fsOm openat2:fspu pause: perf_event_open:pddfx personality:x pidfd_getfd:ffx
  pidfd_open:dx pidfd_send_signal:fdpx pipe:p pipe2:px pivot_root:ss pkey_alloc:xx pkey_free:d pkey_mprotect:xuxd
  poll:pud ppoll:puppu prctl:dxxxx pread64:fpul preadv:fpuux preadv2:fpuuxx prlimit64:dupp process_madvise:fpudx
  process_mrelease:fx process_vm_readv:dpupux process_vm_writev:dpupux pselect6:dppppp ptrace:ddxx putpmsg:xxxxxx
  pwrite64:fpul pwritev:fpuux pwritev2:fpuuxx query_module:xxxxxx quotactl:usdp quotactl_fd:fudp read:fpu
  readahead:flu readlink:spd readlinkat:fspd readv:fpu reboot:xxxp recvfrom:fpuxpp recvmmsg:fpuxp recvmsg:fpx
  remap_file_pages:xuxxx removexattr:sp removexattrat:fsxp rename:ss renameat:fsfs renameat2:fsfsx request_key:pppd
  restart_syscall: rmdir:s rseq:puxx rt_sigaction:dppu rt_sigpending:pu rt_sigprocmask:dppu rt_sigqueueinfo:ddp
  rt_sigreturn: rt_sigsuspend:pu rt_sigtimedwait:pppu rt_tgsigqueueinfo:dddp sched_get_priority_max:d
  sched_get_priority_min:d sched_getaffinity:dup sched_getattr:dpux sched_getparam:dp sched_getscheduler:d
  sched_rr_get_interval:dp sched_setaffinity:dup sched_setattr:dpx sched_setparam:dp sched_setscheduler:ddp
  sched_yield: seccomp:uxp security:xxxxxx select:dpppp semctl:dddx semget:ddd semop:dpu semtimedop:dpup sendfile:ffpu
  sendmmsg:fpux sendmsg:fpx sendto:fpuxpd set_mempolicy:dpu set_mempolicy_home_node:xuxx set_robust_list:pu
  set_thread_area:p set_tid_address:p setdomainname:pd setfsgid:d setfsuid:d setgid:d setgroups:dp sethostname:pd
  setitimer:dpp setns:fx setpgid:dd setpriority:ddd setregid:dd setresgid:ddd setresuid:ddd setreuid:dd setrlimit:up
  setsid: setsockopt:fddpd settimeofday:pp setuid:d setxattr:sppux setxattrat:fsxppu shmat:dpd shmctl:ddp shmdt:p
  shmget:dud shutdown:fd sigaltstack:pp signalfd:fpu signalfd4:fpux socket:ddd socketpair:dddp splice:fpfpux stat:sp
  statfs:sp statmount:ppux statx:fsxxp swapoff:s swapon:sx symlink:ss symlinkat:sfs sync: sync_file_range:fllx
  syncfs:f sysfs:dxx sysinfo:p syslog:dpd tee:ffux tgkill:ddd time:p timer_create:dpp timer_delete:d
  timer_getoverrun:d timer_gettime:dp timer_settime:dxpp timerfd_create:dx timerfd_gettime:fp timerfd_settime:fxpp
  times:p tkill:dd truncate:sl tuxcall:xxxxxx umask:o umount2:sx uname:p unlink:s unlinkat:fsx unshare:x uprobe:
  uretprobe: uselib:s userfaultfd:x ustat:up utime:sp utimensat:fspx utimes:sp vfork: vhangup: vmsplice:fpux
  vserver:xxxxxx wait4:dpdp waitid:ddpdp write:fpu writev:fpu
`;

/** i386 calls that native has not, or declares differently (64-bit values in two registers). */
export const I386_SIGNATURES = `
  _llseek:fxxpu _newselect:dpppp bdflush:dl break: chown32:sdd clock_adjtime64:dp clock_getres_time64:dp
  clock_gettime64:dp clock_nanosleep_time64:dxpp clock_settime64:dp fadvise64_64:fxxxxd fchown32:fdd fcntl64:fux
  fstat64:fp fstatat64:fspx fstatfs64:fup ftime:p ftruncate64:fxx futex_time64:pduppu getegid32: geteuid32: getgid32:
  getgroups32:dp getresgid32:ppp getresuid32:ppp getuid32: gtty:xx idle: io_pgetevents_time64:xllppp ipc:uddxpx
  lchown32:sdd lock: lstat64:sp mmap2:xuxxfx mpx: mq_timedreceive_time64:fpupp mq_timedsend_time64:fpuup nice:d
  oldfstat:fp oldlstat:sp oldolduname:p oldstat:sp olduname:p ppoll_time64:puppu prof: profil:xxxx
  pselect6_time64:dppppp readdir:fpu recvmmsg_time64:fpuxp rt_sigtimedwait_time64:pppu sched_rr_get_interval_time64:dp
  semtimedop_time64:dpup sendfile64:ffpu setfsgid32:d setfsuid32:d setgid32:d setgroups32:dp setregid32:dd
  setresgid32:ddd setresuid32:ddd setreuid32:dd setuid32:d sgetmask: sigaction:dpp signal:dp sigpending:p
  sigprocmask:dpp sigreturn: sigsuspend:xxx socketcall:dp ssetmask:x stat64:sp statfs64:sup stime:p stty:xx
  timer_gettime64:dp timer_settime64:dxpp timerfd_gettime64:fp timerfd_settime64:fxpp truncate64:sxx ugetrlimit:up
  ulimit:xx umount:s utimensat_time64:fspx vm86:xx vm86old:p waitpid:dpd mmap:p select:p pread64:fpuxx pwrite64:fpuxx
  readahead:fxxu fadvise64:fxxud sync_file_range:fxxxxx fallocate:fdxxxx fanotify_mark:fxxxfs lookup_dcookie:xxpu
`;
