import type { Application } from './application.ts';
import { makeTree, TREE_FILES } from './tree.ts';

/** Nobody's settings, fixed dates, and nothing that git would do beside: threads, the background, a maintenance run. */
const ENVIRONMENT = [
  'HOME=.',
  'GIT_CONFIG_NOSYSTEM=1',
  'GIT_CONFIG_GLOBAL=/dev/null',
  'GIT_AUTHOR_NAME=a',
  'GIT_AUTHOR_EMAIL=a@localhost',
  'GIT_COMMITTER_NAME=a',
  'GIT_COMMITTER_EMAIL=a@localhost',
  'GIT_AUTHOR_DATE=2020-01-01T00:00:00Z',
  'GIT_COMMITTER_DATE=2020-01-01T00:00:00Z',
];
const GIT =
  'git -c core.preloadIndex=false -c index.threads=1 -c pack.threads=1 -c gc.auto=0 -c maintenance.auto=false';

export const git: Application = {
  name: 'git',
  title: 'git: a repository of 2,000 files made, added, committed, looked over and repacked',
  packages: ['git'],
  programs: ['sh', 'env', 'git'],
  fixedWork: true,
  about: { ms: 1300, calls: 115_000 },
  prepare: ({ directory }) => void makeTree(directory),
  argv: [
    'env',
    ...ENVIRONMENT,
    'sh',
    '-ec',
    [
      'init -q .',
      'add tree',
      'commit -qm tree',
      'status --short tree',
      'log --stat --oneline',
      'repack -adq',
      'fsck --no-progress',
    ]
      .map((words) => `${GIT} ${words}`)
      .join('; '),
  ],
  server: null,
  figure: { unit: 'files/s', better: 'higher', from: { run: { amount: TREE_FILES } } },
};
