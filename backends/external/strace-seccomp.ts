/** strace with its seccomp filter, which it can only put on what it starts itself. */
import { defineContestant } from './contestant.ts';
import strace from './strace.ts';

export default defineContestant({
  ...strace,
  name: 'strace-seccomp',
  summary:
    'strace -f --seccomp-bpf -e trace=…: it starts the target itself and is stopped by the workload’s own calls only',
  starts: 'launches',
  words: ['strace', '-f', '--seccomp-bpf', '-e', 'trace={calls}', '-o', '{folder}/calls'],
  ready: null,
  /* Its filter is of calls that are named. */
  applications: false,
});
