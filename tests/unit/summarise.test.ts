import { describe, expect, it } from 'vitest';
import type { Cell, CompletedTrial, Plan, Study, TrialResult, TrialSpec, WorkloadSpec } from '../../harness/result.ts';
import { studySchema, trialResultSchema } from '../../harness/result.ts';
import { runCommand } from '../../harness/summarise/command.ts';
import { roundsToRank } from '../../harness/summarise/comparisons.ts';
import { summarise } from '../../harness/summarise/index.ts';
import { mergeLatency } from '../../harness/summarise/latency.ts';
import {
  type FixtureOptions,
  failed,
  fixtureInput,
  fixtureLatency,
  fixturePlan,
  fixtureStudy,
  fixtureTrials,
  fixtureVariants,
} from '../fixtures/study.ts';

const SMALL: FixtureOptions = { rounds: 6, variants: ['ebpf', 'ptrace'], workloads: ['null'] };

function cell(study: Study, variant: string, workload = 'null'): Cell {
  const found = study.cells.find((c) => c.variant === variant && c.workload.name === workload);
  if (!found) throw new Error(`no cell ${workload} ${variant}`);
  return found;
}

function codes(of: Cell): string[] {
  return of.flags.map((f) => f.code);
}

/** Section times become exact: `ns(round)` per call. */
function exactly(ns: (trial: CompletedTrial) => number): (trial: CompletedTrial) => TrialResult {
  return (t) => ({ ...t, section: t.section && { ...t.section, durationNs: ns(t) * t.section.calls } });
}

type Records = Extract<CompletedTrial['accounting'], { delivers: 'records' }>;

function withBooks(trial: CompletedTrial, change: Partial<Records>): CompletedTrial {
  if (trial.accounting.delivers !== 'records') return trial;
  return { ...trial, accounting: { ...trial.accounting, ...change } };
}

