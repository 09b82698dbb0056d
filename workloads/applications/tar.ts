import type { Application } from './application.ts';
import { makeTree } from './tree.ts';

const ARCHIVES = 4;
/** Of the tree's files; a unit test holds it to what makeTree says. */
export const TREE_MB = 8.472;

/** Into a file: to /dev/null tar would not read what it archives. */
export const tar: Application = {
  name: 'tar',
  title: `tar of 2,000 small files, ${ARCHIVES} archives one after another`,
  packages: ['tar'],
  programs: ['tar', 'sh'],
  fixedWork: true,
  about: { ms: 130, calls: 57_500 },
  prepare: ({ directory }) => void makeTree(directory),
  argv: [
    'sh',
    '-c',
    `for i in ${Array.from({ length: ARCHIVES }, (_, i) => i).join(' ')}; do tar -cf out.tar tree || exit; done`,
  ],
  server: null,
  figure: { unit: 'MB/s', better: 'higher', from: { run: { amount: ARCHIVES * TREE_MB } } },
};
