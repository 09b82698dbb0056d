import { join } from 'node:path';
import { projectRoot } from '../../harness/paths.ts';
import type { Application } from './application.ts';
import { donePerSecond } from './printed.ts';

const programs = join(projectRoot, 'workloads', 'applications', 'programs');
const REQUESTS = '5000';
const CONNECTIONS = '8';

export const http: Application = {
  name: 'http',
  title: `a Node HTTP server, ${REQUESTS} requests over ${CONNECTIONS} kept-alive connections`,
  packages: [],
  programs: [process.execPath],
  fixedWork: true,
  about: { ms: 900, calls: 16_500 },
  prepare: () => {},
  argv: [process.execPath, join(programs, 'http-server.mjs'), 'socket'],
  server: {
    listens: 'unix',
    load: () => [process.execPath, join(programs, 'http-load.mjs'), 'socket', REQUESTS, CONNECTIONS],
  },
  figure: { unit: 'requests/s', better: 'higher', from: { output: donePerSecond('http-load') } },
};
