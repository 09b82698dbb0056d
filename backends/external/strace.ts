/** strace, attached; every call two stops and a line. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';

export default defineContestant({
  name: 'strace',
  summary: 'strace -f -p: every call a line with its declared arguments',
  program: 'strace',
  package: 'strace',
  starts: 'attaches',
  words: ['strace', '-f', '-o', '{folder}/calls', '-p', '{pid}'],
  tracefs: false,
  ready: { file: 'stderr', line: /Process \d+ attached/ },
  stop: 'target',
  settleMs: 0,
  output: { file: 'calls', line: /^\d+ +(?<name>\w+)\((?:-?\d+, (?<a1>-?\d+), SEEK_SET\))?/, base: 10 },
  losses: [],
  loss: { min: 1, max: 1 },
  workloads: ['visible'],
  applications: true,
  capabilities: {
    ...OF_A_TOOL,
    detail: 'full',
    returnValue: true,
    regime: 'blocks',
    losesEnd: 'none',
    ordering: 'global',
    followsSetuid: true,
    detaches: true,
  },
  buffer: null,
  placement: 'same',
});
