/** bcc's opensnoop: a line for each open, with its path. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';
import { NO_HEADERS } from './syscount.ts';

export default defineContestant({
  name: 'opensnoop',
  summary: 'bcc’s opensnoop -p: a line for each open; its lines are counted, they show no stamps',
  program: 'opensnoop-bpfcc',
  package: 'bpfcc-tools',
  starts: 'attaches',
  words: ['env', 'PYTHONUNBUFFERED=1', 'opensnoop-bpfcc', '-p', '{pid}'],
  tracefs: true,
  ready: { waitsIn: ['epoll_wait'] },
  stop: 'SIGINT',
  settleMs: 300,
  /* The file of the workload (workloads/private_file.c). */
  output: { file: 'stdout', line: /^\d+ .*\/tracebench-file-\w+$/, base: 10 },
  losses: [{ name: 'Possibly lost', unit: 'record', file: 'stderr', line: /Possibly lost (?<lost>\d+) samples/ }],
  loss: { min: 1, max: 1 },
  workloads: ['file'],
  applications: false,
  covers: ['openat'],
  /* It is made under its own name. */
  outside: { file: 1 },
  capabilities: { ...OF_A_TOOL, delivers: 'counts', detail: null, args: 0, detaches: true },
  buffer: null,
  placement: 'other',
  refusals: [NO_HEADERS],
});
