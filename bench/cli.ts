/**
 * `npm run bench -- --check A [--only NAME …] [--json] [--seed N]`: measures the figures that an issue promised, now, on
 * this machine. Exit code 0 when every bound holds, 99 when one is breached, 1 when one could not be measured.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT } from '../harness/errors.ts';
import { holdNoAuditContext } from '../harness/session/guard.ts';
import { books, brokenBridge } from './a/books.ts';
import { javascriptRate, ledgerCost } from './a/core.ts';
import { bpftraceCost, ebpfCost, ptraceCost } from './a/cost.ts';
import { sameAgainstSame } from './a/noise.ts';
import { quickProfile } from './a/quick.ts';
import { straceCounts } from './a/strace-counts.ts';
import { auditMark } from './b/audit-mark.ts';
import { booksOfAll } from './b/books.ts';
import { mechanismCost } from './b/cost.ts';
import { commandCounts } from './b/counts.ts';
import { daemonCost } from './b/daemon.ts';
import { lastRecords } from './b/javascript.ts';
import { kills } from './b/kills.ts';
import { pathsCost } from './b/paths-cost.ts';
import { stall } from './b/stall.ts';
import { capacity, planner } from './c/capacity.ts';
import { comparePairs, compareResamples, compareSlower } from './c/compare.ts';
import { fullProfile } from './c/full-profile.ts';
import { latency } from './c/latency.ts';
import { stopwatch } from './c/stopwatch.ts';
import type { Check, Line } from './check.ts';

const CHECKS: Readonly<Record<string, readonly Check[]>> = {
  A: [
    ebpfCost,
    ptraceCost,
    bpftraceCost,
    books,
    brokenBridge,
    ledgerCost,
    javascriptRate,
    straceCounts,
    quickProfile,
    sameAgainstSame,
  ],
  B: [auditMark, booksOfAll, stall, commandCounts, mechanismCost, daemonCost, pathsCost, lastRecords, kills],
  C: [latency, stopwatch, capacity, planner, compareResamples, comparePairs, compareSlower, fullProfile],
};

function usage(message: string): never {
  process.stderr.write(`bench: ${message}\nusage: npm run bench -- --check A [--only NAME] [--json] [--seed N]\n`);
  for (const [set, checks] of Object.entries(CHECKS)) {
    process.stderr.write(`names of ${set}: ${checks.map((c) => c.name).join(', ')}\n`);
  }
  process.exit(EXIT.usage);
}

function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

function render(line: Line): string {
  const { low, high } = line;
  /* One open end is an interval still: a capacity at the load generator's limit. */
  const ends = [low === null ? '0' : figure(low), high === null ? '∞' : figure(high)];
  const interval = low === null && high === null ? '' : ` [${ends.join(', ')}]`;
  const verdict = line.pass ? 'pass' : 'FAIL';
  const note = line.note ? `\n       ${line.note}` : '';
  return `${verdict}  ${line.name}: ${figure(line.value)}${interval} ${line.unit}; bound ${line.bound}${note}`;
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        check: { type: 'string' },
        only: { type: 'string', multiple: true },
        json: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
      },
    }).values;
  } catch (error) {
    return usage((error as Error).message);
  }
}

async function withoutAuditContext(check: Check, run: () => Promise<Line[]>): Promise<Line[]> {
  if (!check.startsForeign) return run();
  const guard = await holdNoAuditContext();
  if (!guard.held) process.stderr.write(`  audit context of foreign tools unknown: ${guard.reason}\n`);
  try {
    return await run();
  } finally {
    await guard.release();
  }
}

const values = readOptions();
const checks = CHECKS[values.check ?? ''];
if (checks === undefined)
  usage(`--check ${values.check ?? ''}: no such set; there is ${Object.keys(CHECKS).join(', ')}`);
const unknown = values.only?.find((name) => !checks.some((c) => c.name === name));
if (unknown !== undefined) usage(`--only ${unknown}: no such check`);
const seed = Number(values.seed);
if (!Number.isSafeInteger(seed) || seed < 0) usage(`--seed ${values.seed}: want a whole number`);

const scratch = mkdtempSync(join(tmpdir(), 'tracebench-bench-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 3 }));
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]));

const lines: Line[] = [];
let broken = false;
for (const check of checks.filter((c) => values.only === undefined || values.only.includes(c.name))) {
  process.stderr.write(`${check.name}: ${check.title}\n`);
  try {
    const own = join(scratch, check.name);
    mkdirSync(own);
    const found = await withoutAuditContext(check, () =>
      check.run({ seed, scratch: own, say: (text) => process.stderr.write(`  ${text}\n`) }),
    );
    lines.push(...found);
    if (!values.json) for (const line of found) process.stdout.write(`${render(line)}\n`);
  } catch (error) {
    broken = true;
    process.stderr.write(`bench: ${check.name} could not be measured: ${(error as Error).stack ?? error}\n`);
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(lines, null, 2)}\n`);
process.exitCode = broken ? EXIT.runError : lines.every((line) => line.pass) ? EXIT.ok : EXIT.breached;
