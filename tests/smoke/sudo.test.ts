/**
 * A trial whose process runs as somebody else than the runner, under a stand-in for sudo that does what matters of it:
 * an empty environment, and the signals that sudo does not pass on.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../../harness/host/host.ts';
import { TrialStopped } from '../../harness/host/hosted-process.ts';
import { probeOn } from '../../harness/session/probe.ts';
import { runTrial, TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { specFor } from '../conformance/trial-process.ts';

let dir: string;
let host: Host;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tb-sudo-'));
  const sudo = join(dir, 'sudo');
  writeFileSync(sudo, '#!/bin/sh\nshift 2\nenv -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"\n');
  chmodSync(sudo, 0o755);
  host = { prefix: [sudo, '-n', '--'], invoker: userInfo().username };
});
afterEach(() => {
  delete process.env['TB_GREETING'];
  rmSync(dir, { recursive: true, force: true });
});

const spec = (script: string) => specFor('none', { kind: 'application', name: 'sh', argv: ['/bin/sh', '-c', script] });

test('the target has the environment and the folder of whoever asked', async () => {
  process.env['TB_GREETING'] = 'good morning';
  const out = join(dir, 'out');
  const never = new AbortController().signal;
  const result = await runTrial({ entry: TRIAL_PROGRAM, host }, spec(`echo "$TB_GREETING, $PWD" > ${out}`), never);
  expect(result).toMatchObject({ status: 'completed', run: { exitCode: 0 } });
  expect(readFileSync(out, 'utf8')).toBe(`good morning, ${process.cwd()}\n`);
});

test('a trial that is stopped ends, and its target with it', async () => {
  const stop = new AbortController();
  const pid = join(dir, 'pid');
  const running = runTrial({ entry: TRIAL_PROGRAM, host }, spec(`echo $$ > ${pid}; exec sleep 60`), stop.signal);
  const rejected = expect(running).rejects.toThrow(TrialStopped);
  for (let i = 0; i < 500 && !/^\d+\n/.test(read(pid)); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  const target = Number(read(pid));
  expect(target).toBeGreaterThan(1);
  stop.abort();
  await rejected;
  expect(() => process.kill(target, 0)).toThrow(/ESRCH/);
});

test('a probe is asked there', async () => {
  expect(await probeOn(host)('none')).toEqual({ variant: 'none', answer: 'yes', reason: null, mend: null });
  await expect(probeOn(host)('nope')).rejects.toThrow(/nope/);
});

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
