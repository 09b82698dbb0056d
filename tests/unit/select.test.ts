import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../../harness/backend.ts';
import type { Capacity, CapacityStudy } from '../../harness/capacity/result.ts';
import type { CompletedTrial } from '../../harness/result.ts';
import type { MeasuredCapacities } from '../../harness/select/capacity.ts';
import { type Declared, type Judged, judge } from '../../harness/select/judge.ts';
import type { Needs } from '../../harness/select/needs.ts';
import { renderSelect } from '../../reports/select.ts';
import { FULL_CAPABILITIES } from '../fixtures/capabilities.ts';
import { fixtureStudy } from '../fixtures/study.ts';

const capabilities = new Map<string, Capabilities>([
  ['none', { ...FULL_CAPABILITIES, delivers: 'nothing', detail: null }],
  ['ebpf', { ...FULL_CAPABILITIES, paths: { none: 'it reads no strings' } }],
  ['ebpf/enter', { ...FULL_CAPABILITIES, detail: 'enter' }],
  ['ebpf/count', { ...FULL_CAPABILITIES, delivers: 'counts', detail: null, regime: 'neither' }],
  ['ptrace', { ...FULL_CAPABILITIES, regime: 'blocks', followsSetuid: false }],
]);
const LEAST = { ebpf: 'cap_bpf', ptrace: 'none' } as const;
const declared = new Map<string, Declared>(
  [...capabilities].map(([variant, can]) => {
    const least = variant.startsWith('ebpf') ? LEAST.ebpf : LEAST.ptrace;
    return [variant, { capabilities: can, privileges: { least, what: `what ${variant} uses` } }];
  }),
);
const VARIANTS = ['ebpf', 'ebpf/enter', 'ebpf/count', 'ptrace'];
const backends = ['none', ...VARIANTS].map((variant) => ({
  variant,
  answer: 'yes' as const,
  reason: null,
  mend: null,
}));

const ANYTHING: Needs = { lossFraction: 0.001, detail: 'enter', mayBlock: true, followsSetuid: false };

function judged(
  needs: Partial<Needs>,
  {
    workloads = ['null@10k', 'null@100k'],
    change,
    capacities = null,
  }: {
    workloads?: string[];
    change?: (t: CompletedTrial) => CompletedTrial;
    capacities?: MeasuredCapacities | null;
  } = {},
) {
  const { study } = fixtureStudy({
    rounds: 6,
    variants: VARIANTS,
    workloads,
    head: { backends },
    ...(change ? { change } : {}),
  });
  return judge({ study, declared, capacities, workload: 'null', needs: { ...ANYTHING, ...needs } });
}

function of(list: readonly Judged[], variant: string): Judged {
  const one = list.find((j) => j.variant === variant);
  if (!one) throw new Error(`${variant} was not judged`);
  return one;
}

