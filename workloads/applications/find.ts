import type { Application } from './application.ts';
import { makeTree, repeated, TREE_FILES } from './tree.ts';

/** One find goes over the tree so often. */
const PASSES = 40;

/** -size makes find look at every file and not at directories alone. */
export const find: Application = {
  name: 'find',
  title: `find over 2,000 files in 40 directories, ${PASSES} times: names and sizes`,
  packages: ['findutils'],
  programs: ['find'],
  fixedWork: true,
  about: { ms: 100, calls: 105_000 },
  prepare: ({ directory }) => void makeTree(directory),
  argv: ['find', ...repeated('tree', PASSES), '-type', 'f', '-size', '+100M'],
  server: null,
  figure: { unit: 'files/s', better: 'higher', from: { run: { amount: PASSES * TREE_FILES } } },
};
