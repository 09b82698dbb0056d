/* SPDX-License-Identifier: Apache-2.0 */
/* Records as a kernel sends them (6.18, x86-64), captured; names and paths are changed. */
#ifndef TRACEBENCH_AUDITD_GOLDENS_H
#define TRACEBENCH_AUDITD_GOLDENS_H

#include <cstdint>
#include <linux/audit.h>

struct Golden {
	uint16_t type;
	const char *text;
};

inline constexpr char kSyscallGolden[] =
	"audit(1795190522.123:4711): arch=c000003e syscall=110 success=yes exit=7913 a0=c0de000100000200 "
	"a1=c0de000100000201 a2=c0de000100000202 a3=ffffffffffffffff items=0 ppid=7913 pid=7914 auid=0 uid=0 "
	"gid=0 "
	"euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=12 comm=\"calls\" "
	"exe=\"/root/build/test/calls\" key=\"tracebench-audit:7890:123456\"";

inline constexpr Golden kGoldens[] = {
	{AUDIT_SYSCALL, kSyscallGolden},
	{AUDIT_PROCTITLE, "audit(1795190522.123:4711): proctitle=2F726F6F742F63616C6C73006D61726B6564"},
	{AUDIT_EOE, "audit(1795190522.123:4711): "},
	{AUDIT_SYSCALL, "audit(1795195553.062:29949): arch=c000003e syscall=59 success=yes exit=0 "
			"a0=7ffcf7866510 a1=7ffcf78678e0 a2=7ffcf78678f8 a3=7f79b5524b28 items=2 ppid=13854 "
			"pid=13855 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) "
			"ses=5 comm=\"find\" exe=\"/usr/bin/find\" key=\"tracebench-audit:13838:1514401\""},
	{AUDIT_BPRM_FCAPS,
	 "audit(1795195553.062:29949): fver=0 fp=0 fi=0 fe=0 old_pp=000001fffeffffff old_pi=0 "
	 "old_pe=000001fffeffffff old_pa=0 pp=000001fffeffffff pi=0 pe=000001fffeffffff pa=0 frootid=0"},
	{AUDIT_EXECVE, "audit(1795195553.062:29949): argc=2 a0=\"find\" a1=\"/root\""},
	{AUDIT_CWD, "audit(1795195553.062:29949): cwd=\"/root\""},
	{AUDIT_PATH,
	 "audit(1795195553.062:29949): item=0 name=\"/usr/bin/find\" inode=260286 dev=fe:00 mode=0100755 "
	 "ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"},
	{AUDIT_PATH, "audit(1795195553.062:29949): item=1 name=\"/lib64/ld-linux-x86-64.so.2\" inode=338944 "
		     "dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 "
		     "cap_fe=0 cap_fver=0 cap_frootid=0"},
	{AUDIT_PROCTITLE,
	 "audit(1795195553.062:29949): proctitle=747261636562656E63682D6C61756E6368002D2D0066696E64"},
	{AUDIT_EOE, "audit(1795195553.062:29949): "},
	{AUDIT_SYSCALL,
	 "audit(1795195553.062:29952): arch=c000003e syscall=21 success=no exit=-2 a0=7f92952232a0 a1=4 a2=0 "
	 "a3=fff items=1 ppid=13854 pid=13855 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 "
	 "tty=(none) ses=5 comm=\"find\" exe=\"/usr/bin/find\" key=\"tracebench-audit:13838:1514401\""},
	{AUDIT_PATH, "audit(1795195553.062:29952): item=0 name=\"/etc/ld.so.preload\" nametype=UNKNOWN "
		     "cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0"},
	{AUDIT_SYSCALL,
	 "audit(1795195553.070:30146): arch=c000003e syscall=231 a0=0 a1=e7 a2=3c a3=7ffd212f5ec0 items=0 "
	 "ppid=13854 pid=13855 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) "
	 "ses=5 comm=\"find\" exe=\"/usr/bin/find\" key=\"tracebench-audit:13838:1514401\""},
	{AUDIT_CONFIG_CHANGE, "audit(1795195510.462:5): op=set audit_backlog_limit=2730 old=64 "
			      "auid=4294967295 ses=4294967295 res=1"},
	{AUDIT_LOGIN, "audit(1795195553.058:29945): pid=13855 uid=0 old-auid=4294967295 auid=0 tty=(none) "
		      "old-ses=4294967295 ses=5 res=1"},
};

#endif