describe('needs', () => {
  it('that nobody has are met by everybody who records; the baseline is not judged', () => {
    expect(judged({}).map(({ variant, outcome }) => [variant, outcome])).toEqual([
      ['ebpf', 'accepted'],
      ['ebpf/enter', 'accepted'],
      ['ebpf/count', 'refused'],
      ['ptrace', 'accepted'],
    ]);
  });

  it('of capabilities are held against what is declared', () => {
    const list = judged({ detail: 'full', mayBlock: false, followsSetuid: true });
    expect(of(list, 'ebpf').outcome).toBe('accepted');
    expect(of(list, 'ebpf/enter').reasons[0]).toEqual({
      need: 'detail full',
      met: 'no',
      text: 'its records are enter',
      cellId: null,
    });
    expect(
      of(list, 'ptrace')
        .reasons.slice(1, 3)
        .map(({ need, met }) => [need, met]),
    ).toEqual([
      ['does not block', 'no'],
      ['follows set-uid', 'no'],
    ]);
    expect(of(judged({ detail: 'paths' }), 'ebpf').reasons[0]).toMatchObject({
      met: 'no',
      text: 'it reads no strings',
    });
  });

  it('of a rate are met where so much came whole, by the slowest load that is enough', () => {
    const list = judged({ ratePerS: 10_000 });
    expect(of(list, 'ebpf').reasons[1]).toMatchObject({
      need: '10,000 calls/s, loss ≤ 0.1 %',
      met: 'yes',
      text: '0 % lost at 10,000 calls/s',
      cellId: 'null@10k/10000/ebpf',
    });
    // ptrace makes no more than some 63,000 a second.
    expect(of(judged({ ratePerS: 80_000 }), 'ptrace').reasons[1]).toMatchObject({
      met: 'no',
      text: expect.stringMatching(/^lets 6\d,\d00 calls\/s through$/),
      cellId: 'null@100k/100000/ptrace',
    });
  });

  it('beyond what was offered are not decided, with the command that would', () => {
    const one = of(judged({ ratePerS: 500_000 }), 'ebpf');
    expect(one.outcome).toBe('undecided');
    expect(one.reasons[1]).toMatchObject({
      met: 'unknown',
      text: 'not measured: ./tracebench run --backends ebpf --rate 500000',
    });
  });

  it('are not met by losses, nor by books that do not balance', () => {
    const lossy = (t: CompletedTrial): CompletedTrial =>
      t.spec.variant === 'ebpf' && t.accounting.delivers === 'records'
        ? { ...t, accounting: { ...t.accounting, complete: t.accounting.issued * 0.99 } }
        : t;
    expect(of(judged({ ratePerS: 10_000 }, { change: lossy }), 'ebpf').reasons[1]).toMatchObject({
      met: 'no',
      text: '1 % lost at 10,000 calls/s',
    });
    const off = (t: CompletedTrial): CompletedTrial =>
      t.accounting.delivers === 'records'
        ? { ...t, accounting: { ...t.accounting, verdict: 'under-reported', reasons: ['x'] } }
        : t;
    expect(of(judged({ ratePerS: 10_000 }, { change: off }), 'ebpf').reasons[1]).toMatchObject({
      met: 'no',
      text: '0 % lost at 10,000 calls/s, and its books do not balance',
    });
  });

  it('of latency and CPU take an open loop, of added time the worst cell by its upper end', () => {
    const list = judged({ ratePerS: 10_000, latencyNs: 1e6, collectorCpu: 0.1, addedNs: 250 });
    const reasons = of(list, 'ebpf').reasons.slice(2);
    expect(reasons.map(({ need, met }) => [need, met])).toEqual([
      ['p99 latency ≤ 1,000 µs', 'yes'],
      ['collector ≤ 10 % of a CPU', 'yes'],
      ['added ≤ 250 ns a call', 'yes'],
    ]);
    expect(reasons[1]?.text).toMatch(/^0\.03\d* %, upper end 0\.03\d* % at 10,000 calls\/s$/);
    expect(of(judged({ addedNs: 100 }), 'ebpf').reasons.at(-1)).toMatchObject({ met: 'no' });
    const closed = of(judged({ latencyNs: 1e6 }, { workloads: ['null'] }), 'ebpf');
    expect(closed.reasons.at(-1)).toMatchObject({ need: 'p99 latency ≤ 1,000 µs', met: 'unknown' });
  });

  it('cannot be met by what cannot run here', () => {
    const { study } = fixtureStudy({ rounds: 6, workloads: ['null'], head: { backends } });
    const absent = { ...study, backends: [{ variant: 'ebpf', answer: 'no' as const, reason: 'no BTF', mend: null }] };
    expect(judge({ study: absent, declared, capacities: null, workload: 'null', needs: ANYTHING })).toEqual([
      {
        variant: 'ebpf',
        outcome: 'refused',
        reasons: [{ need: 'runs here', met: 'no', text: 'cannot run here: no BTF', cellId: null }],
      },
    ]);
  });
});

