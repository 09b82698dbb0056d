/** perf record of raw_syscalls:sys_enter, attached; perf script makes text of it afterwards. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';
import { RAW_SYSCALL } from './lines.ts';

export default defineContestant({
  name: 'perf-record',
  summary: 'perf record -p -e raw_syscalls:sys_enter into a file in memory',
  program: 'perf',
  package: 'linux-perf',
  starts: 'attaches',
  words: [
    ...['perf', 'record', '-q', '--no-buildid', '--no-buildid-cache', '-m', '{pagesPerCpu}'],
    ...['-e', 'raw_syscalls:sys_enter', '-o', '{folder}/perf.data', '-p', '{pid}'],
  ],
  tracefs: true,
  ready: { waitsIn: ['poll'] },
  stop: 'target',
  settleMs: 0,
  /* Calls as text, and what the kernel counted as lost: of the last losses perf script says nothing. */
  decode: [
    ...['sh', '-c', 'perf script -F tid,event,trace -i "$0" && perf report --stats -i "$0"', '{folder}/perf.data'],
  ],
  output: { file: 'decoded', line: RAW_SYSCALL, base: 16 },
  losses: [{ name: 'LOST_SAMPLES', unit: 'record', file: 'decoded', line: /^ +LOST_SAMPLES events: +(?<lost>\d+)$/ }],
  loss: { min: 1, max: 1 },
  workloads: ['null', 'visible', 'file', 'rdwr', 'mixed', 'threads'],
  applications: true,
  capabilities: { ...OF_A_TOOL, ordering: 'thread' },
  buffer: { bytesPerCall: 120, perCpu: true, granularity: 'power-of-two-pages' },
  placement: 'other',
});
