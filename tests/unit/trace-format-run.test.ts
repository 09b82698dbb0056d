import type * as fs from 'node:fs';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Capabilities, Counter } from '../../harness/backend.ts';
import { EventBatch, RECORD_BYTES, RECORD_OFFSETS } from '../../harness/event.ts';
import { NATIVE_ARCH, syscallNumber } from '../../harness/syscalls/index.ts';
import { runTrace, type TraceCommandOptions } from '../../harness/trace/index.ts';
import type { runUnderVariant, TracedRun } from '../../harness/trace/run.ts';

type Asked = Parameters<typeof runUnderVariant>[0];

// The session needs the addon and a kernel: here it is played by a script of batches.
const played = vi.hoisted(() => ({
  capabilities: {} as Partial<Capabilities>,
  asked: null as unknown,
  play: (_asked: unknown): Promise<unknown> => Promise.reject(new Error('nothing to play')),
  stderr: '',
}));
vi.mock('../../backends/index.ts', () => ({
  findVariant: () => ({ variant: { capabilities: played.capabilities, loss: { min: 1, max: 2 } } }),
}));
vi.mock('../../harness/trace/run.ts', () => ({
  runUnderVariant: (asked: unknown) => {
    played.asked = asked;
    return played.play(asked);
  },
}));
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return {
    ...real,
    writeSync(fd: number, data: Uint8Array, offset?: number) {
      if (fd !== 2) return real.writeSync(fd, data, offset);
      played.stderr += Buffer.from(data.subarray(offset ?? 0)).toString();
      return data.length - (offset ?? 0);
    },
  };
});

const run: TracedRun = {
  exitCode: 0,
  signal: null,
  durationNs: 5,
  counters: [],
  counts: null,
  foreignCalls: 0,
  bridgeLostRecords: 0,
  interrupted: false,
};

/** `n` successful calls of getppid. */
function batch(n: number): EventBatch {
  const buffer = new ArrayBuffer(n * RECORD_BYTES);
  const view = new DataView(buffer);
  for (let at = 0; at < buffer.byteLength; at += RECORD_BYTES) {
    view.setUint32(at + RECORD_OFFSETS.tid, 42, true);
    view.setUint32(at + RECORD_OFFSETS.nr, syscallNumber('getppid'), true);
    view.setUint32(at + RECORD_OFFSETS.arch, NATIVE_ARCH, true);
    view.setUint8(at + RECORD_OFFSETS.kind, 1);
    view.setUint32(at + RECORD_OFFSETS.flags, 1, true);
    view.setBigInt64(at + RECORD_OFFSETS.ret, 7n, true);
  }
  return new EventBatch(buffer, 0, n, 0n);
}

let directory: string;
let output: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tb-trace-'));
  output = join(directory, 'out');
  played.capabilities = { delivers: 'records', detail: 'full', paths: { read: 'exit' }, filter: 'kernel' };
  played.stderr = '';
  played.asked = null;
});
afterEach(() => rmSync(directory, { recursive: true }));

const trace = (options: Partial<TraceCommandOptions> = {}): Promise<number> =>
  runTrace({
    backend: 'fake',
    filter: null,
    summary: false,
    output,
    openAs: (open) => open(),
    json: false,
    argv: ['cmd'],
    bufferBytes: 1 << 20,
    user: null,
    ...options,
  });

function plays(result: Partial<TracedRun>, ...batches: EventBatch[]): void {
  played.play = async (asked) => {
    for (const b of batches) (asked as Asked).onBatch(b);
    return { ...run, ...result };
  };
}

const written = (): string => readFileSync(output, 'utf8');
const loss = (count: number): Counter => ({ name: 'ring_full', place: 'kernel', unit: 'record', count });

