import { join } from 'node:path';
import { projectRoot } from '../../harness/paths.ts';
import type { Application } from './application.ts';
import { donePerSecond } from './printed.ts';
import { makeTree } from './tree.ts';

export const node: Application = {
  name: 'node',
  title: 'a Node program: reads and hashes 2,000 small files through the thread pool, 16 at a time',
  packages: [],
  programs: [process.execPath],
  fixedWork: true,
  about: { ms: 300, calls: 35_000 },
  prepare: ({ directory }) => void makeTree(directory),
  argv: [process.execPath, join(projectRoot, 'workloads', 'applications', 'programs', 'file-hashes.mjs'), 'tree'],
  server: null,
  figure: { unit: 'files/s', better: 'higher', from: { output: donePerSecond('file-hashes') } },
};
