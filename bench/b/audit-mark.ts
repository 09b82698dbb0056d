/** Audit's mark: the untraced workload before and after an audit trial, and what an audit context costs by standing there. */
import { ratioInterval } from '../../harness/statistics/order-interval.ts';
import type { Check, Line } from '../check.ts';
import { interleave } from '../interleave.ts';
import { perCallNs, trial } from '../trials.ts';

const TRIALS = 16;
const CALLS = 1_000_000;
const ROUNDS = 12;

async function untraced(): Promise<number> {
  return perCallNs(await trial({ variant: 'none', workload: 'null', calls: CALLS }));
}

async function several(n: number): Promise<number[]> {
  const values: number[] = [];
  for (let i = 0; i < n; i++) values.push(await untraced());
  return values;
}

export const auditMark: Check = {
  name: 'audit-mark',
  title: 'none before and after an audit trial agree within the A/A interval; the standing cost of an audit context',
  async run({ seed, say }) {
    const before = await several(2 * TRIALS);
    say('audit-mark: before');
    await trial({ variant: 'auditd', workload: 'null', calls: 20_003, changes: { auditContext: 'present' } });
    const after = await several(TRIALS);
    say('audit-mark: after');
    /* The same against the same, as far apart in time as before and after are. */
    const same = ratioInterval(before.slice(TRIALS).map((ns, i) => [ns, before[i] as number]));
    const changed = ratioInterval(after.map((ns, i) => [ns, before[TRIALS + i] as number]));
    /* What the machine does by itself, it may do in either direction. */
    const noise = Math.max(Math.abs((same.low ?? 1) - 1), Math.abs((same.high ?? 1) - 1));
    const contained = (changed.low ?? 1) <= 1 + noise && (changed.high ?? 1) >= 1 - noise;
    const values = await interleave(
      (['absent', 'present'] as const).map((auditContext) => ({
        name: auditContext,
        measure: async () =>
          perCallNs(await trial({ variant: 'none', workload: 'null', calls: CALLS, changes: { auditContext } })),
      })),
      ROUNDS,
      1,
      seed,
      (text) => say(`audit-mark ${text}`),
    );
    const absent = values.get('absent') ?? [];
    const standing = ratioInterval((values.get('present') ?? []).map((ns, i) => [ns, absent[i] as number]));
    const line = (name: string, r: typeof same, bound: string, pass: boolean): Line => ({
      name: `audit-mark: ${name}`,
      value: r.estimate,
      unit: '×',
      low: r.low,
      high: r.high,
      bound,
      pass,
    });
    return [
      line('none against none before the audit trial (A/A)', same, 'reported', true),
      line('none after the audit trial / before it', changed, 'overlaps 1 ± what A/A is off by', contained),
      line(
        `none with an audit context present / absent, ${ROUNDS} rounds: audit's standing cost`,
        standing,
        'reported',
        true,
      ),
    ];
  },
};
