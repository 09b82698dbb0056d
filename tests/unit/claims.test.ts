import { describe, expect, it } from 'vitest';
import { variantIds } from '../../backends/index.ts';
import { type Claim, claims, type Rule } from '../../harness/claims/claims.ts';
import { judgeClaims } from '../../harness/claims/judge.ts';
import type { CompletedTrial, JudgedClaim, Plan, TrialResult } from '../../harness/result.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { workloads } from '../../workloads/index.ts';
import { type FixtureOptions, fixtureStudy } from '../fixtures/study.ts';

/** Under the fixture's figures, or what `change` makes of them; `plan` changes what the study asked for. */
function judged(rule: Rule, options: FixtureOptions = {}, plan: Partial<Plan> = {}): JudgedClaim {
  const made = fixtureStudy({ workloads: ['null'], ...options });
  const claim: Claim = { id: 'one', text: 'a claim', source: 'somebody', rule };
  const [result] = judgeClaims(
    {
      plan: { ...made.plan, ...plan },
      cells: made.study.cells,
      trials: made.trials,
      calibration: made.study.calibration.before,
    },
    [claim],
  );
  return result as JudgedClaim;
}

const cheaper = (left: string, ...right: string[]): Rule => ({ kind: 'cheaper', left, right, factor: 1 });

/** ns per call of a variant's section, by round. */
function timed(ns: (variant: string, round: number) => number | null): (trial: CompletedTrial) => TrialResult {
  return (t) => {
    const perCall = ns(t.spec.variant, t.spec.round);
    return perCall === null || t.section === null
      ? t
      : { ...t, section: { ...t.section, durationNs: perCall * t.section.calls } };
  };
}

describe('the cheaper of two', () => {
  it('holds with the figures of both, each beside what it delivered', () => {
    const claim = judged(cheaper('ebpf', 'ptrace', 'ebpf/perfbuf'));
    expect(claim).toMatchObject({ id: 'one', text: 'a claim', source: 'somebody', outcome: 'holds', reason: null });
    expect(claim.figures.map((f) => [f.what, f.unit])).toEqual([
      ['ebpf', 'ns/call'],
      ['ptrace', 'ns/call'],
      ['ebpf/perfbuf', 'ns/call'],
    ]);
    expect(claim.figures.map((f) => f.delivered)).toEqual([1, 1, expect.closeTo(0.979, 2)]);
    expect(claim.figures[0]?.interval.estimate).toBeCloseTo(189, -1);
  });

  it('does not hold where one of them is cheaper, and says which', () => {
    const claim = judged(cheaper('ebpf', 'ebpf/count', 'ptrace'));
    expect(claim).toMatchObject({ outcome: 'does not hold', reason: 'not against ebpf/count' });
  });

  /** ebpf/perfbuf takes 400 ns, ebpf 500; what it delivers is up to the case. */
  const dropping = (share: number) => (t: CompletedTrial) => {
    const made = timed((v) => (v === 'none' ? 100 : v === 'ebpf' ? 600 : v === 'ebpf/perfbuf' ? 500 : null))(t);
    if (made.status === 'failed' || made.spec.variant !== 'ebpf/perfbuf' || made.accounting.delivers !== 'records')
      return made;
    return { ...made, accounting: { ...made.accounting, complete: made.accounting.issued * share } };
  };

  it('is charged for what it lost when it is to win, and not when it is to lose', () => {
    const win = (share: number) => judged(cheaper('ebpf/perfbuf', 'ebpf'), { change: dropping(share) });
    expect(win(0.85).outcome).toBe('holds');
    expect(win(0.75)).toMatchObject({
      outcome: 'cannot be told',
      reason: 'ebpf/perfbuf may be cheaper only because it delivers 75.0 %',
    });
    const lose = (share: number) => judged(cheaper('ebpf', 'ebpf/perfbuf'), { change: dropping(share) });
    expect(lose(0.85).outcome).toBe('does not hold');
    expect(lose(0.75).outcome).toBe('cannot be told');
  });

  it('cannot be told inside the noise: rounds decide by their signs, paired', () => {
    const change = timed((variant, round) =>
      variant === 'none'
        ? 100
        : variant === 'ebpf'
          ? 300
          : variant === 'ebpf/enter'
            ? 300 + (round % 2 ? 1 : -1)
            : null,
    );
    expect(judged(cheaper('ebpf', 'ebpf/enter'), { change }).reason).toContain('do not differ beyond their noise');
    /* The same scatter over rounds, in step with the other: only the pairing tells. */
    const steps = timed((variant, round) =>
      variant === 'none'
        ? 100
        : variant === 'ebpf'
          ? 300 + 50 * round
          : variant === 'ebpf/enter'
            ? 301 + 50 * round
            : null,
    );
    expect(judged(cheaper('ebpf', 'ebpf/enter'), { change: steps }).outcome).toBe('holds');
  });

  it('cannot be told below six rounds, and without its cells names the command that makes them', () => {
    expect(judged(cheaper('ebpf', 'ptrace'), { rounds: 5 }).reason).toContain('fewer than 6 rounds');
    expect(judged(cheaper('ebpf', 'ptrace'), { variants: ['ebpf'] })).toMatchObject({
      outcome: 'cannot be told',
      reason: 'needs `./tracebench run --backends none,ebpf,ptrace --workloads null`',
      figures: [{ what: 'ebpf' }],
    });
  });
});

