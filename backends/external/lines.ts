/** Lines that several tools print alike. */

/** The print format of raw_syscalls:sys_enter, by whatever reads it; our bpftrace program prints it too. */
export const RAW_SYSCALL =
  /NR (?<nr>\d+) \((?<a0>[0-9a-f]+), (?<a1>[0-9a-f]+), (?<a2>[0-9a-f]+), (?<a3>[0-9a-f]+), (?<a4>[0-9a-f]+), (?<a5>[0-9a-f]+)\)/;
