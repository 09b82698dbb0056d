import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../../harness/backend.ts';
import { ARCH, EventBatch, FLAG, KIND, RECORD_BYTES, RECORD_OFFSETS } from '../../harness/event.ts';
import { compareContents, type Side } from '../../harness/reference/compare.ts';
import { Recording } from '../../harness/reference/recording.ts';
import { syscallNumber } from '../../harness/syscalls/index.ts';
import { FULL_CAPABILITIES } from '../fixtures/capabilities.ts';

interface Made {
  tid?: number;
  tgid?: number;
  nr: number;
  args?: readonly bigint[];
  ret?: bigint | null;
  kind?: keyof typeof KIND;
  arch?: number;
  noReturn?: boolean;
}

function batchOf(records: readonly Made[]): EventBatch {
  const buffer = new ArrayBuffer(Math.max(1, records.length) * RECORD_BYTES);
  const view = new DataView(buffer);
  for (const [i, r] of records.entries()) {
    const at = (field: keyof typeof RECORD_OFFSETS) => i * RECORD_BYTES + RECORD_OFFSETS[field];
    const args = r.args ?? [1n, 2n, 3n, 4n, 5n, 6n];
    const ret = r.ret === undefined ? 0n : r.ret;
    view.setUint32(at('tid'), r.tid ?? 100, true);
    view.setUint32(at('tgid'), r.tgid ?? r.tid ?? 100, true);
    view.setInt32(at('nr'), r.nr, true);
    view.setUint32(at('arch'), r.arch ?? ARCH.x86_64, true);
    view.setUint8(at('kind'), KIND[r.kind ?? 'call']);
    view.setUint8(at('args_valid'), (1 << args.length) - 1);
    view.setUint32(at('flags'), (ret === null ? 0 : FLAG.ret) | (r.noReturn ? FLAG.noReturn : 0), true);
    if (ret !== null) view.setBigInt64(at('ret'), ret, true);
    for (const [n, arg] of args.entries()) view.setBigUint64(at('args') + 8 * n, arg, true);
  }
  return new EventBatch(buffer, 0, records.length, 0n);
}

function side(variant: string, records: readonly Made[], changes: Partial<Capabilities> = {}): Side {
  const recording = new Recording(1_000_000);
  recording.append(batchOf(records));
  return { variant, capabilities: { ...FULL_CAPABILITIES, ...changes }, recording };
}
const compare = (left: readonly Made[], right: readonly Made[], theirs: Partial<Capabilities> = {}) =>
  compareContents(side('ebpf', left), side('other', right, theirs), 10);

const seq = (length: number, tid = 100): Made[] =>
  Array.from({ length }, (_, i) => ({ tid, tgid: 100, nr: i % 7, args: [BigInt(i), 0n], ret: BigInt(i) }));

describe('a recording', () => {
  it('keeps what came, in order, up to its bound', () => {
    const recording = new Recording(6000);
    recording.append(batchOf(seq(5000)));
    recording.append(batchOf(seq(2000)));
    expect([recording.count, recording.leftOut]).toEqual([6000, 1000]);
    expect(recording.at(4999)).toMatchObject({ nr: 4999 % 7, ret: 4999n });
    expect(recording.at(5999)).toMatchObject({ nr: 999 % 7, ret: 999n });
  });
});

