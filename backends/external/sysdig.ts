/** sysdig: Debian's needs its kernel module, or a BPF object built for the running kernel. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';

export default defineContestant({
  name: 'sysdig',
  summary: 'sysdig with a filter on the process: a line at entry and exit of every call',
  program: 'sysdig',
  package: 'sysdig',
  starts: 'attaches',
  words: ['sysdig', '--unbuffered', '-v', 'proc.pid={pid}'],
  tracefs: true,
  ready: { waitsIn: ['poll', 'clock_nanosleep'] },
  stop: 'SIGINT',
  settleMs: 300,
  output: { file: 'stdout', line: / > (?<name>\w+) fd=(?<a0>-?\d+).* offset=(?<a1>-?\d+)/, base: 10 },
  losses: [{ name: 'Driver Drops', unit: 'record', file: 'stderr', line: /Driver Drops: ?(?<lost>\d+)/ }],
  loss: { min: 1, max: 1 },
  workloads: ['visible'],
  applications: true,
  capabilities: { ...OF_A_TOOL, ordering: 'global', followsSetuid: true, detaches: true },
  buffer: null,
  placement: 'other',
  refusals: [
    {
      says: /Unable to load the driver|\/dev\/scap0/,
      mend: 'sysdig traces through a kernel module here: apt-get install falcosecurity-scap-dkms (with the headers of the running kernel)',
    },
  ],
});
