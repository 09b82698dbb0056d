/** perf trace, attached: entry and exit of every call joined to a line. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';

export default defineContestant({
  name: 'perf-trace',
  summary: 'perf trace -p: entry and exit of every call joined to a line with its declared arguments',
  program: 'perf',
  package: 'linux-perf',
  starts: 'attaches',
  words: ['perf', 'trace', '-m', '{pagesPerCpu}', '-o', '{folder}/calls', '-p', '{pid}'],
  tracefs: true,
  ready: { waitsIn: ['poll'] },
  stop: 'target',
  settleMs: 0,
  /* An argument that is 0 is left out. */
  output: {
    file: 'calls',
    line: /\): (?:\S+\/\d+ )?(?<name>\w+)\((?:fd: -?\d+(?:, offset: (?<a1>-?\d+))?, whence: SET\))?/,
    base: 10,
  },
  losses: [{ name: 'LOST events', unit: 'record', file: 'calls', line: /LOST (?<lost>\d+) events/ }],
  /* Entry, exit, or both. */
  loss: { min: 1, max: 2 },
  workloads: ['visible'],
  applications: true,
  capabilities: { ...OF_A_TOOL, detail: 'full', returnValue: true },
  /* sys_enter and sys_exit of lseek, with the headers of both samples. */
  buffer: { bytesPerCall: 184, perCpu: true, granularity: 'power-of-two-pages' },
  placement: 'other',
});