describe('contents', () => {
  it('of equal records are equal', () => {
    expect(compare(seq(500), seq(500))).toMatchObject({
      equal: 500,
      contents: 0,
      onlyReference: 0,
      onlyOther: 0,
      unseen: 0,
      differences: [],
      notCompared: [],
      leftOut: 0,
    });
  });

  it('are compared thread by thread, however the threads interleave', () => {
    const [a, b] = [seq(50, 1), seq(50, 2)];
    const mixed = a.flatMap((r, i) => [b[i] as Made, r]);
    expect(compare([...a, ...b], mixed)).toMatchObject({ equal: 100, onlyOther: 0, onlyReference: 0 });
  });

  it.each([
    ['number', { nr: 99 }, { onlyReference: 1, onlyOther: 1 }],
    ['argument', { args: [7n, 1n] }, { contents: 1 }],
    ['high half of an argument', { args: [3n, 1n << 40n] }, { contents: 1 }],
    ['return value', { ret: -2n }, { contents: 1 }],
    ['missing return value', { ret: null }, { contents: 1 }],
    ['architecture', { arch: ARCH.i386 }, { contents: 1 }],
    ['kind', { kind: 'birth' as const }, { contents: 1 }],
  ])('that differ in one %s are one difference, and it is shown', (_what, change, expected) => {
    const theirs = seq(20);
    theirs[3] = { ...(theirs[3] as Made), ...change };
    const found = compare(seq(20), theirs);
    expect(found).toMatchObject({ equal: 19, ...expected });
    expect(found.differences.length).toBe(found.contents + found.onlyReference + found.onlyOther);
    expect(found.differences[0]?.reference).toMatchObject({ nr: 3, ret: 3n });
  });

  it('swapped within a thread are a difference', () => {
    const theirs = seq(20);
    [theirs[4], theirs[5]] = [theirs[5] as Made, theirs[4] as Made];
    const found = compare(seq(20), theirs);
    expect(found.onlyReference + found.onlyOther + found.contents).toBeGreaterThan(0);
  });

  it('leave out what one side does not declare, and say so', () => {
    const theirs = seq(20).map((r) => ({ ...r, tid: 555, args: [...(r.args ?? [])].slice(0, 1), ret: null }));
    const found = compare(seq(20), theirs, { thread: false, args: 4, returnValue: false, detail: 'enter' });
    expect(found).toMatchObject({ equal: 20, contents: 0 });
    expect(found.notCompared.map((n) => n.field)).toEqual(['thread', 'arguments 4 to 5', 'return value']);
    expect(found.fields).not.toContain('return value');
  });

  it.each([
    ['births', { kind: 'birth' as const }, { seesBirths: false }],
    ['refusals', { kind: 'refused' as const }, { seccompRefusals: 'unseen' as const }],
    ['calls that never return', { noReturn: true, ret: null }, { seesDyingCalls: false }],
  ])('%s may be missing from who cannot see them, and only from them', (_what, change, capability) => {
    const mine = seq(20);
    mine[7] = { ...(mine[7] as Made), ...change };
    const theirs = mine.filter((_, i) => i !== 7);
    expect(compare(mine, theirs, capability)).toMatchObject({
      equal: 19,
      onlyReference: 0,
      unseen: 1,
      differences: [],
    });
    expect(compare(mine, theirs)).toMatchObject({ equal: 19, onlyReference: 1, unseen: 0 });
  });

  it('a refusal is an ordinary call to who cannot tell', () => {
    const mine: Made[] = [...seq(3), { nr: 39, kind: 'refused', ret: -1n }];
    const theirs: Made[] = [...seq(3), { nr: 39, ret: -1n }];
    expect(compare(mine, theirs, { seccompRefusals: 'as-calls' })).toMatchObject({ equal: 4, differences: [] });
    expect(compare(mine, theirs)).toMatchObject({ equal: 3, contents: 1 });
    expect(compare(mine, mine.slice(0, 3), { seccompRefusals: 'as-calls' })).toMatchObject({ onlyReference: 1 });
  });

  it('an attempt that was refused and the call made again are one call to who sees no refusals', () => {
    const wait: Made = { nr: 61, args: [-1n, 7n, 1n] };
    const sigreturn: Made = { nr: 15 };
    const mine: Made[] = [
      { nr: 1 },
      { ...wait, kind: 'refused', ret: -4n },
      sigreturn,
      { ...wait, ret: 33n },
      { nr: 2 },
    ];
    const unseeing = { seccompRefusals: 'unseen', seesSigreturn: false, returnValue: false, detail: 'enter' } as const;
    expect(compare(mine, [{ nr: 1 }, wait, { nr: 2 }], unseeing)).toMatchObject({
      equal: 3,
      unseen: 2,
      onlyReference: 0,
      onlyOther: 0,
    });
    expect(compare(mine, [{ nr: 1 }, { nr: 2 }], unseeing)).toMatchObject({ equal: 2, unseen: 2, onlyReference: 1 });
  });

  it('an attempt whose thread was killed in its stop is its last call, or nothing, to who stopped it', () => {
    const mine: Made[] = [...seq(3), { nr: 39, kind: 'refused', ret: null, noReturn: true }];
    const last: Made = { nr: 39, ret: null, noReturn: true };
    for (const seccompRefusals of ['as-calls', 'unseen'] as const) {
      const stopping = { seccompRefusals, regime: 'blocks' } as const;
      expect(compare(mine, [...seq(3), last], stopping)).toMatchObject({ equal: 4, differences: [] });
      expect(compare(mine, seq(3), stopping)).toMatchObject({ equal: 3, unseen: 1, differences: [] });
    }
    expect(compare(mine, [...seq(3), { ...last, ret: 0n, noReturn: false }])).toMatchObject({ contents: 1 });
    expect(compare(mine, seq(3), { regime: 'drops' })).toMatchObject({ onlyReference: 1 });
  });

  it('a restart is what the program would see as EINTR', () => {
    expect(compare([{ nr: 1, ret: -512n }], [{ nr: 1, ret: -4n }])).toMatchObject({ equal: 1 });
    expect(compare([{ nr: 1, ret: -512n }], [{ nr: 1, ret: -5n }])).toMatchObject({ contents: 1 });
  });

  it('a thread that died inside a call has a return that no program saw, or none', () => {
    const dead: Made = { nr: 1, ret: null, noReturn: true };
    expect(compare([{ nr: 1, ret: -512n }], [dead])).toMatchObject({ equal: 1 });
    expect(compare([dead], [{ nr: 1, ret: -4n }])).toMatchObject({ equal: 1 });
    expect(compare([dead], [{ nr: 1, ret: 0n }])).toMatchObject({ equal: 1 });
    expect(compare([dead, { nr: 2 }], [{ nr: 1, ret: 0n }])).toMatchObject({ onlyReference: 1 });
  });

  it('an exec by another thread is named by it at the entry, by the leader at the exit', () => {
    const execve = syscallNumber('execve');
    const [at, made]: Made[] = [
      { nr: execve, tid: 9, tgid: 1, ret: null },
      { nr: execve, tid: 1, tgid: 1 },
    ] as const;
    const entry = { detail: 'enter', returnValue: false } as const;
    expect(compare([made as Made], [at as Made], entry)).toMatchObject({ equal: 1, onlyReference: 0, onlyOther: 0 });
    const elsewhere = { ...at, tgid: 2 } as Made;
    expect(compare([made as Made], [elsewhere], entry)).toMatchObject({ equal: 0, onlyReference: 1, onlyOther: 1 });
  });

  it('of a process with several threads are compared as a set by who names no threads', () => {
    const mine = [...seq(30, 1), ...seq(30, 2)];
    const theirs = [...seq(30, 9), ...seq(30, 9)].reverse();
    expect(compare(mine, theirs, { thread: false })).toMatchObject({ equal: 60, unorderedProcesses: 1, onlyOther: 0 });
    theirs.splice(5, 1);
    expect(compare(mine, theirs, { thread: false })).toMatchObject({ equal: 59, onlyReference: 1 });
  });

  it('beyond a recording’s bound are said to be left out', () => {
    const small = new Recording(10);
    small.append(batchOf(seq(20)));
    const found = compareContents(
      side('ebpf', seq(20)),
      { variant: 'x', capabilities: FULL_CAPABILITIES, recording: small },
      3,
    );
    expect(found).toMatchObject({ equal: 10, onlyReference: 10, leftOut: 10 });
    expect(found.differences).toHaveLength(3);
  });

  it('every record is accounted for once, whatever was dropped or changed', () => {
    const step = fc.record({ drop: fc.constantFrom('no', 'no', 'no', 'mine', 'theirs'), spoil: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const whole = seq(steps.length);
        const mine = whole.filter((_, i) => steps[i]?.drop !== 'mine');
        const theirs = whole
          .map((r, i) => (steps[i]?.spoil === 0 ? { ...r, ret: -99n } : r))
          .filter((_, i) => steps[i]?.drop !== 'theirs');
        const c = compare(mine, theirs);
        expect(c.equal + c.contents + c.onlyReference).toBe(mine.length);
        expect(c.equal + c.contents + c.onlyOther).toBe(theirs.length);
        const both = steps.filter((s) => s.drop === 'no' && s.spoil !== 0).length;
        expect(c.equal).toBeLessThanOrEqual(both);
        const untouched = steps.every((s) => s.drop === 'no' && s.spoil !== 0);
        expect(c.contents + c.onlyReference + c.onlyOther === 0).toBe(untouched || steps.length === 0);
      }),
    );
  });

  it('of which both sides lost long stretches are put together again, and every loss is counted once', () => {
    const calls = Array.from({ length: 20_000 }, (_, i) => ({ nr: 39, args: [BigInt(i), BigInt(i) << 20n], ret: 7n }));
    const without = (...gaps: readonly (readonly [number, number])[]) =>
      calls.filter((_, i) => !gaps.some(([from, to]) => i >= from && i < to));
    const [left, right] = [without([500, 4500], [9000, 9003]), without([4000, 8000], [12_000, 19_000])];
    const found = compareContents(side('ebpf', left), side('other', right), 10, true);
    // Of 500 calls (4000 to 4500) neither has anything.
    expect(found).toMatchObject({ contents: 0, onlyReference: 3500 + 7000, onlyOther: 3500 + 3, leftOut: 0 });
    expect(found.equal).toBe(left.length - found.onlyReference);
  });

  it('are told apart from the lost by nothing but their number, where something was lost', () => {
    const calls = seq(600);
    const other = calls.map((call, i) => (i === 300 ? { ...call, ret: -1n } : call)).filter((_, i) => i !== 100);
    const found = compareContents(side('ebpf', calls), side('other', other), 10, true);
    // One was lost; that two are missing, and one is there that the reference has not, is what a judge sees.
    expect(found).toMatchObject({ equal: 598, contents: 0, onlyReference: 2, onlyOther: 1 });
  });

  it('whatever was lost on either side, what both have is found again', () => {
    const length = 3000;
    const gaps = fc.array(fc.tuple(fc.nat(length), fc.integer({ min: 1, max: 700 })), { maxLength: 4 });
    fc.assert(
      fc.property(gaps, gaps, (ours, theirs) => {
        const calls = Array.from({ length }, (_, i) => ({ nr: i % 5, args: [BigInt(i)], ret: 0n }));
        const has = (lost: readonly (readonly [number, number])[], i: number) =>
          !lost.some(([from, n]) => i >= from && i < from + n);
        const pick = (lost: typeof ours) => calls.filter((_, i) => has(lost, i));
        const found = compareContents(side('ebpf', pick(ours)), side('other', pick(theirs)), 0, true);
        const both = calls.filter((_, i) => has(ours, i) && has(theirs, i)).length;
        // A last stretch of fewer calls than an anchor has may be counted as lost on both sides.
        expect(found.contents).toBe(0);
        expect(found.equal).toBeLessThanOrEqual(both);
        expect(found.equal + found.onlyReference).toBe(pick(ours).length);
        expect(found.equal + found.onlyOther).toBe(pick(theirs).length);
        expect(both - found.equal).toBeLessThanOrEqual(10);
      }),
      { numRuns: 60 },
    );
  });

  it('single losses cost exactly themselves', () => {
    const lost = [0, 17, 18, 250, 499];
    const theirs = seq(500).filter((_, i) => !lost.includes(i));
    const found = compare(seq(500), theirs);
    expect(found).toMatchObject({ equal: 495, onlyReference: 5, onlyOther: 0, contents: 0 });
    expect(found.differences.map((d) => Number(d.reference?.ret))).toEqual(lost);
  });
});