describe('output', () => {
  test('is a line a call, closed by how the command ended; nothing lost is not mentioned', async () => {
    plays({ exitCode: 3 }, batch(2), batch(1));
    expect(await trace()).toBe(3);
    expect(written()).toBe(`${'[42] getppid() = 7\n'.repeat(3)}+++ exited with 3 +++\n`);
    expect(played.stderr).toBe('');
  });

  test('goes to standard error without -o, and loss is always said there', async () => {
    plays({ exitCode: null, signal: 11, counters: [loss(4)] }, batch(1));
    expect(await trace({ output: null })).toBe(128 + 11);
    expect(played.stderr).toBe(
      '[42] getppid() = 7\n+++ killed by signal 11 +++\nlost between 2 and 4 calls (ring_full: 4 records)\n',
    );
  });

  test('as JSON lines has a last one that says it is complete', async () => {
    plays({ counters: [loss(2)] }, batch(2));
    await trace({ json: true });
    const lines = written()
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as { type: string });
    expect(lines.map((l) => l.type)).toEqual(['call', 'call', 'end']);
    expect(lines[2]).toEqual({
      type: 'end',
      complete: true,
      exitCode: 0,
      signal: null,
      durationNs: 5,
      records: 2,
      lost: { min: 1, max: 2, counters: [loss(2)] },
    });
    expect(played.stderr).toBe('lost between 1 and 2 calls (ring_full: 2 records)\n');
  });

  test('summed up says also that nothing was lost', async () => {
    plays({}, batch(5), batch(6));
    await trace({ summary: true });
    expect(written()).toContain('       11                     getppid\n');
    expect(played.stderr).toBe('lost 0 calls\n');
    await trace({ summary: true, json: true });
    expect(JSON.parse(written())).toMatchObject({
      type: 'summary',
      complete: true,
      calls: 11,
      entries: [{ name: 'getppid', calls: 11, errors: 0 }],
      lost: { min: 0, max: 0 },
    });
  });

  test('of a variant that delivers counts is its table', async () => {
    played.capabilities = { delivers: 'counts', detail: null, filter: 'kernel' };
    plays({ counts: [{ nr: syscallNumber('read'), count: 9 }], foreignCalls: 2 });
    await trace();
    expect(written()).toContain('        9         -           read\n');
    expect(played.stderr).toBe('2 calls of another architecture are not in the table\n');
  });
});

describe('what is asked of the session', () => {
  test('are numbers', async () => {
    plays({});
    await trace({ filter: ['openat', 'execve'], user: 'nobody' });
    expect(played.asked).toMatchObject({
      variant: 'fake',
      argv: ['cmd'],
      filter: [syscallNumber('openat'), syscallNumber('execve')].sort((a, b) => a - b),
      bufferBytes: 1 << 20,
      user: 'nobody',
      stdio: 'inherit',
    });
  });

  test.each([undefined, 'enter', 'full', 'paths'] as const)('asks for strings only with paths: %s', async (detail) => {
    plays({}, batch(1));
    await trace(detail === undefined ? {} : { detail });
    expect((played.asked as Asked).detail).toBe(detail === 'paths' ? detail : undefined);
  });

  test.each([
    [{ filter: ['opneat'] }, {}, "did you mean 'openat'?"],
    [{}, { delivers: 'nothing', detail: null }, '--backend'],
    [{ filter: ['read'] }, { filter: 'none' }, 'leave -e out'],
    [{ detail: 'full' }, { detail: 'enter' }, '--detail enter'],
    [{ detail: 'paths' }, { paths: { none: 'it is made up' } }, 'leave --detail paths out'],
    [{ output: '/nonexistent/out' }, {}, 'give -o a path'],
  ] as const)('is refused where it cannot be had: %j of %j', async (options, capabilities, mend) => {
    played.capabilities = { ...played.capabilities, ...capabilities };
    await expect(trace(options as Partial<TraceCommandOptions>)).rejects.toMatchObject({
      exitCode: 2,
      mend: expect.stringContaining(mend),
    });
    expect(played.asked).toBeNull();
  });
});

test('a full disk ends the run with an error, and the target with it', async () => {
  let aborted = false;
  played.play = async (asked) => {
    const { signal, onBatch } = asked as Asked;
    signal?.addEventListener('abort', () => {
      aborted = true;
    });
    onBatch(batch(1));
    onBatch(batch(1));
    throw new Error('the run was aborted');
  };
  await expect(trace({ output: '/dev/full' })).rejects.toMatchObject({
    exitCode: 1,
    message: expect.stringContaining('ENOSPC'),
  });
  expect(aborted).toBe(true);
});

test('told to stop, it prints what it has, marked incomplete, and ends with the signal’s code', async () => {
  played.play = async (asked) => {
    const { signal, onBatch } = asked as Asked;
    onBatch(batch(1));
    process.emit('SIGTERM', 'SIGTERM');
    signal?.throwIfAborted();
    return run;
  };
  expect(await trace()).toBe(143);
  expect(written()).toBe('[42] getppid() = 7\n+++ trace incomplete: terminated (SIGTERM) +++\n');
  expect(played.stderr).toBe('terminated (SIGTERM): what was lost is not known\n');
});

test('an error of the session is passed on', async () => {
  played.play = () => Promise.reject(new Error('ebpf: open: no'));
  await expect(trace()).rejects.toThrow('ebpf: open: no');
});
