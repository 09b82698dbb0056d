import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inCalls, judgeCounts, judgeRecords, type KindTruth, type LedgerFacts } from '../../harness/trial/oracle.ts';

const kind = (changes: Partial<KindTruth> = {}): KindTruth => ({
  nr: 110,
  name: 'getppid',
  class: 'stamped',
  issued: 100,
  wanted: true,
  ...changes,
});

const facts = (changes: Partial<LedgerFacts> = {}): LedgerFacts => ({
  complete: 100,
  partial: 0,
  duplicates: 0,
  reorders: 0,
  late: 0,
  neverIssued: 0,
  mismatches: 0,
  mismatchSamples: [],
  births: 0,
  refused: 0,
  restarts: 0,
  undeclared: 0,
  kindDelivered: [100],
  lossRuns: 0,
  longestLossRun: 0,
  lossDeciles: new Array(10).fill(0),
  startSeen: true,
  endSeen: true,
  ...changes,
});

const lost = (count: number) => ({ name: 'lost', place: 'kernel', unit: 'record', count }) as const;
const one = { min: 1, max: 1 };
const judge = (changes: Partial<Parameters<typeof judgeRecords>[0]> = {}) =>
  judgeRecords({
    kinds: [kind()],
    ledger: facts(),
    counters: [lost(0)],
    relation: one,
    expectsMarks: true,
    ...changes,
  });

describe('records', () => {
  test('everything came', () => {
    expect(judge()).toMatchObject({ verdict: 'reconciled', missing: 0, discrepancy: { min: 0, max: 0 }, reasons: [] });
  });

  test('loss that is admitted reconciles', () => {
    const a = judge({ ledger: facts({ complete: 90, kindDelivered: [90] }), counters: [lost(10)] });
    expect(a).toMatchObject({ verdict: 'reconciled', missing: 10, reportedCalls: { min: 10, max: 10 } });
  });

  test('an application that nobody counted has what is admitted, and nothing to hold it against', () => {
    const ledger = facts({ complete: 0, kindDelivered: [] });
    const a = judge({ kinds: [], ledger, counters: [lost(61_690)], expectsMarks: false });
    expect(a).toMatchObject({
      verdict: 'reconciled',
      issued: 0,
      missing: 0,
      reportedCalls: { min: 61_690, max: 61_690 },
      discrepancy: { min: 0, max: 0 },
      reasons: [],
    });
    const counts = { kinds: [], counts: [], foreign: 0, counters: [lost(3)], relation: one, markNr: 110 };
    expect(judgeCounts({ ...counts, expectsMarks: false })).toMatchObject({ verdict: 'reconciled', missed: 3 });
  });

  test('silent loss is under-reported by exactly so much', () => {
    const a = judge({ ledger: facts({ complete: 90, kindDelivered: [90] }), counters: [lost(7)] });
    expect(a).toMatchObject({ verdict: 'under-reported', discrepancy: { min: 3, max: 3 } });
  });

  test('admitting too much is over-reported', () => {
    expect(judge({ counters: [lost(4)] })).toMatchObject({
      verdict: 'over-reported',
      discrepancy: { min: -4, max: -4 },
    });
  });

  test('health counters and bridge losses are no loss of the ledger', () => {
    const counters = [
      { name: 'births', place: 'health', unit: 'record', count: 5 } as const,
      { name: 'bridge', place: 'bridge', unit: 'record', count: 5 } as const,
    ];
    expect(judge({ counters }).verdict).toBe('reconciled');
  });

  test('a relation with bounds gives bounds', () => {
    const a = judge({
      ledger: facts({ complete: 90, kindDelivered: [90] }),
      counters: [lost(15)],
      relation: { min: 1, max: 2 },
    });
    expect(a).toMatchObject({
      verdict: 'reconciled',
      reportedCalls: { min: 8, max: 15 },
      discrepancy: { min: -5, max: 2 },
    });
  });

  test('what is counted in calls is calls, and what is undecided widens the bounds', () => {
    const a = judge({
      ledger: facts({ complete: 85, kindDelivered: [85] }),
      counters: [
        { ...lost(12), unit: 'call' },
        { ...lost(2), name: 'unreadable', place: 'decode', unit: 'call' },
        lost(4),
      ],
      relation: { min: 1, max: Number.POSITIVE_INFINITY },
    });
    expect(a).toMatchObject({
      verdict: 'reconciled',
      reportedCalls: { min: 14, max: 18 },
      discrepancy: { min: -3, max: 1 },
    });
  });

  test('a lost END is a lost call that the counters admit', () => {
    const a = judge({ ledger: facts({ complete: 90, kindDelivered: [90], endSeen: false }), counters: [lost(11)] });
    expect(a).toMatchObject({ verdict: 'reconciled', missing: 10, missingCounted: 1 });
  });

  test('counted calls enter the balance', () => {
    const kinds = [kind(), kind({ nr: 61, name: 'wait4', class: 'counted', issued: 50 })];
    const a = judge({ kinds, ledger: facts({ kindDelivered: [100, 47] }), counters: [lost(3)] });
    expect(a).toMatchObject({ verdict: 'reconciled', missing: 0, missingCounted: 3 });
  });

  test('calls that the filter leaves out were not issued as far as the books go', () => {
    const kinds = [kind(), kind({ nr: 0, name: 'read', issued: 70, wanted: false })];
    const a = judge({ kinds, ledger: facts({ kindDelivered: [100, 0] }) });
    expect(a).toMatchObject({ verdict: 'reconciled', issued: 100 });
    expect(a.kinds[1]).toMatchObject({ issued: 0, delivered: 0 });
  });

  test.each([
    ['neverIssued', { neverIssued: 1 }, 'never issued'],
    ['mismatches', { mismatches: 2 }, 'differ'],
    ['duplicates', { duplicates: 1 }, 'more than once'],
    ['undeclared', { undeclared: 3 }, 'does not declare'],
    ['START', { startSeen: false }, 'START'],
    ['more than issued', { complete: 101, kindDelivered: [101] }, '101 delivered'],
  ])('%s is an error', (_, changes, text) => {
    const a = judge({ ledger: facts(changes) });
    expect(a.verdict).toBe('error');
    expect(a.reasons.join('; ')).toContain(text);
  });

  test('nothing delivered of something issued is an error, not 100 % loss', () => {
    const a = judge({ ledger: facts({ complete: 0, kindDelivered: [0] }), counters: [lost(100)] });
    expect(a.verdict).toBe('error');
  });

  test('property: the verdict is the sign of missing − admitted', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 0, max: 200 }), (missing, admitted) => {
        const complete = 100 - missing;
        const a = judge({ ledger: facts({ complete, kindDelivered: [complete] }), counters: [lost(admitted)] });
        const expected = missing > admitted ? 'under-reported' : missing < admitted ? 'over-reported' : 'reconciled';
        expect(a.verdict).toBe(expected);
        expect(a.discrepancy).toEqual({ min: missing - admitted, max: missing - admitted });
      }),
    );
  });
});

