/** The runner is killed or interrupted while a trial holds something of the machine's: it is given back within two seconds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canonicalJson, machineState } from '../../harness/doctor/index.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { TRACEBENCH, untilTrials } from './cli.ts';

const PLAN = ['--workloads', 'null', '-r', '50', '--calls', '200003'];

/** What the guard's state shows while a trial of the variant holds what must be given back. */
const HELD: Readonly<Record<string, RegExp>> = {
  auditd: /tracebench-audit:\d/,
  'auditd/multicast': /tracebench-audit:\d/,
  ftrace: /"instances":\["tracebench-\d/,
  'perf/cgroup': /"cgroups":\["/,
  ebpf: /"cgroups":\["[^"]*-cpu"/,
};
/** What makes them hold it, where they would not by themselves. */
const ASKED: Readonly<Record<string, readonly string[]>> = { ebpf: ['--starve', 'quota:50%'] };

let dir: string;
let before: string;
const required = (process.env['REQUIRE_BACKENDS'] ?? '').split(',');
const usable: string[] = [];
for (const id of Object.keys(HELD)) {
  const [backend = id] = id.split('/');
  if (required.includes(backend) || (await probeVariant(id)).answer === 'yes') usable.push(id);
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-killed-'));
  before = await restingState();
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectRestored(before);
});

async function untilHeld(id: string): Promise<void> {
  for (let look = 0; !HELD[id]?.test(canonicalJson((await machineState()).guard)); look++) {
    if (look === 500) throw new Error(`no trial of ${id} ever held anything`);
    await sleep(5);
  }
}

describe.each(usable)('%s', (id) => {
  test.each([
    ['SIGKILL', undefined],
    ['SIGINT', 130],
  ] as const)('%s in the middle of a study', async (signal, exitCode) => {
    const out = join(dir, `${id.replace('/', '-')}-${signal}`);
    const words = ['run', '--backends', id, ...PLAN, ...(ASKED[id] ?? []), '--out', out];
    const runner = execa(TRACEBENCH, words, { reject: false, stdin: 'ignore' });
    await untilTrials(out, 2);
    await untilHeld(id);
    const tree = treeOf(runner.pid as number);
    runner.kill(signal);
    expect((await runner).exitCode).toBe(exitCode);
    // The guard is the last of them, and it ends once all is given back.
    await expectRestored(before);
    expect(await until(() => stillRunning(tree).length === 0, 1000)).toBe(true);
  });
});