describe('few of the calls match', () => {
  const rule: Rule = {
    kind: 'cheaper when few match',
    workload: 'null',
    left: 'ptrace/seccomp',
    right: 'ptrace',
    factor: 0.1,
    matching: 0.2,
  };
  /** One call in ten passes the filter. */
  const few = (t: CompletedTrial): CompletedTrial =>
    t.accounting.delivers === 'records' && t.section !== null
      ? { ...t, accounting: { ...t.accounting, issued: t.section.calls / 10, complete: t.section.calls / 10 } }
      : t;
  const at = (ns: number) => (t: CompletedTrial) =>
    few(timed((v) => (v === 'none' ? 100 : v === 'ptrace' ? 10_100 : v === 'ptrace/seccomp' ? ns : null))(t) as never);

  it('is judged under a filter alone, and only where few really match', () => {
    expect(judged(rule).reason).toContain('--workloads null -e CALLS');
    expect(judged(rule, {}, { filter: ['getppid'] }).reason).toContain('more than 20 % of the calls pass');
  });

  it('holds below the factor and does not above', () => {
    const filter = { filter: ['getppid'] };
    expect(judged(rule, { change: at(1000) }, filter).outcome).toBe('holds');
    expect(judged(rule, { change: at(1200) }, filter)).toMatchObject({
      outcome: 'does not hold',
      reason: 'ptrace/seccomp adds more than 10 % of what ptrace adds',
    });
  });
});

describe('a switch per call', () => {
  const rule: Rule = { kind: 'a switch per call', variant: 'ptrace' };

  it('counts in half round trips on the CPUs of the cell', () => {
    const claim = judged(rule);
    expect(claim.outcome).toBe('holds');
    expect(claim.figures[0]).toMatchObject({ what: 'ptrace', unit: 'switches/call' });
    expect(claim.figures[0]?.interval.estimate).toBeCloseTo(15_600 / (5610 / 2), 0);
    /* Across CPUs a switch costs more than this collector adds. */
    expect(judged({ ...rule, variant: 'ebpf' })).toMatchObject({
      outcome: 'does not hold',
      reason: 'a call costs less than one',
    });
  });

  it('cannot be told below six rounds', () => {
    expect(judged(rule, { rounds: 5 })).toMatchObject({ outcome: 'cannot be told', reason: 'fewer than 6 rounds' });
  });
});

