/** A whole tool in the rounds of a study: its rows, its books, and nothing left of it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findProgram } from '../../harness/applications/programs.ts';
import { trialResultSchema } from '../../harness/result.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { command, recordedTrials, TRACEBENCH, tracebench } from './cli.ts';

const CALLS = 3001;

let dir: string;
let before: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-contestants-'));
  before = await restingState();
});

afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await expectRestored(before);
});

const study = (backends: string, out: string): string[] => {
  const sizes = ['--workloads', 'visible', '-r', '1', '--calls', `${CALLS}`, '--out', join(dir, out)];
  return ['run', '--backends', backends, ...sizes];
};

describe('strace beside a baseline', () => {
  test('is a row of the study: all calls found in its text, or the reason why it cannot run', async () => {
    const ended = await tracebench('--json', ...study('none,external/strace', 'strace'));
    if (findProgram('strace') === null) {
      expect(ended.exitCode).toBe(3);
      expect(JSON.parse(ended.stdout).error).toMatchObject({ mend: './tracebench setup --contestants' });
      return;
    }
    const trials = recordedTrials(join(dir, 'strace')).map((line) => trialResultSchema.parse(line));
    const [traced] = trials.filter((t) => t.spec.variant === 'external/strace' && !t.spec.warmup);
    expect(traced).toMatchObject({
      status: 'completed',
      accounting: { issued: CALLS, complete: CALLS, missing: 0, neverIssued: 0, verdict: 'reconciled' },
      run: { exitCode: 0 },
    });
    if (traced?.status !== 'completed') throw new Error('no trial');
    expect(traced.calls.find((call) => call.name === 'lseek')?.count).toBe(CALLS + 300);
    expect(traced.collector.drainCpuNs).toBeGreaterThan(0);
    expect(readFileSync(join(dir, 'strace', 'cells.csv'), 'utf8')).toContain('external/strace');
  });
});

describe('a machine without the tools', () => {
  test('has rows with their reason, and the command that mends it', async () => {
    const node = join(process.execPath, '..');
    const list = await command(TRACEBENCH, ['setup', '--contestants', '--dry-run', '--json'], { env: { PATH: node } });
    const { contestants } = JSON.parse(list.stdout) as { contestants: { name: string; installed: boolean }[] };
    expect(contestants.map(({ name }) => name)).toContain('external/bpftrace');
    for (const { name: variant, installed } of contestants) {
      if (installed) continue;
      const refused = await tracebench('--json', ...study(`none,${variant}`, 'missing'));
      expect(refused.exitCode).toBe(3);
      const { message, mend } = JSON.parse(refused.stdout).error as { message: string; mend: string };
      expect(message).toMatch(/is not installed \(Debian package [a-z0-9-]+\)/);
      expect(mend).toBe('./tracebench setup --contestants');
      return;
    }
  });

  test('trace does not take a tool', async () => {
    const refused = await tracebench('trace', '--backend', 'external/strace', '--', 'true');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('external/strace is a whole tool');
  });
});
