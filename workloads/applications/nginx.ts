import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, TracebenchError } from '../../harness/errors.ts';
import type { Application, Place } from './application.ts';
import { printedNumber } from './printed.ts';

const PAGE_BYTES = 1024;
const SECONDS = 1;

/** One process in the foreground; all that it writes lies in its directory. */
function configuration({ port }: Place): string {
  return [
    'daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log;',
    'events { worker_connections 64; }',
    'http {',
    '  access_log access.log; keepalive_requests 100000000;',
    ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `  ${name}_temp_path tmp/${name};`),
    `  server { listen 127.0.0.1:${port}; root html; }`,
    '}',
    '',
  ].join('\n');
}

/** wrk counts what failed apart from what it calls requests, and would report those that were refused as fast. */
export function requestsPerSecond(text: string): number {
  const bad = /^\s*(Socket errors:.*|Non-2xx or 3xx responses:.*)$/m.exec(text)?.[1];
  if (bad !== undefined) throw new TracebenchError(EXIT.runError, `wrk met with errors: ${bad}`);
  return printedNumber(text, /^Requests\/sec:\s*([\d.]+)\s*$/m, 'wrk');
}

export const nginx: Application = {
  name: 'nginx',
  title: `nginx, one process, a page of ${PAGE_BYTES} bytes and a log line each; wrk with 8 connections for ${SECONDS} s`,
  packages: ['nginx', 'wrk'],
  programs: ['nginx', 'wrk'],
  fixedWork: false,
  about: { ms: 1000 * SECONDS + 100, calls: 300_000 },
  prepare(place) {
    for (const name of ['html', 'tmp']) mkdirSync(join(place.directory, name));
    writeFileSync(join(place.directory, 'html', 'index.html'), 'x'.repeat(PAGE_BYTES));
    writeFileSync(join(place.directory, 'nginx.conf'), configuration(place));
  },
  argv: ['nginx', '-p', '.', '-c', 'nginx.conf', '-e', 'error.log'],
  server: {
    listens: 'tcp',
    load: ({ port }) => ['wrk', '-t', '1', '-c', '8', '-d', `${SECONDS}s`, `http://127.0.0.1:${port}/index.html`],
  },
  figure: { unit: 'requests/s', better: 'higher', from: { output: requestsPerSecond } },
};
