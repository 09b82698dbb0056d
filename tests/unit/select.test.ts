import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../../harness/backend.ts';
import type { CompletedTrial } from '../../harness/result.ts';
import { type Judged, judge, type Needs } from '../../harness/select/judge.ts';
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
  }: { workloads?: string[]; change?: (t: CompletedTrial) => CompletedTrial } = {},
) {
  const { study } = fixtureStudy({
    rounds: 6,
    variants: VARIANTS,
    workloads,
    head: { backends },
    ...(change ? { change } : {}),
  });
  return judge({ study, capabilities, workload: 'null', needs: { ...ANYTHING, ...needs } });
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
    expect(judge({ study: absent, capabilities, workload: 'null', needs: ANYTHING })).toEqual([
      {
        variant: 'ebpf',
        outcome: 'refused',
        reasons: [{ need: 'runs here', met: 'no', text: 'cannot run here: no BTF', cellId: null }],
      },
    ]);
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
