import type { CompletedTrial } from '../result.ts';
import { isUnbalanced } from '../result-figures.ts';
import { MAD_TO_SIGMA, mad, median } from '../statistics/describe.ts';

/** What one trial can be marked with. A marked trial still counts; the cell says how many are. */
export type Mark = 'not-reconciled' | 'canary-outside' | 'steal' | 'target-failed' | 'context-unknown';

/** More than this share of the machine taken by the hypervisor during a trial marks it. */
const STEAL_LIMIT = 0.01;

/**
 * The canary band: ± 5 standard deviations (by MAD) about the median of all canaries of the same audit state, but at
 * least ± 5 %, since the minimum of blocks can repeat to the nanosecond. Fewer than 6 canaries make no band.
 */
const CANARY_SIGMAS = 5;
const CANARY_LEAST = 0.05;
const CANARY_MIN = 6;

export interface Band {
  readonly low: number;
  readonly high: number;
}

/** Canary bands by audit context, over all completed trials of a study, warm-up included. */
export function canaryBands(trials: readonly CompletedTrial[]): Map<string, Band> {
  const states = new Map<string, number[]>();
  for (const trial of trials) {
    if (trial.canaryNsPerCall === null) continue;
    const list = states.get(trial.auditContext) ?? [];
    states.set(trial.auditContext, list);
    list.push(trial.canaryNsPerCall);
  }
  const bands = new Map<string, Band>();
  for (const [state, canaries] of states) {
    if (canaries.length < CANARY_MIN) continue;
    const centre = median(canaries);
    const half = Math.max(CANARY_SIGMAS * MAD_TO_SIGMA * mad(canaries, centre), CANARY_LEAST * centre);
    bands.set(state, { low: centre - half, high: centre + half });
  }
  return bands;
}

export function marksOf(trial: CompletedTrial, bands: ReadonlyMap<string, Band>, cpus: number): Set<Mark> {
  const marks = new Set<Mark>();
  if (isUnbalanced(trial.accounting)) marks.add('not-reconciled');
  const band = bands.get(trial.auditContext);
  const canary = trial.canaryNsPerCall;
  if (band && canary !== null && (canary < band.low || canary > band.high)) marks.add('canary-outside');
  if (trial.stealNs > STEAL_LIMIT * trial.wallMs * 1e6 * Math.max(1, cpus)) marks.add('steal');
  if (trial.run.exitCode !== 0) marks.add('target-failed');
  if (trial.auditContext === 'unknown') marks.add('context-unknown');
  return marks;
}