function isSentence(text: string): void {
  expect(text).toMatch(/^[A-Z`].*\.$/s);
  // A full stop followed by a capital would be a fourth sentence.
  expect(text.slice(0, -1)).not.toMatch(/[.!?] [A-Z]/);
  expect(text).not.toMatch(/undefined|NaN|null took|Infinity/);
}

describe('a plausible study', () => {
  const { study, trials, plan } = fixtureStudy();

  it('keeps the contract', () => {
    expect(() => studySchema.parse(study)).not.toThrow();
    for (const trial of trials) expect(() => trialResultSchema.parse(trial)).not.toThrow();
    expect(study.cells.map((c) => c.cellId)).toEqual(plan.cells.map((c) => c.cellId));
  });

  it('does not depend on the order of the trials', () => {
    const options = { variants: fixtureVariants, reference: 'ebpf' };
    expect(summarise(fixtureInput(plan), [...trials].reverse(), options)).toEqual(study);
  });

  it('charges the collector with the kernel threads of its mechanism', () => {
    const change = (t: CompletedTrial): TrialResult =>
      t.spec.variant === 'ebpf' ? { ...t, collector: { ...t.collector, kernelCpuNs: t.collector.drainCpuNs } } : t;
    const { study: charged } = fixtureStudy({ change });
    expect(cell(charged, 'ebpf').collectorCpuNsPerCall?.estimate).toBeCloseTo(62, 0);
  });

  it('finds what was put in', () => {
    const ebpf = cell(study, 'ebpf');
    expect(ebpf.addedNsPerCall?.estimate).toBeGreaterThan(180);
    expect(ebpf.addedNsPerCall?.estimate).toBeLessThan(198);
    expect(ebpf.slowdown).toMatchObject({ n: 12, method: 'order-statistic' });
    expect(ebpf.slowdownBca?.method).toBe('bca');
    expect(ebpf.trials).toEqual({ completed: 12, failed: 0, warmup: 1, reconciled: 12, flagged: 0 });
    expect(ebpf.deliveredFraction).toBe(1);
    expect(ebpf.collectorCpuNsPerCall?.estimate).toBeCloseTo(31, 0);
    const lossy = cell(study, 'ebpf/perfbuf');
    expect(lossy.deliveredFraction).toBeCloseTo(1 - 0.0213, 2);
    expect(lossy.reportedLossCalls?.min).toBe(Math.round(12 * 1_900_000 * (1 - (lossy.deliveredFraction ?? 0))));
    expect(cell(study, 'ebpf/count')).toMatchObject({ deliveredFraction: 1, latency: null, throughputPerS: null });
    expect(cell(study, 'none')).toMatchObject({
      slowdown: null,
      deliveredFraction: null,
      discrepancy: null,
      attachNs: null,
    });
  });

  it('compares every pair of record-delivering cells of a workload, and no others', () => {
    expect(study.comparisons).toHaveLength(3 * ((5 * 4) / 2));
    const variants = new Map(study.cells.map((c) => [c.cellId, c.variant]));
    for (const c of study.comparisons) {
      for (const id of [c.left, c.right]) expect(['none', 'ebpf/count']).not.toContain(variants.get(id));
      expect(c.pHolm).toBeGreaterThanOrEqual(c.pValue);
    }
    const pair = study.comparisons.find((c) => variants.get(c.left) === 'ebpf' && variants.get(c.right) === 'ptrace');
    expect(pair).toMatchObject({ workload: 'null', outcome: 'left faster' });
  });

  it('gives three sentences; lossy, enter-only and blocking cells are not ranked among the others', () => {
    expect(study.verdict).toHaveLength(3);
    study.verdict.forEach(isSentence);
    const [first = '', second = '', third = ''] = study.verdict;
    expect(first).toMatch(/^Under ebpf, the cheapest of the 2 that record calls in full and drop records/);
    expect(first).toMatch(/under ptrace, the cheapest of the 2 that make the workload wait/);
    expect(first).not.toContain('ebpf/enter');
    expect(first).toMatch(/2\.0\d× \[2\.0\d, 2\.\d\d\] the untraced time on null/);
    expect(first).toContain('100 % delivered');
    expect(second).toMatch(/^The books of all 216 traced trials balanced/);
    expect(second).toContain('the reference collector ebpf stands, having delivered 100 %');
    expect(third).toContain('ebpf, ebpf/enter and ebpf/perfbuf on exec');
    expect(third).toContain('`./tracebench capacity`');
  });
});

describe('pairing', () => {
  it('is by round: what the machine does to a whole round cancels', () => {
    const { study } = fixtureStudy({
      ...SMALL,
      change: exactly((t) => (t.spec.variant === 'none' ? 100 : 250) * (1 + t.spec.round)),
    });
    const { slowdown, addedNsPerCall } = cell(study, 'ebpf');
    expect(slowdown?.estimate).toBeCloseTo(2.5, 12);
    expect(slowdown?.low).toBeCloseTo(2.5, 12);
    expect(slowdown?.high).toBeCloseTo(2.5, 12);
    expect(addedNsPerCall).toMatchObject({ low: 300, high: 1050 }); // 150 × (1 + round), rounds 1 … 6
  });

  it('leaves a round out when either side failed, and says so', () => {
    const { study } = fixtureStudy({
      ...SMALL,
      rounds: 8,
      change: (t) => (t.spec.variant === 'ptrace' && t.spec.round === 3 ? failed(t) : t),
    });
    const ptrace = cell(study, 'ptrace');
    expect(ptrace.slowdown?.n).toBe(7);
    expect(ptrace.trials).toMatchObject({ completed: 7, failed: 1 });
    expect(ptrace.flags.find((f) => f.code === 'failed-trials')?.text).toMatch(
      /1 trial failed \(LOST_TARGET: .*`\.\/tracebench run --backends ptrace --workloads null --rounds 8`/,
    );
    expect(cell(study, 'ebpf').slowdown?.n).toBe(8);
    expect(study.verdict[1]).toContain('1 trial failed and is left out');
  });

  it('gives no interval below 6 rounds', () => {
    const { study } = fixtureStudy({ ...SMALL, rounds: 5 });
    const ebpf = cell(study, 'ebpf');
    expect(ebpf.slowdown).toMatchObject({ low: null, high: null, n: 5 });
    expect(codes(ebpf)).toContain('few-rounds');
    expect(study.noise).toBeNull();
    expect(study.comparisons[0]?.outcome).toBe('tie');
    expect(study.verdict[0]).toContain('(no interval, 5 rounds)');
    expect(study.verdict[2]).toMatch(/how large its own noise is/);
    study.verdict.forEach(isSentence);
  });

  it('counts the last trial of a repeated round, and warm-up never', () => {
    const plan = fixturePlan(SMALL);
    const trials = fixtureTrials(plan, { change: exactly((t) => (t.spec.warmup ? 9999 : 200)) });
    const again = trials
      .filter((t) => t.spec.round === 2 && t.status === 'completed')
      .map((t) => exactly(() => 400)(t as CompletedTrial));
    const study = summarise(fixtureInput(plan), [...trials, ...again], {
      variants: fixtureVariants,
      reference: 'ebpf',
    });
    expect(cell(study, 'ebpf').perCallNs).toMatchObject({ estimate: 200, low: 200, high: 400, n: 6 });
  });

  it('ties what few rounds cannot rank, and says how many could', () => {
    const { study } = fixtureStudy({ ...SMALL, variants: ['ebpf', 'ebpf/perfbuf', 'ptrace'] });
    // 3 pairs, 6 rounds: the least p after Holm is 3/32.
    expect(study.comparisons.map((c) => c.outcome)).toEqual(['tie', 'tie', 'tie']);
    expect(study.verdict[2]).toContain('which takes 7 rounds');
    expect([1, 3, 10].map(roundsToRank)).toEqual([6, 7, 9]);
    for (const pairs of [1, 2, 3, 6, 10, 45]) {
      const n = roundsToRank(pairs);
      expect(pairs * 2 ** (1 - n)).toBeLessThan(0.05);
      if (n > 6) expect(pairs * 2 ** (2 - n)).toBeGreaterThanOrEqual(0.05);
    }
  });

  it('works for applications by the whole run', () => {
    const { study } = fixtureStudy({ ...SMALL, workloads: [['find', '/usr', '-name', 'x y']] });
    const ebpf = cell(study, 'ebpf', 'find /usr -name x y');
    expect(ebpf).toMatchObject({ perCallNs: null, addedNsPerCall: null, deliveredFraction: null });
    expect(ebpf.slowdown?.n).toBe(6);
    expect(study.verdict[0]).toContain('no loss admitted');
    expect(study.verdict[1]).toMatch(/^There were no books to balance/);
    study.verdict.forEach(isSentence);
  });
});

describe('latency', () => {
  it('adds histograms and keeps exact extremes', () => {
    const low = Array.from({ length: 990 }, (_, i) => 1000 + i);
    const high = Array.from({ length: 10 }, (_, i) => 1_000_003 + i);
    const merged = mergeLatency([fixtureLatency(low), fixtureLatency(high)]);
    expect(merged).toMatchObject({ count: 1000, minNs: 1000, maxNs: 1_000_012, made: 'exit' });
    expect(merged?.p50Ns).toBeGreaterThan(1490);
    expect(merged?.p50Ns).toBeLessThan(1503);
    expect(merged?.p99Ns).toBeLessThan(2000);
    expect(merged?.p999Ns).toBeLessThanOrEqual(1_000_012);
    expect(merged?.p999Ns).toBeGreaterThan(999_000);
    expect(merged?.meanNs).toBeCloseTo((low.reduce((a, b) => a + b) + high.reduce((a, b) => a + b)) / 1000, 6);
    expect(mergeLatency([])).toBeNull();
  });

  it('reads what HdrHistogram_c 0.11.8 writes', () => {
    // hdr_init(1, 100e9, 3); 1000 + 37 i for i < 1000, and 61 s; hdr_log_encode.
    const histogram =
      'HISTFAAAAGR4nJNpmSzMwMAezwABzFCaEYjFPcpeMNh/gAic52dyJxPqMikzKdINyzLxg6HgsKQ5mdiBkBVOso7yhwiflYmRiRmIUUlsYqPyo/Kj8tSSBwIwAafQuNhF6ano9UkmJgC1ji04';
    const merged = mergeLatency([{ ...fixtureLatency([1000, 61e9]), histogram, count: 1001 }]);
    expect(merged).toMatchObject({ count: 1001, p50Ns: 19503, p99Ns: 37631, p9999Ns: 61e9 });
  });

  it('refuses to mix entry and exit', () => {
    expect(() => mergeLatency([fixtureLatency([1], 'enter'), fixtureLatency([1], 'exit')])).toThrow(/enter and exit/);
  });
});

describe('flags', () => {
  const flagged = (change: (t: CompletedTrial) => TrialResult | null, options: FixtureOptions = SMALL) =>
    fixtureStudy({ ...options, change }).study;

  it('stay away from a clean study', () => {
    for (const c of fixtureStudy(SMALL).study.cells) expect(codes(c)).toEqual([]);
  });

  it('books that do not balance', () => {
    const study = flagged((t) =>
      t.spec.variant === 'ebpf' && t.spec.round === 4
        ? withBooks(t, { missing: 12, discrepancy: { min: 12, max: 12 }, verdict: 'under-reported', reasons: [] })
        : t,
    );
    const ebpf = cell(study, 'ebpf');
    expect(ebpf.trials).toMatchObject({ reconciled: 5, flagged: 1 });
    expect(ebpf.flags[0]).toMatchObject({ code: 'not-reconciled' });
    expect(ebpf.flags[0]?.text).toMatch(/^1 of 6 trials \(round 4\): under-reported by 12/);
    expect(study.verdict[1]).toContain(
      '1 of 12 traced trials did not balance: ebpf on null in 1 of 6 trials (12 calls lost silently)',
    );
    expect(study.verdict[1]).toContain('the reference collector ebpf is itself in doubt on null');
  });

  it('over-reporting and accounting errors are told from loss', () => {
    const over = flagged((t) =>
      t.spec.variant === 'ptrace' ? withBooks(t, { discrepancy: { min: -3, max: -1 }, verdict: 'over-reported' }) : t,
    );
    expect(over.verdict[1]).toContain('6 … 18 calls reported lost that were not');
    const error = flagged((t) =>
      t.spec.variant === 'ptrace' ? withBooks(t, { neverIssued: 1, verdict: 'error' }) : t,
    );
    expect(error.verdict[1]).toContain('an accounting error, not a loss');
    expect(error.verdict[1]).toContain('the reference collector ebpf stands');
  });

  it('a canary outside the band of its audit state', () => {
    const study = flagged((t) =>
      t.spec.cellId.endsWith('ebpf') && t.spec.round === 2 ? { ...t, canaryNsPerCall: 260 } : t,
    );
    expect(cell(study, 'ebpf').flags[0]?.text).toContain('1 of 6 trials (round 2)');
    expect(codes(cell(study, 'ebpf'))).toEqual(['canary-outside']);
    // 260 ns is what every call costs with a context: another state has its own band.
    const present = flagged((t) =>
      t.spec.variant === 'ptrace' ? { ...t, canaryNsPerCall: 260, auditContext: 'present' } : t,
    );
    expect(codes(cell(present, 'ptrace'))).toEqual(['context-differs']);
    expect(cell(present, 'ptrace').terms.auditContext).toBe('present');
  });

  it.each<[string, string, (t: CompletedTrial) => CompletedTrial]>([
    ['steal', 'ptrace', (t) => ({ ...t, stealNs: t.wallMs * 1e6 * 2 * 0.02 })],
    ['target-failed', 'ptrace', (t) => ({ ...t, run: { ...t.run, exitCode: null, signal: 11 } })],
    ['context-unknown', 'none', (t) => ({ ...t, auditContext: 'unknown' })],
    ['not-equal', 'ebpf', (t) => ({ ...t, geometry: { ...t.geometry, bufferBytes: 16 * 2 ** 20 } })],
    ['not-stressed', 'ebpf', (t) => ({ ...t, geometry: { ...t.geometry, callsInFlight: 100_000 } })],
    ['too-short', 'ptrace', (t) => ({ ...t, section: t.section && { ...t.section, durationNs: 150e6 } })],
  ])('%s', (code, variant, change) => {
    const study = flagged((t) => (t.spec.variant === variant ? change(t) : t));
    expect(codes(cell(study, variant))).toContain(code);
    for (const c of study.cells) if (c.variant !== variant) expect(codes(c)).not.toContain(code);
    for (const f of cell(study, variant).flags) expect(f.text.length).toBeGreaterThan(40);
  });

  it('proposes a buffer that would have been stressed', () => {
    const study = flagged((t) => ({
      ...t,
      geometry: { ...t.geometry, callsInFlight: t.geometry.callsInFlight && 190_000 },
    }));
    // 1.9 M calls are 10 × 190,000: half the buffer is 20 ×.
    expect(cell(study, 'ebpf').flags[0]?.text).toContain('--buffer 4MiB');
  });

  it('drift of the baseline, on the cell and on the study', () => {
    const study = flagged(exactly((t) => (t.spec.round > 3 ? 190 : 170) + t.spec.round / 10));
    expect(codes(cell(study, 'none'))).toContain('drift');
    expect(study.flags.map((f) => f.code)).toEqual(['drift']);
    expect(cell(study, 'none').flags.find((f) => f.code === 'drift')?.text).toContain('12 %');
  });

  it('drift only when the rounds went one way', () => {
    // As far apart as above, but in no order.
    const study = flagged(exactly((t) => ([0, 2, 3].includes(t.spec.round % 4) ? 170 : 190) + t.spec.round / 10));
    expect(codes(cell(study, 'none'))).not.toContain('drift');
  });

  it('a round that does not belong to the others, by name', () => {
    const study = flagged((t) =>
      t.spec.cellId.endsWith('ebpf') && t.spec.round === 5
        ? { ...t, section: t.section && { ...t.section, durationNs: t.section.durationNs * 1.4 } }
        : t,
    );
    expect(codes(cell(study, 'ebpf'))).toEqual(['outlier-round']);
    expect(cell(study, 'ebpf').flags[0]?.text).toMatch(
      /^round 5 had 1\.[34]\d* × the median slowdown of 6 rounds: .*again with `\.\/tracebench run .*--rounds 12/,
    );
    expect(codes(cell(study, 'ptrace'))).toEqual([]);
    expect(study.flags).toEqual([]);
  });

  it('a round that was disturbed as a whole, on the study', () => {
    const study = flagged((t) =>
      t.spec.round === 4 ? { ...t, section: t.section && { ...t.section, durationNs: t.section.durationNs * 1.5 } } : t,
    );
    expect(study.flags.map(({ code }) => code)).toEqual(['disturbed-rounds']);
    expect(study.flags[0]?.text).toMatch(/^round 4 is an outlier in 4 of 4 cells: .*; end what ran then/);
    // All slowed alike: the ratio knows nothing of it.
    expect(codes(cell(study, 'ebpf'))).toEqual([]);
  });

  it('spinners that others may have waited for, on the study', () => {
    const reason = 'making /g: Permission denied (run as root)';
    const study = flagged((t) => ({
      ...t,
      spinners: { ownGroup: t.spec.round > 2, reason: t.spec.round > 2 ? '' : reason },
    }));
    expect(study.flags.map(({ code }) => code)).toEqual(['spinners-in-session']);
    expect(study.flags[0]?.text).toContain(
      `no control group of their own in ${3 * study.cells.length} trials (${reason})`,
    );
    expect(flagged((t) => ({ ...t, spinners: { ownGroup: true, reason: '' } })).flags).toEqual([]);
  });

  it('time that does not grow with the calls', () => {
    const study = flagged(
      exactly((t) => (t.spec.workload.kind === 'stamped' && t.spec.workload.calls > 1e6 ? 300 : 175)),
    );
    const large = study.cells.find(
      (c) => c.variant === 'none' && c.workload.kind === 'stamped' && c.workload.calls > 1e6,
    );
    expect(large && codes(large)).toContain('not-proportional');
  });
});

