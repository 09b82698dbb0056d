/**
 * What our reading of audit adds, beside the audit daemon as Debian configures it, writing its log. A tenth of it was the aim, and
 * held only against a daemon that could not name the target's users: beside one that can, most of what both add is the kernel's.
 */
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
/**
 * Debian's log is enriched: the daemon looks up the name of every user in a record, keeps those it finds, and looks up again
 * each time those it does not. A user without a name, as a container's are outside of it, makes another daemon of it.
 */
const NAMELESS = '1879048192:1879048192';
const NAMELESS_CALLS = 8000;

/** On the workload whose stamps a log of four registers can tell; `delivered` gets the share of its calls. */
function contender(name: string, variant: string, delivered: number[], user: string | null = null): Contender {
  return {
    name,
    async measure() {
      const calls = user === null ? CALLS : NAMELESS_CALLS;
      const changes = { auditContext: 'present', user } as const;
      const t = await trial({ variant, workload: 'visible', calls, changes });
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
    const contenders = Object.entries(shares).map(([variant, delivered]) => contender(variant, variant, delivered));
    contenders.push(contender('nameless', DAEMON, [], NAMELESS));
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
      added('daemon-cost: added by the audit daemon, users without a name', take(values, 'nameless'), none, seed),
    ];
  },
};
