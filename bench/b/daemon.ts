/** What our reading of audit adds on null, beside the audit daemon as Debian configures it, writing its log. */

import { contestantOf } from '../../backends/external/index.ts';
import { probeContestant } from '../../harness/contestants/probe.ts';
import { ratioOfAdded } from '../../harness/statistics/bootstrap.ts';
import { added, missingTool, take } from '../a/cost.ts';
import type { Check, Line } from '../check.ts';
import { type Contender, interleave } from '../interleave.ts';
import { perCallNs, trial } from '../trials.ts';

const ROUNDS = 12;
const CALLS = 20_000;
/** Its configuration and its rule: backends/external/audit-daemon.ts. */
const DAEMON = 'external/audit-daemon';

/** On the workload whose stamps a log of four registers can tell; `delivered` gets the share of its calls. */
function contender(variant: string, delivered: number[]): Contender {
  return {
    name: variant,
    async measure() {
      const changes = { auditContext: 'present' } as const;
      const t = await trial({ variant, workload: 'visible', calls: CALLS, changes });
      if (t.accounting.delivers === 'records') delivered.push(t.accounting.complete / t.accounting.issued);
      return perCallNs(t);
    },
  };
}

const percent = (shares: readonly number[]): string => `${(100 * Math.min(...shares)).toFixed(1)} % delivered at least`;

export const daemonCost: Check = {
  name: 'daemon-cost',
  title: 'auditd at most a tenth of what the audit daemon adds, writing its log',
  async run({ seed, say }) {
    const contestant = contestantOf(DAEMON);
    if (contestant === null || (await probeContestant(contestant)).answer === 'no')
      return [missingTool('daemon-cost', 'auditd')];
    const shares: Record<string, number[]> = { none: [], auditd: [], 'auditd/block': [], [DAEMON]: [] };
    const contenders = Object.entries(shares).map(([variant, delivered]) => contender(variant, delivered));
    const values = await interleave(contenders, ROUNDS, 1, seed, (text) => say(`daemon-cost ${text}`));
    const none = take(values, 'none');
    const daemon = take(values, DAEMON);
    const lines = (['auditd', 'auditd/block'] as const).map((name): Line => {
      const found = ratioOfAdded(take(values, name), daemon, none, { seed });
      return {
        name: `daemon-cost: added by ${name} / added by the audit daemon, ${ROUNDS} rounds`,
        value: found.estimate,
        unit: '×',
        low: found.low,
        high: found.high,
        bound: '≤ 0.1 (upper end)',
        pass: (found.high ?? Number.POSITIVE_INFINITY) <= 0.1,
        note: `${percent(shares[name] ?? [])}; by the daemon's log ${percent(shares[DAEMON] ?? [])}`,
      };
    });
    return [
      ...lines,
      added('daemon-cost: added by auditd', take(values, 'auditd'), none, seed),
      added('daemon-cost: added by auditd/block', take(values, 'auditd/block'), none, seed),
      added('daemon-cost: added by the audit daemon', daemon, none, seed),
    ];
  },
};
