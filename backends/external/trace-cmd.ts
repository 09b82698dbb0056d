/** trace-cmd record of raw_syscalls:sys_enter, in a tracing instance of its own; trace-cmd report makes text of it. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';
import { RAW_SYSCALL } from './lines.ts';

export default defineContestant({
  name: 'trace-cmd',
  summary: 'trace-cmd record -P -c -e raw_syscalls:sys_enter, an instance of its own, into a file in memory',
  program: 'trace-cmd',
  package: 'trace-cmd',
  starts: 'attaches',
  words: [
    ...['trace-cmd', 'record', '-q', '-B', '{instance}', '-b', '{kibPerCpu}', '-P', '{pid}', '-c'],
    ...['-e', 'raw_syscalls:sys_enter', '-o', '{folder}/trace.dat'],
  ],
  tracefs: true,
  ready: { waitsIn: ['clock_nanosleep', 'poll', 'select', 'pselect6'] },
  stop: 'SIGINT',
  settleMs: 300,
  decode: ['trace-cmd', 'report', '-i', '{folder}/trace.dat'],
  output: { file: 'decoded', line: RAW_SYSCALL, base: 16 },
  losses: [
    { name: 'EVENTS DROPPED', unit: 'record', file: 'decoded', line: /CPU:\d+ \[(?<lost>\d+) EVENTS DROPPED\]/ },
  ],
  loss: { min: 1, max: 1 },
  workloads: ['null', 'visible', 'file', 'rdwr', 'mixed', 'threads'],
  applications: true,
  capabilities: { ...OF_A_TOOL, ordering: 'thread', followsSetuid: true, losesEnd: 'oldest' },
  /* 64 bytes of the event, its header and its share of a page's. */
  buffer: { bytesPerCall: 68, perCpu: true, granularity: 'page' },
  placement: 'other',
  needs: { holds: ['tracefs-instances'] },
});