describe('as dear as another', () => {
  const rule: Rule = {
    kind: 'as dear',
    workload: 'rdwr',
    left: ['ebpf', 'ebpf/perfbuf'],
    right: 'ptrace',
    factor: 0.8,
  };
  const both = { workloads: ['rdwr', 'null'] };
  const adding = (ebpf: number, perfbuf: number) => ({
    ...both,
    change: timed((v) => ({ none: 100, ebpf: 100 + ebpf, 'ebpf/perfbuf': 100 + perfbuf, ptrace: 10_100 })[v] ?? null),
  });

  it('holds of all or does not hold, says of which, and that the events differ', () => {
    const differ = 'hits of a probe and stops at system calls are different events';
    const claim = judged(rule, adding(9000, 12_000));
    expect(claim).toMatchObject({ outcome: 'holds', reason: differ });
    expect(claim.figures.map((f) => f.what)).toEqual(['ebpf', 'ebpf/perfbuf', 'ptrace']);
    expect(judged(rule, adding(7000, 9000))).toMatchObject({
      outcome: 'does not hold',
      reason: `ebpf adds less than 80 % of what ptrace adds; ebpf/perfbuf adds as much; ${differ}`,
    });
  });

  it('is refuted by none that is cheap only because it drops', () => {
    expect(judged({ ...rule, workload: 'null', left: ['ebpf/perfbuf'] }, adding(0, 7900)).outcome).toBe(
      'cannot be told',
    );
  });

  it('needs both workloads in one study', () => {
    expect(judged(rule, { workloads: ['null'] })).toMatchObject({
      outcome: 'cannot be told',
      reason: 'needs `./tracebench run --backends none,ebpf,ebpf/perfbuf,ptrace --workloads rdwr,null`',
    });
  });
});

describe('slow and lossy', () => {
  const rule = (variant: string): Rule => ({ kind: 'slow and lossy', variant, slowdown: 1.1 });

  it('needs both', () => {
    expect(judged(rule('ebpf/perfbuf')).outcome).toBe('holds');
    expect(judged(rule('ebpf'))).toMatchObject({ outcome: 'does not hold', reason: 'a hit, and nothing was lost' });
    expect(judged(rule('ptrace')).reason).toContain('was not stressed');
    const free = timed((variant) => (variant === 'none' || variant === 'ebpf' ? 100 : null));
    expect(judged(rule('ebpf'), { change: free })).toMatchObject({ outcome: 'does not hold', reason: 'it is no hit' });
  });
});

describe('the slowdown of applications', () => {
  const rule: Rule = { kind: 'slowdown of applications', variant: 'ptrace/seccomp', least: 1.1, most: 1.3 };
  const sort = { workloads: [['sort', 'words']], variants: ['ptrace/seccomp'] };
  const slowed = (factor: number) => (t: CompletedTrial) => ({
    ...t,
    run: { ...t.run, durationNs: t.spec.variant === 'none' ? 1e9 : factor * 1e9 },
  });

  it('is not told by stamped workloads', () => {
    expect(judged(rule).reason).toBe('needs an application: `./tracebench run --backends none,ptrace/seccomp -- CMD`');
  });

  it('lies within, or names the application where it does not', () => {
    expect(judged(rule, { ...sort, change: slowed(1.2) }).outcome).toBe('holds');
    expect(judged(rule, { ...sort, change: slowed(1.03) })).toMatchObject({
      outcome: 'does not hold',
      reason: 'not 1.1 to 1.3 on sort words',
      figures: [{ what: 'ptrace/seccomp on sort words', unit: '×' }],
    });
  });
});

describe('the claims', () => {
  it('are the ten, each with a source, of variants and workloads that there are', () => {
    expect(claims).toHaveLength(10);
    expect(new Set(claims.map((c) => c.id)).size).toBe(10);
    for (const { source, rule } of claims) {
      expect(source).not.toBe('');
      const named = [
        ...('variant' in rule ? [rule.variant] : []),
        ...('left' in rule ? [rule.left].flat() : []),
        ...('right' in rule ? [rule.right].flat() : []),
      ];
      for (const id of named) expect(variantIds).toContain(id);
      if ('workload' in rule) expect(workloads.map((w) => w.name)).toContain(rule.workload);
    }
  });

  it('stand in summary.md always and in the terminal when asked for', () => {
    const { study } = fixtureStudy({ workloads: ['null'] });
    const row = '| ptrace costs a context switch per event (Gregg, "strace wow much syscall") | ptrace 5.';
    expect(renderMarkdown(study)).toContain(row);
    expect(renderMarkdown(study)).toContain('needs `./tracebench run --backends none,ebpf/perfbuf,ebpf/printk');
    expect(renderTerminal(study, { width: 100 })).not.toContain('context switch per event');
    const shown = renderTerminal(study, { width: 100, claims: true });
    expect(shown).toContain('"ptrace costs a context switch per event": holds');
    expect(shown).toContain('half a pipe round trip (100 % delivered)');
  });
});
