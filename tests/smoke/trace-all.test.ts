import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { probeVariant } from '../../harness/session/probe.ts';
import { CALLS_PROGRAM, tracebench } from './cli.ts';

const reference = await probeVariant('ebpf');
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tb-all-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe.skipIf(reference.answer !== 'yes')('trace --all', () => {
  test('shows what each backend saw of one process, and passes its exit code on', async () => {
    const out = join(dir, 'out');
    const { exitCode, stdout } = await tracebench(
      'trace',
      '--all',
      '-o',
      out,
      '--',
      '/bin/sh',
      '-c',
      'echo hello; exit 7',
    );
    // Once for all together, and once more for each that cannot be beside the others, which the table names.
    expect(exitCode).toBe(7);
    const alone = readFileSync(out, 'utf8').match(/had a run of its own/g)?.length ?? 0;
    expect(stdout.split('\n')).toEqual(Array.from({ length: 1 + alone }, () => 'hello'));
    const table = readFileSync(out, 'utf8').split('\n');
    expect(table[0]).toMatch(/^ +ebpf\/count +ebpf +ptrace/);
    const row = (name: string) =>
      table
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length)
        .trim()
        .split(/ {2,}/);
    for (const name of ['execve', 'write', 'exit_group']) {
      expect(new Set(row(name)), name).toEqual(new Set(['1']));
    }
    expect(new Set(row('missing'))).toEqual(new Set(['-', '0']));
    expect(new Set(row('different'))).toEqual(new Set(['-', '0']));
  });

  test('as one JSON document, with the filter pushed down to everybody', async () => {
    const { exitCode, stdout } = await tracebench(
      '--json',
      'trace',
      '--all',
      '-e',
      'getppid',
      '--',
      CALLS_PROGRAM,
      'marked',
      '11',
    );
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ type: 'joint', complete: true, issued: { calls: 11 } });
    expect(document.backends.length).toBeGreaterThanOrEqual(2);
    for (const backend of document.backends) {
      expect(backend.tally.entries).toMatchObject([{ name: 'getppid', calls: 11 }]);
      if (backend.variant !== 'ebpf') expect(backend, backend.variant).toMatchObject({ verdict: 'equal', reasons: [] });
    }
  });

  test.each([['--backend', 'ptrace'], ['--detail', 'full'], ['-t']])('takes no %s', async (...flags) => {
    const { exitCode, stderr } = await tracebench('trace', '--all', ...flags, '--', 'true');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--all shows every backend's counts and takes no --(backend|detail|timestamps)/);
  });

  test('a command that cannot be run is said once', async () => {
    const { exitCode, stderr } = await tracebench('trace', '--all', '--', 'no-such-command-here');
    expect(exitCode).toBe(2);
    expect(stderr.match(/does not exist/g)).toHaveLength(1);
  });
});
