/** ltrace, attached, system calls shown besides library calls; every call two stops, breakpoints on top. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';

export default defineContestant({
  name: 'ltrace',
  summary: 'ltrace -S -f -p: system calls besides library calls, a line each',
  program: 'ltrace',
  package: 'ltrace',
  starts: 'attaches',
  words: ['ltrace', '-S', '-f', '-o', '{folder}/calls', '-p', '{pid}'],
  tracefs: false,
  ready: { waitsIn: ['wait4'] },
  stop: 'target',
  settleMs: 0,
  output: { file: 'calls', line: /^\d+ SYS_(?<name>\w+)\((?:-?\d+, (?<a1>-?\d+), 0\))?/, base: 10 },
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
    detaches: true,
  },
  buffer: null,
  placement: 'same',
});
