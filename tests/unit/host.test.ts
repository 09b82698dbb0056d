import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findHost, hostCommand, OWN_HOST, signalHosted } from '../../harness/host/host.ts';
import { takeEnvironment } from '../../harness/host/hosted.ts';

let dir: string;
const before = { ...process.env };

/** A sudo that notes what it was asked and does it, or refuses. */
function fakeSudo(body: string): void {
  const path = join(dir, 'sudo');
  writeFileSync(path, `#!/bin/sh\necho "$*" >> ${join(dir, 'asked')}\n${body}\n`);
  chmodSync(path, 0o755);
}
const asked = () => readFileSync(join(dir, 'asked'), 'utf8').trimEnd().split('\n');

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tb-host-'));
  process.env['PATH'] = `${dir}:${before['PATH']}`;
  delete process.env['TRACEBENCH_NO_SUDO'];
});
afterEach(() => {
  takeEnvironment(before as Record<string, string>);
  rmSync(dir, { recursive: true, force: true });
});

describe('who traces', () => {
  it('is this process when it is root, and sudo is not asked', async () => {
    fakeSudo('exit 0');
    expect(await findHost(0)).toBe(OWN_HOST);
    expect(() => asked()).toThrow(/ENOENT/);
  });

  it('is started through a sudo that would start Node', async () => {
    fakeSudo('shift 2; exec "$@"');
    expect(await findHost(1000)).toEqual({ prefix: ['sudo', '-n', '--'], invoker: userInfo().username });
    expect(asked()).toEqual([`-n -- ${process.execPath} --version`]);
  });

  it.each([
    ['wants a password', 'echo "sudo: a password is required" >&2; exit 1'],
    ['is not allowed to start Node', 'exit 1'],
  ])('is this process when sudo %s', async (_why, body) => {
    fakeSudo(body);
    expect(await findHost(1000)).toBe(OWN_HOST);
  });

  it('is this process when there is no sudo', async () => {
    process.env['PATH'] = dir;
    expect(await findHost(1000)).toBe(OWN_HOST);
  });

  it('is this process when sudo is forbidden', async () => {
    fakeSudo('exit 0');
    process.env['TRACEBENCH_NO_SUDO'] = '1';
    expect(await findHost(1000)).toBe(OWN_HOST);
    process.env['TRACEBENCH_NO_SUDO'] = '0';
    expect(await findHost(1000)).not.toBe(OWN_HOST);
  });
});

it('puts the prefix before Node', () => {
  expect(hostCommand(OWN_HOST, '/p.js', ['a'])).toEqual([process.execPath, ['/p.js', 'a']]);
  expect(hostCommand({ prefix: ['sudo', '-n', '--'], invoker: 'u' }, '/p.js', ['a'])).toEqual([
    'sudo',
    ['-n', '--', process.execPath, '/p.js', 'a'],
  ]);
});

describe('signals', () => {
  /** A shell with a child of its own; resolves once both run. */
  async function family(): Promise<{ parent: number; child: number; gone: Promise<unknown> }> {
    const shell = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const gone = new Promise((resolve) => shell.once('exit', (_code, signal) => resolve(signal)));
    const child = await new Promise<string>((resolve) => shell.stdout.once('data', (d) => resolve(String(d))));
    return { parent: shell.pid as number, child: Number(child), gone };
  }
  const state = (pid: number): string => {
    try {
      return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
    } catch {
      return 'gone';
    }
  };
  const ended = async (pid: number): Promise<boolean> => {
    for (let i = 0; i < 200; i++) {
      if (['gone', 'Z'].includes(state(pid))) return true;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return false;
  };

  it('SIGKILL goes to the whole tree', async () => {
    const { parent, child, gone } = await family();
    await signalHosted(OWN_HOST, { pid: parent }, 'SIGKILL');
    expect(await gone).toBe('SIGKILL');
    expect(await ended(child)).toBe(true);
  });

  it('others go to the process alone, and through sudo where it was started so', async () => {
    fakeSudo('shift 2; exec "$@"');
    const { parent, child, gone } = await family();
    await signalHosted({ prefix: ['sudo', '-n', '--'], invoker: 'u' }, { pid: parent }, 'SIGTERM');
    expect(await gone).toBe('SIGTERM');
    expect(asked()).toEqual([`-n -- /bin/sh -c kill -s "$0" "$@" TERM ${parent}`]);
    expect(state(child)).toBe('S');
    process.kill(child, 'SIGKILL');
  });
});

it('another environment takes the place of ours, whole', () => {
  process.env['TB_ONLY_OURS'] = '1';
  takeEnvironment({ PATH: '/bin', TB_THEIRS: 'x' });
  expect({ ...process.env }).toEqual({ PATH: '/bin', TB_THEIRS: 'x' });
});