describe('two budgets', () => {
  const IN_CALLS: FixtureOptions = { ...SMALL, variants: ['ebpf', 'ebpf/perfbuf', 'ptrace'], inFlight: 95_000 };
  const { study } = fixtureStudy(IN_CALLS);
  const inCalls = study.cells.filter((c) => c.terms.askedCallsInFlight !== null);

  it('are told apart in every cell, and never compared with each other', () => {
    expect(inCalls.map((c) => [c.variant, c.terms.askedCallsInFlight, c.terms.geometry?.callsInFlight])).toEqual([
      ['ebpf', 95_000, 95_000],
      ['ebpf/perfbuf', 95_000, 95_000],
    ]);
    const budget = new Map(study.cells.map((c) => [c.cellId, c.terms.askedCallsInFlight]));
    expect(study.comparisons).toHaveLength(3 + 1);
    for (const { left, right } of study.comparisons) expect(budget.get(left)).toBe(budget.get(right));
    expect(study.comparisons.filter(({ left }) => budget.get(left) === 95_000)).toHaveLength(1);
  });

  it('have a verdict each, in one sentence', () => {
    study.verdict.forEach(isSentence);
    expect(study.verdict[0]).toMatch(
      /^Under ebpf, the cheapest of the 2 that drop records when they fall behind, the work/,
    );
    expect(study.verdict[0]).toMatch(
      /; under ebpf @95,000 calls.*, the cheapest of the 2 that drop records when they fall behind and have their buffers sized in calls, the work took/,
    );
    expect(study.verdict[1]).toMatch(/what was issued on null[^,]*$/);
    const alone = fixtureStudy({ ...IN_CALLS, variants: ['ebpf'] }).study.verdict[0];
    expect(alone).toMatch(
      /under ebpf @95,000 calls, the only one here .* falls behind and has its buffer sized in calls/,
    );
    const books = fixtureStudy({
      ...IN_CALLS,
      change: (t) => (t.spec.inFlight === null ? t : withBooks(t, { verdict: 'error' })),
    }).study.verdict[1];
    expect(books).toContain('ebpf @95,000 calls on null in 6 of 6 trials');
  });

  it.each([
    ['fewer calls', 94_999, /holds 94999 calls where 95000 were asked for, fewer: not on equal terms/],
    ['twice as many', 190_000, /holds 190000 calls where 95000 were asked for, twice as many or more/],
    ['one fewer than twice as many', 189_999, null],
  ])('are flagged when the buffer holds %s', (_name, callsInFlight, text) => {
    const flagged = fixtureStudy({
      ...IN_CALLS,
      change: (t) =>
        t.spec.inFlight === null || t.spec.variant !== 'ebpf'
          ? t
          : { ...t, geometry: { ...t.geometry, callsInFlight, bufferBytes: 2 * t.spec.bufferBytes } },
    }).study;
    for (const c of flagged.cells) {
      const flag = c.flags.find(({ code }) => code === 'not-equal');
      if (text !== null && c.variant === 'ebpf' && c.terms.askedCallsInFlight !== null)
        expect(flag?.text).toMatch(text);
      else expect(flag).toBeUndefined();
    }
  });

  it('propose the budget that would have been stressed, in its own unit', () => {
    const { study: lazy } = fixtureStudy({ ...IN_CALLS, inFlight: 190_000 });
    const text = (of: Cell) => of.flags.find(({ code }) => code === 'not-stressed')?.text;
    const cells = lazy.cells.filter((c) => c.variant === 'ebpf');
    expect(cells.map(text)).toEqual([
      undefined,
      expect.stringMatching(/--backends ebpf --workloads null --rounds 6 --in-flight 95000`/),
    ]);
    expect(lazy.verdict[2]).toContain('ebpf @190,000 calls and ebpf/perfbuf @190,000 calls on null');
  });
});

describe('the command that runs it again', () => {
  const plan = { ...fixturePlan({ ...SMALL, inFlight: 500 }), idle: 'busy', placement: 'free' } as const;
  const of = (cellId: string | null, changed: Partial<Plan> = {}, trial: Partial<TrialSpec> = {}) => {
    const cell = plan.cells.find((c) => c.cellId === cellId);
    return runCommand({ ...plan, ...changed }, cell ? { ...cell, trial: { ...cell.trial, ...trial } } : null);
  };

  it('has the terms of the study, and of a cell its own budget', () => {
    const terms = '--placement free --idle busy --wakeup watermark:4096';
    const wakeup = { kind: 'watermark', value: 4096 } as const;
    const wakeups = [wakeup];
    expect(of(null, { wakeups })).toBe(
      `./tracebench run --backends none,ebpf,ptrace --workloads null --rounds 6 --in-flight 500 ${terms}`,
    );
    expect(of('null/1900000/ebpf@500calls', { wakeups }, { wakeup })).toBe(
      `./tracebench run --backends ebpf --workloads null --rounds 6 --in-flight 500 ${terms}`,
    );
    expect(of('null/1900000/ebpf', { wakeups }, { wakeup })).toBe(
      `./tracebench run --backends ebpf --workloads null --rounds 6 ${terms}`,
    );
    expect(of(null, { wakeups: [{ kind: 'adaptive' }] })).toMatch(/--wakeup adaptive$/);
  });

  it('has all wake-ups of a study, of a cell the one it ran with, of one that keeps its own none', () => {
    const wakeups: Plan['wakeups'] = [{ kind: 'adaptive' }, { kind: 'timer', value: 50 }];
    expect(of(null, { wakeups })).toMatch(/--wakeup adaptive,timer:50$/);
    expect(of('null/1900000/ebpf', { wakeups }, { wakeup: { kind: 'timer', value: 50 } })).toMatch(
      /--wakeup timer:50$/,
    );
    expect(of('null/17000/ptrace', { wakeups })).not.toContain('--wakeup');
  });

  it('has the paces of a study, and of a cell its own with as many calls', () => {
    const paced = (pace: { ratePerS: number; burstCalls: number }): WorkloadSpec => ({
      kind: 'stamped',
      name: 'null',
      calls: 20_000,
      threads: 1,
      seed: 1,
      pace,
    });
    const workloads = [
      paced({ ratePerS: 1000, burstCalls: 1 }),
      paced({ ratePerS: 1_500_000, burstCalls: 1 }),
      paced({ ratePerS: 100_000, burstCalls: 1000 }),
    ];
    expect(of(null, { workloads })).toMatch(/--workloads null --rate 1k,1\.5M --burst 1k\/10ms --rounds 6/);
    expect(of('null/1900000/ebpf', {}, { workload: workloads[2] as WorkloadSpec })).toMatch(
      /--workloads null --burst 1k\/10ms --rounds 6 --calls 20000/,
    );
  });

  it('leaves out what is as it would be anyway', () => {
    expect(of(null, { idle: 'native', placement: null, inFlight: null })).toBe(
      './tracebench run --backends none,ebpf,ptrace --workloads null --rounds 6',
    );
  });
});

describe('noise', () => {
  it('takes its spread from A/A cells where there are any', () => {
    const plan = fixturePlan({ ...SMALL, variants: [] });
    const base = plan.cells[0] as (typeof plan.cells)[number];
    plan.cells.push({ ...base, cellId: 'twin', baselineCellId: base.cellId, trial: { ...base.trial, cellId: 'twin' } });
    const trials = fixtureTrials(plan, {
      change: exactly((t) => 100 * (1 + t.spec.round) * (t.spec.cellId === 'twin' ? 1.001 : 1)),
    });
    const study = summarise(fixtureInput(plan), trials, { variants: fixtureVariants, reference: 'ebpf' });
    // The twins agree to 0.1 % although the rounds differ by 100 %: Φ⁻¹(0.8^(1/6)) · 1.4826 · ln 1.001.
    expect(study.noise?.minimumDetectableEffect).toBeCloseTo(0.00266, 4);
    expect(study.verdict[0]).toMatch(
      /^No tracing backend was measured, only the untraced baseline against itself: null 1\.0010?×/,
    );
    study.verdict.forEach(isSentence);
  });

  it('is the half-width of the baselines and the effect the noisiest could have shown', () => {
    const { study } = fixtureStudy();
    expect(study.noise?.baselineHalfWidth).toBeGreaterThan(0.001);
    expect(study.noise?.minimumDetectableEffect).toBeGreaterThan(study.noise?.baselineHalfWidth as number);
  });
});

describe('degenerate studies', () => {
  it('only the baseline', () => {
    const { study } = fixtureStudy({ ...SMALL, variants: [] });
    expect(study.verdict[0]).toMatch(
      /^No tracing backend was measured, only the untraced baseline: null 17\d ns \[17\d, 17\d\] per call\.$/,
    );
    expect(study.verdict[1]).toMatch(/^There were no books to balance.*the reference collector ebpf was not measured/);
    expect(study.comparisons).toEqual([]);
  });

  it('no trial at all', () => {
    const { study } = fixtureStudy({
      ...SMALL,
      change: () => null,
      head: { complete: false, incompleteReason: 'interrupted in the first round' },
    });
    expect(study.verdict[0]).toBe(
      'This study is incomplete (interrupted in the first round): no trial was run, so there is nothing to rank.',
    );
    expect(study.cells.every((c) => c.durationNs === null && c.trials.completed === 0)).toBe(true);
    expect(study.flags[0]).toMatchObject({ code: 'incomplete' });
    expect(() => studySchema.parse(study)).not.toThrow();
  });

  it('nothing but failures', () => {
    const { study } = fixtureStudy({ ...SMALL, change: (t) => failed(t, 'PERMISSION', 'not allowed') });
    expect(study.verdict[0]).toBe(
      'None of the 24 trials was completed (24 × PERMISSION), so there is nothing to rank.',
    );
    expect(study.verdict[1]).toContain('24 trials failed and are left out');
    expect(study.noise).toBeNull();
    study.verdict.forEach(isSentence);
    expect(() => studySchema.parse(study)).not.toThrow();
  });

  it('no baseline', () => {
    const { study } = fixtureStudy({ ...SMALL, change: (t) => (t.spec.variant === 'none' ? failed(t) : t) });
    expect(study.verdict[0]).toBe('No traced trial has a baseline of the same round, so no slowdown can be given.');
    expect(cell(study, 'ebpf')).toMatchObject({ slowdown: null, addedNsPerCall: null });
    expect(cell(study, 'ebpf').perCallNs?.n).toBe(6);
  });

  it('an incomplete study', () => {
    const { study } = fixtureStudy({
      ...SMALL,
      change: (t) => (t.spec.round > 3 ? null : t),
      head: { complete: false, incompleteReason: 'SIGINT after 3 of 6 rounds' },
    });
    expect(study.verdict[0]).toMatch(/^This study is incomplete \(SIGINT after 3 of 6 rounds\): under ebpf/);
    study.verdict.forEach(isSentence);
  });

  it('only counts', () => {
    const { study } = fixtureStudy({ ...SMALL, variants: ['ebpf/count'] });
    expect(study.verdict[0]).toMatch(
      /^No backend that delivers records was measured, only counts: under ebpf\/count the work took .* with 100 % counted\.$/,
    );
  });

  it('nothing but loss: the cheapest is named with what it delivered', () => {
    const { study } = fixtureStudy({ ...SMALL, rounds: 12, variants: ['ebpf/perfbuf'] });
    expect(study.verdict[0]).toMatch(
      /^Under ebpf\/perfbuf, the only one here that drops records when it falls behind, .* with 9[78]\.\d % delivered\.$/,
    );
    expect(study.verdict[1]).toContain('the reference collector ebpf was not measured');
  });

  it('a reference that cannot run here', () => {
    const { study } = fixtureStudy({
      ...SMALL,
      variants: ['ptrace'],
      head: { backends: [{ variant: 'ebpf', answer: 'no', reason: 'no BTF', mend: null }] },
    });
    expect(study.verdict[1]).toContain('the reference collector ebpf cannot run here');
  });

  it('a variant nobody described is a mistake of the caller', () => {
    const plan = fixturePlan(SMALL);
    expect(() => summarise(fixtureInput(plan), [], { variants: new Map(), reference: 'ebpf' })).toThrow(/variant none/);
  });
});
