import type { Application } from './application.ts';

const PROGRAMS = 300;

export const shellExec: Application = {
  name: 'shell-exec',
  title: `a shell that starts a small program ${PROGRAMS} times, one after another`,
  packages: ['coreutils', 'dash'],
  programs: ['sh', '/bin/echo'],
  fixedWork: true,
  about: { ms: 240, calls: 38_000 },
  prepare: () => {},
  argv: ['sh', '-c', `i=0; while [ $i -lt ${PROGRAMS} ]; do /bin/echo $i >/dev/null || exit; i=$((i+1)); done`],
  server: null,
  figure: { unit: 'programs/s', better: 'higher', from: { run: { amount: PROGRAMS } } },
};