/** Serves a million calls a second after 1 ms, tried with bursts of 1,000 to 200,000 calls at 2 M/s. */
function searched(changed: Partial<Capacity> = {}, lossFraction = 0.001): MeasuredCapacities {
  const fit = { servedPerS: 1e6, pauseMs: 1, bufferShare: 1 };
  const point = (burstCalls: number) => ({
    load: { peakPerS: 2e6, burstCalls, intervalMs: 100, bursts: 6 },
    callsInFlight: 1000,
    lossFraction: 0.1,
  });
  const row = {
    variant: 'ebpf',
    regime: 'drops',
    geometry: null,
    buffer: { bytesPerCall: 96, perCpu: true, knob: null },
    surface: { fit, resampled: [fit], fitted: [point(1000)], tested: [point(200_000)], holds: true },
    capacity: { perS: 1e6, low: 0.9e6, high: 1.1e6, confidence: 0.98, meaning: 'held' },
    collectorNsPerCall: 500,
    ...changed,
  } as unknown as Capacity;
  const study = { workload: 'null', criteria: { lossFraction }, variants: [row] } as unknown as CapacityStudy;
  return { study, file: 'results/cap' };
}

describe('privileges', () => {
  it('are enough when they hold what the variant declares, or more', () => {
    const outcomes = (privileges: Needs['privileges']) =>
      ['ebpf', 'ptrace'].map((variant) => of(judged({ privileges }), variant).outcome);
    expect(outcomes('none')).toEqual(['refused', 'accepted']);
    expect(outcomes('cap_bpf')).toEqual(['accepted', 'accepted']);
    expect(outcomes('root')).toEqual(['accepted', 'accepted']);
    expect(of(judged({ privileges: 'none' }), 'ebpf').reasons[1]).toEqual({
      need: 'privileges none',
      met: 'no',
      text: 'needs cap_bpf: what ebpf uses',
      cellId: null,
    });
  });
});

describe('a capacity study', () => {
  const rate = (ratePerS: number, capacities: MeasuredCapacities) =>
    of(judged({ ratePerS }, { capacities }), 'ebpf').reasons.find(({ need }) => need.startsWith('capacity'));

  it('answers for a rate that no cell was loaded with, by the ends of its interval', () => {
    const one = of(judged({ ratePerS: 800_000 }, { capacities: searched() }), 'ebpf');
    expect(one.outcome).toBe('accepted');
    expect(one.reasons.slice(1)).toEqual([
      {
        need: 'capacity ≥ 800,000 calls/s of null',
        met: 'yes',
        text: 'holds 1,000,000 [900,000, 1,100,000] calls/s, at most 0.1 % lost',
        cellId: null,
        file: 'results/cap',
      },
    ]);
    expect(rate(1_000_000, searched())).toMatchObject({ met: 'unknown', text: expect.stringMatching(/cannot tell$/) });
    expect(rate(1_200_000, searched())).toMatchObject({ met: 'no' });
  });

  it('stands beside the cells where these decide', () => {
    const needs = of(judged({ ratePerS: 10_000 }, { capacities: searched() }), 'ebpf').reasons.map(({ need }) => need);
    expect(needs.slice(1)).toEqual(['10,000 calls/s, loss ≤ 0.1 %', 'capacity ≥ 10,000 calls/s of null']);
  });

  it('does not answer for what was not searched, nor for less or more loss than it tolerated', () => {
    expect(rate(800_000, searched({ capacity: null }))).toBeUndefined();
    expect(rate(800_000, searched({ variant: 'ftrace' }))).toBeUndefined();
    expect(rate(800_000, searched({}, 0.01))).toMatchObject({ met: 'unknown' });
    expect(rate(2_000_000, searched({}, 0.0001))).toMatchObject({ met: 'unknown' });
  });

  it('has no upper end at the limit of the load generator, and no lower one below the least rate', () => {
    const censored = { perS: 1e6, low: 1e6, high: null, confidence: 0.98, meaning: 'at-least' } as const;
    expect(rate(3_000_000, searched({ capacity: censored }))).toMatchObject({ met: 'unknown' });
    expect(rate(900_000, searched({ capacity: censored }))).toMatchObject({ met: 'yes' });
    const less = { perS: 1000, low: null, high: 1000, confidence: 0.98, meaning: 'less-than' } as const;
    expect(rate(500, searched({ capacity: less }))).toMatchObject({ met: 'unknown' });
    expect(rate(2000, searched({ capacity: less }))).toMatchObject({ met: 'no' });
  });
});

