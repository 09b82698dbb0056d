/** bpftrace, printing a line at each entry of the target's threads. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';
import { RAW_SYSCALL } from './lines.ts';

const PROGRAM = `
tracepoint:raw_syscalls:sys_enter /pid == {pid}/ {
  printf("NR %d (%lx, %lx, %lx, %lx, %lx, %lx)\\n", args->id,
    args->args[0], args->args[1], args->args[2], args->args[3], args->args[4], args->args[5]);
}`;

export default defineContestant({
  name: 'bpftrace',
  summary: 'bpftrace: printf of number and arguments at each entry of the process',
  program: 'bpftrace',
  package: 'bpftrace',
  starts: 'attaches',
  words: ['env', 'BPFTRACE_PERF_RB_PAGES={pagesPerCpu}', 'bpftrace', '-B', 'full', '-e', PROGRAM],
  tracefs: true,
  ready: { waitsIn: ['epoll_wait'] },
  stop: 'SIGINT',
  settleMs: 200,
  output: { file: 'stdout', line: RAW_SYSCALL, base: 16 },
  losses: [
    { name: 'Lost events', unit: 'record', file: 'stdout', line: /Lost (?<lost>\d+) events/ },
    { name: 'Lost events (stderr)', unit: 'record', file: 'stderr', line: /Lost (?<lost>\d+) events/ },
  ],
  loss: { min: 1, max: 1 },
  workloads: ['null', 'visible', 'file', 'rdwr', 'mixed', 'threads'],
  applications: true,
  capabilities: { ...OF_A_TOOL, followsSetuid: true, detaches: true },
  buffer: { bytesPerCall: 80, perCpu: true, granularity: 'power-of-two-pages' },
  placement: 'other',
});
