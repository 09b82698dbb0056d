import { join } from 'node:path';
import { projectRoot } from '../../harness/paths.ts';
import type { Application } from './application.ts';
import { MILL } from './mill.ts';
import { donePerSecond } from './printed.ts';

const PRODUCER = join(projectRoot, 'build', 'bin', 'tb-null');

/** The producer has no end of its own; the mill's decides, and its exit code counts. */
export const superProducer: Application = {
  name: 'super-producer',
  title: 'the mill as the victim of a neighbour in the same tree that makes calls as fast as it can',
  packages: [],
  programs: ['sh', MILL, PRODUCER],
  fixedWork: false,
  about: { ms: 300, calls: 1_500_000 },
  prepare: () => {},
  argv: [
    'sh',
    '-c',
    '"$0" --calls 1000000000000 >/dev/null & "$1" --files 500 --transactions 15000 --seed 1; code=$?; kill -9 $!; wait; exit $code',
    PRODUCER,
    MILL,
  ],
  server: null,
  figure: { unit: 'transactions/s', better: 'higher', from: { output: donePerSecond('tb-mill') } },
};