describe('counts', () => {
  const counts = (n: number, marks = 1): number[] => {
    const all = new Array<number>(512).fill(0);
    all[110] = n + marks;
    return all;
  };
  const judgeC = (changes: Partial<Parameters<typeof judgeCounts>[0]> = {}) =>
    judgeCounts({
      kinds: [kind()],
      counts: counts(100),
      foreign: 0,
      counters: [],
      relation: one,
      markNr: 110,
      expectsMarks: true,
      ...changes,
    });

  test('counted + missed = issued', () => {
    expect(judgeC()).toMatchObject({ verdict: 'reconciled', issued: 100, counted: 100, missed: 0 });
    expect(judgeC({ counts: counts(95), counters: [lost(5)] })).toMatchObject({ verdict: 'reconciled', missed: 5 });
  });

  test('calls that were missed are admitted as calls', () => {
    const missed = { name: 'recursion_misses', place: 'kernel', unit: 'call', count: 5 } as const;
    expect(judgeC({ counts: counts(95), counters: [missed] })).toMatchObject({ verdict: 'reconciled', missed: 5 });
    expect(judgeC({ counts: counts(96), counters: [missed] })).toMatchObject({ verdict: 'over-reported' });
  });

  test('END is not the workload’s', () => {
    expect(judgeC({ counts: counts(100, 0) })).toMatchObject({ verdict: 'under-reported' });
    expect(judgeC({ counts: counts(100, 0), expectsMarks: false }).verdict).toBe('reconciled');
  });

  test('undeclared, foreign and surplus calls are errors', () => {
    const odd = counts(100);
    odd[12] = 1;
    expect(judgeC({ counts: odd }).verdict).toBe('error');
    expect(judgeC({ foreign: 1 }).verdict).toBe('error');
    expect(judgeC({ counts: counts(103) }).verdict).toBe('error');
  });
});

test('inCalls rounds towards the wider bound', () => {
  expect(inCalls(0, { min: 1, max: 2 })).toEqual({ min: 0, max: 0 });
  expect(inCalls(5, { min: 1, max: 2 })).toEqual({ min: 3, max: 5 });
  expect(inCalls(5, { min: 3, max: 3 })).toEqual({ min: 2, max: 2 });
  expect(inCalls(5, { min: 1, max: Number.POSITIVE_INFINITY })).toEqual({ min: 0, max: 5 });
});
