import { join } from 'node:path';
import { projectRoot } from '../../harness/paths.ts';
import type { Application } from './application.ts';
import { donePerSecond } from './printed.ts';

export const MILL: string = join(projectRoot, 'build', 'bin', 'tb-mill');

export const mill: Application = {
  name: 'mill',
  title: 'a mail server’s files: 500 small ones read, appended to, made and removed, 15,000 transactions',
  packages: [],
  programs: [MILL],
  fixedWork: true,
  about: { ms: 240, calls: 112_000 },
  prepare: () => {},
  argv: [MILL, '--files', '500', '--transactions', '15000', '--seed', '1'],
  server: null,
  figure: { unit: 'transactions/s', better: 'higher', from: { output: donePerSecond('tb-mill') } },
};