describe('a burst', () => {
  const burst = (peakPerS: number, durationMs: number, capacities: MeasuredCapacities | null) =>
    of(judged({ burst: { peakPerS, durationMs } }, { capacities }), 'ebpf').reasons.at(-1);

  it('is judged by the queue model, into the calls in flight of the cells', () => {
    expect(burst(1e6, 10, searched())).toEqual({
      need: 'burst of 10,000 calls at 1,000,000/s, loss ≤ 0.1 %',
      met: 'yes',
      text: '0 % [0, 0] lost by the queue model, from one CPU into 87,400 calls in flight; carried over: peak calls a second and drain thread 1,000,000, measured 2,000,000 to 2,000,000: by the queue model',
      cellId: null,
      file: 'results/cap',
    });
    // In 100 ms some 99,000 of 200,000 are served and 87,381 wait: the rest, some 13,600, is lost.
    const lossy = burst(2e6, 100, searched());
    expect(lossy).toMatchObject({ met: 'no', file: 'results/cap' });
    expect(lossy?.text).toMatch(/^6\.[78]\d* % \[6\.[78]\d*, 6\.[78]\d*\] lost/);
  });

  it('is served no faster than the CPU time of a call allows, whatever was fitted', () => {
    // 50 ms at a tenth of a million: of 100,000 calls some 5,000 are served and 87,381 wait.
    const busy = burst(2e6, 50, searched({ collectorNsPerCall: 10_000 }));
    expect(busy).toMatchObject({ met: 'no', text: expect.stringMatching(/^7\.\d+ % \[7\.\d+, 7\.\d+\] lost/) });
    expect(burst(2e6, 50, searched({ collectorNsPerCall: null }))).toMatchObject({ met: 'yes' });
  });

  it('is not decided where the resampled fits disagree, or no model holds', () => {
    const fits = searched().study.variants[0]?.surface as NonNullable<Capacity['surface']>;
    const slower = { servedPerS: 0.1e6, pauseMs: 1, bufferShare: 1 };
    const wide = searched({ surface: { ...fits, resampled: [fits.fit, slower] } });
    expect(burst(2e6, 50, wide)).toMatchObject({
      met: 'unknown',
      text: expect.stringMatching(/^cannot tell: 0 % \[0, [78]/),
    });
    const none = searched({ surface: { ...fits, holds: false } });
    expect(burst(1e6, 1, none)).toMatchObject({
      met: 'unknown',
      text: expect.stringContaining('no queue model'),
    });
    expect(burst(1e6, 1, null)).toMatchObject({
      met: 'unknown',
      text: 'not measured: ./tracebench capacity --surface --backends ebpf, then --capacity results/TIME-capacity',
    });
  });

  it('that a backend would slow down is what its capacity does not let through', () => {
    const through = { perS: 50_000, low: 45_000, high: 55_000, confidence: 0.98, meaning: 'let-through' } as const;
    const blocks = searched({ variant: 'ptrace', regime: 'blocks', buffer: null, surface: null, capacity: through });
    const last = (peakPerS: number) =>
      of(judged({ burst: { peakPerS, durationMs: 10 } }, { capacities: blocks }), 'ptrace').reasons.at(-1);
    expect(last(40_000)).toMatchObject({ met: 'yes', text: 'lets 50,000 calls/s through: the peak is below' });
    expect(last(60_000)).toMatchObject({ met: 'no' });
    expect(last(50_000)).toMatchObject({ met: 'unknown' });
  });

  it('that was measured decides when it was the harder one and came, or the easier one and did not', () => {
    const { study } = fixtureStudy({ rounds: 6, variants: VARIANTS, workloads: ['null@10k'], head: { backends } });
    const inBursts = (loss: number) => ({
      ...study,
      cells: study.cells.map((cell) => ({
        ...cell,
        deliveredFraction: cell.deliveredFraction === null ? null : 1 - loss,
        workload:
          cell.workload.kind === 'stamped' && cell.workload.pace
            ? { ...cell.workload, pace: { ...cell.workload.pace, burstCalls: 1000 } }
            : cell.workload,
      })),
    });
    const reason = (loss: number, peakPerS: number, durationMs: number) =>
      of(
        judge({
          study: inBursts(loss),
          declared,
          capacities: null,
          workload: 'null',
          needs: { ...ANYTHING, burst: { peakPerS, durationMs } },
        }),
        'ebpf',
      ).reasons.at(-1);
    // The cell's bursts are a thousand calls at some 2.7 M/s.
    expect(reason(0, 1e6, 1)).toMatchObject({ met: 'yes', cellId: 'null@10k/10000/ebpf' });
    expect(reason(0, 1e6, 2)).toMatchObject({ met: 'unknown' });
    expect(reason(0, 9e6, 0.1)).toMatchObject({ met: 'unknown' });
    expect(reason(0.1, 9e6, 1)).toMatchObject({
      met: 'no',
      text: expect.stringMatching(/^10 % lost of bursts of 1,000/),
    });
    expect(reason(0.1, 1e6, 1)).toMatchObject({ met: 'unknown' });
  });
});

describe('a memory budget', () => {
  it('is held against buffers, and the collector beyond an untraced process', () => {
    const grown = (t: CompletedTrial): CompletedTrial =>
      t.spec.variant === 'ebpf' ? { ...t, collector: { ...t.collector, maxRssBytes: 71_000_000 + 3 * 2 ** 20 } } : t;
    const list = (memoryBytes: number) => of(judged({ memoryBytes }, { change: grown }), 'ebpf').reasons.at(-1);
    expect(list(16 * 2 ** 20)).toMatchObject({
      need: 'memory ≤ 16 MiB',
      met: 'yes',
      text: expect.stringMatching(
        /^[\d.]+ MiB of kernel buffers, and a collector of 3 MiB beyond an untraced trial's process$/,
      ),
      cellId: expect.stringMatching(/\/ebpf$/),
    });
    expect(list(4 * 2 ** 20)).toMatchObject({ met: 'no' });
  });

  it('is not decided by a study that did not keep it', () => {
    const { study } = fixtureStudy({ rounds: 6, variants: VARIANTS, workloads: ['null'], head: { backends } });
    const older = { ...study, cells: study.cells.map(({ collectorMaxRssBytes: _, ...cell }) => cell) };
    const [ebpf] = judge({
      study: older,
      declared,
      capacities: null,
      workload: 'null',
      needs: { ...ANYTHING, memoryBytes: 2 ** 30 },
    });
    expect(ebpf?.reasons.at(-1)).toMatchObject({
      met: 'unknown',
      text: 'not measured: ./tracebench run --backends ebpf',
    });
  });
});

describe('the answer', () => {
  it('names who is accepted first, and every reason with its cell', () => {
    const text = renderSelect(judged({ ratePerS: 10_000, mayBlock: false }), 'results/x');
    expect(text.split('\n')[0]).toBe('Accepted: ebpf, ebpf/enter');
    expect(text).toContain('    yes 10,000 calls/s, loss ≤ 0.1 %: 0 % lost at 10,000 calls/s (null@10k/10000/ebpf)');
    expect(text).toContain('Refused: ebpf/count, ptrace');
    expect(text).toContain('    NO  does not block: the workload waits for the collector');
    expect(text).toMatch(/explain CELL --study results\/x\n$/);
  });

  it('says so when there is nobody', () => {
    expect(renderSelect(judged({ addedNs: 1 }), 'x')).toContain('Nobody is accepted.');
  });
});
