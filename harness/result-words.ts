/** Words for what is in a result: one definition for commands, sentences and reports. */
import { formatShare } from './notation.ts';
import type { Cell, Plan, Spinners, Starvation, WorkloadSpec } from './result.ts';

/** As it is typed: `threads:4`, `null`, the command of an application. */
export function workloadName(workload: WorkloadSpec): string {
  if (workload.kind !== 'stamped') return workload.name;
  if (workload.match !== undefined) return `${workload.name}:${workload.match}`;
  return workload.threads > 1 ? `${workload.name}:${workload.threads}` : workload.name;
}

/** As it is typed. */
export function wakeupText(wakeup: Plan['wakeups'][number]): string {
  return 'value' in wakeup ? `${wakeup.kind}:${wakeup.value}` : wakeup.kind;
}

/** As it is typed. */
export function starvationText(starvation: Starvation): string {
  return starvation.kind === 'stall' ? `stall:${starvation.ms}ms` : `quota:${formatShare(starvation.share)}`;
}

/** What a reader must know of trials whose spinners others may have had to wait for; null: there were none. */
export function spinnersText(trials: readonly { readonly spinners?: Spinners | undefined }[]): string | null {
  const without = trials.flatMap(({ spinners }) => (spinners?.ownGroup === false ? [spinners] : []));
  if (without.length === 0) return null;
  const where = without.length === 1 ? 'one trial' : `${without.length} trials`;
  return (
    `the spinners that kept the CPUs awake had no control group of their own in ${where} (${without[0]?.reason}): ` +
    'kernel threads and other sessions may have waited for them'
  );
}

type Labelled = Pick<Cell, 'variant' | 'terms'>;

/**
 * What a cell was given that others of its variant were not: `@10,000 calls` where the buffer was sized in calls,
 * `+timer:50` where the wake-up policy was asked for, `~stall:50ms` where the collector was kept from its work.
 */
export function choices(cell: Labelled): string {
  const { starvation } = cell.terms;
  return joined([choicesFed(cell), starvation === undefined ? '' : `~${starvationText(starvation)}`]);
}

/** The same without what starved its collector. */
export function choicesFed({ terms: { askedCallsInFlight, wakeupAsked, wakeup } }: Labelled): string {
  const sized = askedCallsInFlight === null ? '' : `@${askedCallsInFlight.toLocaleString('en-US')} calls`;
  return joined([sized, wakeupAsked ? `+${wakeupText(wakeup)}` : '']);
}

/** The backend of a cell, told apart from others of its variant. */
export function backendLabel(cell: Labelled): string {
  return joined([cell.variant, choices(cell)]);
}

function joined(words: readonly string[]): string {
  return words.filter((word) => word !== '').join(' ');
}
