import type { Application } from './application.ts';
import { printedNumber } from './printed.ts';

const REQUESTS = 50_000;

/** redis-benchmark --csv: a line of heads, then one a test. */
export function operationsPerSecond(text: string): number {
  return printedNumber(text, /^"SET","([\d.]+)"/m, 'redis-benchmark');
}

export const redis: Application = {
  name: 'redis',
  title: `redis, nothing written to disk; redis-benchmark: ${REQUESTS.toLocaleString('en-US')} SET over 8 connections`,
  packages: ['redis-server', 'redis-tools'],
  programs: ['redis-server', 'redis-benchmark'],
  fixedWork: true,
  about: { ms: 700, calls: 110_000 },
  prepare: () => {},
  argv: ['redis-server', '--port', '0', '--unixsocket', 'socket', '--dir', '.', '--save', '', '--appendonly', 'no'],
  server: {
    listens: 'unix',
    load: () => ['redis-benchmark', '-s', 'socket', '-t', 'set', '-n', String(REQUESTS), '-c', '8', '-P', '1', '--csv'],
  },
  figure: { unit: 'operations/s', better: 'higher', from: { output: operationsPerSecond } },
};
