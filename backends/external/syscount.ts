/** bcc's syscount: counts in the kernel, printed once. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';

export const NO_HEADERS = {
  says: /Unable to find kernel headers/,
  mend: 'install the headers of the running kernel: apt-get install linux-headers-$(uname -r)',
};

export default defineContestant({
  name: 'syscount',
  summary: 'bcc’s syscount -p: calls counted in the kernel, by number',
  program: 'syscount-bpfcc',
  package: 'bpfcc-tools',
  starts: 'attaches',
  words: ['env', 'PYTHONUNBUFFERED=1', 'syscount-bpfcc', '-p', '{pid}', '-T', '512'],
  tracefs: true,
  ready: { file: 'stdout', line: /Tracing/ },
  stop: 'SIGINT',
  settleMs: 0,
  output: { file: 'stdout', line: /^(?<name>\w+) +(?<count>\d+)$/, base: 10 },
  losses: [],
  loss: { min: 1, max: 1 },
  /* Calls whose number outside of the section is known. */
  workloads: ['null', 'visible'],
  applications: true,
  /* START and END are getppid. */
  outside: { null: 2 },
  capabilities: {
    ...OF_A_TOOL,
    delivers: 'counts',
    detail: null,
    thread: false,
    args: 0,
    regime: 'neither',
    losesEnd: 'none',
    detaches: true,
  },
  buffer: null,
  placement: 'other',
  refusals: [NO_HEADERS],
});
