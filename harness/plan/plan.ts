/** From a request (request.ts) to the plan that is recorded and run, its cells expanded. Nothing here runs anything. */
import { cannotError, usageError } from '../errors.ts';
import { formatDuration } from '../notation.ts';
import type { Plan, WorkloadSpec } from '../result.ts';
import type { CellRequest } from './cell-request.ts';
import { expandCells } from './cells.ts';
import type { PlanContext } from './context.ts';
import { TRIAL_START_MS } from './costs.ts';
import { pairId } from './pairs.ts';
import type { Request } from './request.ts';
import { BASELINE, definitionOf } from './variants.ts';

/** Nobody means a longer study; a digit too many in --calls does. */
const LONGEST_MS = 7 * 24 * 3_600_000;

type TrialTerms = Plan['cells'][number]['trial'];

export interface ExpandedPlan {
  readonly plan: Plan;
  /** Of the least rounds, warm-up included; null with a command, whose duration nobody knows. */
  readonly predictedRoundsMs: number | null;
  readonly predictedRoundMs: number | null;
  /** What a reader of the plan should know: calls cut to the time, placements that the machine does not allow. */
  readonly notes: readonly string[];
}

/**
 * `usable`: those of `request.variants` that the machine can run (the probe said yes or could not tell).
 * `cannotWake`: wake-up policies asked for that a usable variant cannot have, as wakeupText has them.
 */
export function expandPlan(
  request: Request,
  usable: readonly string[],
  context: PlanContext,
  cannotWake: ReadonlyMap<string, readonly string[]> = new Map(),
): ExpandedPlan {
  const { settings } = request;
  const { machine } = context;
  if (settings.placement === 'other' && machine.cpus.length < 2) {
    throw cannotError('--placement other needs two CPUs and this process may use one', 'use --placement same');
  }
  const filter = request.filterNumbers?.map(context.syscallName) ?? null;
  const [pairs, without] = partition(request.pairs, ({ first, second }) =>
    [first, second].every(({ id }) => usable.includes(id)),
  );
  const cellRequest: CellRequest = {
    workloads: request.workloads,
    variants: usable.map((id) => definitionOf(id, context.backends)),
    pairs,
    baseline: definitionOf(BASELINE, context.backends),
    bufferBytes: request.bufferBytes,
    inFlight: request.inFlight,
    applicationsInFlight: settings.inFlight ?? null,
    filter,
    filterNumbers: request.filterNumbers,
    placement: settings.placement ?? null,
    idle: request.idle,
    wakeups: request.wakeups,
    cannotWake,
    starvations: request.starvations,
    pacedSectionMs: request.pacedSectionMs,
    detail: request.detail,
    cpuBill: request.cpuBill,
    calls: settings.calls ?? null,
    user: settings.user ?? null,
    seed: request.seed,
    deadlineMs: settings.deadline ?? null,
    sectionCapMs: request.profile.sectionCapMs,
    cutSectionMs: request.profile.cutSectionMs,
    machine,
  };
  const { cells, notes } = expandCells(cellRequest);
  const detachMs = ({ variant }: TrialTerms): number =>
    definitionOf(variant, context.backends).variant.aboutDetachMs ?? 0;
  const predictedRoundMs = cells.reduce<number | null>(
    (sum, { cell, sectionMs }) =>
      sum === null || sectionMs === null ? null : sum + sectionMs + TRIAL_START_MS + detachMs(cell.trial),
    0,
  );
  const predictedRoundsMs =
    predictedRoundMs === null ? null : predictedRoundMs * (request.rounds + request.warmupRounds);
  if (request.timeIsLimit && predictedRoundsMs !== null && predictedRoundsMs > (request.timeBudgetMs ?? Infinity)) {
    throw usageError(
      `${request.rounds} rounds of ${cells.length} cells take about ${formatDuration(predictedRoundsMs)}, --max-time allows ${formatDuration(request.timeBudgetMs ?? 0)}`,
      'give more time, fewer --rounds (an interval needs 6), fewer --workloads or fewer --backends',
    );
  }
  if (predictedRoundsMs !== null && predictedRoundsMs > LONGEST_MS) {
    throw usageError(
      `${request.rounds} rounds of ${cells.length} cells would take about ${formatDuration(predictedRoundsMs)}`,
      'give fewer --calls, --rounds, --workloads or --backends: a study is refused beyond a week',
    );
  }
  const specs = new Map(cells.map(({ cell }) => [JSON.stringify(cell.trial.workload), cell.trial.workload]));
  const plan: Plan = {
    profile: request.profileName,
    seed: request.seed,
    rounds: request.rounds,
    warmupRounds: request.warmupRounds,
    timeBudgetMs: request.timeBudgetMs,
    ...(request.untilHalfWidth === undefined ? {} : { untilHalfWidth: request.untilHalfWidth }),
    bufferBytes: request.bufferBytes,
    inFlight: request.inFlight,
    filter,
    placement: settings.placement ?? null,
    idle: request.idle,
    wakeups: [...request.wakeups],
    ...(request.detail === undefined ? {} : { detail: request.detail }),
    ...(settings.match === undefined ? {} : { match: [...settings.match] }),
    ...(request.cpuBill === null ? {} : { cpuBill: request.cpuBill }),
    user: settings.user ?? null,
    backends: [...usable],
    workloads: [...specs.values()] as WorkloadSpec[],
    cells: cells.map(({ cell }) => cell),
  };
  const absent = without.map(({ first, second }) => {
    const cannot = [first.id, second.id].filter((id) => !usable.includes(id));
    return `no cell of ${pairId(first.id, second.id)}: ${cannot.join(' and ')} cannot run here`;
  });
  return { plan, predictedRoundsMs, predictedRoundMs, notes: [...notes, ...absent] };
}

function partition<Item>(items: readonly Item[], wanted: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(wanted), items.filter((item) => !wanted(item))];
}
