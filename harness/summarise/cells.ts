/** Trials of one cell → the cell: its terms, its intervals, its flags. */
import { soakedId } from '../plan/soaked-cells.ts';
import { starvationOf } from '../plan/starvation.ts';
import type { Cell, CompletedTrial, JointResult, Plan, TrialResult } from '../result.ts';
import { nsPerCall } from '../result-figures.ts';
import { wakeupText } from '../result-words.ts';
import { bcaMedian } from '../statistics/bootstrap.ts';
import { logRatios, mapInterval, ratioInterval } from '../statistics/order-interval.ts';
import { proportionality } from '../statistics/power.ts';
import { alongsideOf } from './alongside.ts';
import { figureOfMerit, issuedIn } from './applications.ts';
import { backendName } from './command.ts';
import { cpuBillOf, soakerNoise } from './cpu-bill.ts';
import { cellFlags, type Growth } from './flags.ts';
import { mergeLatency } from './latency.ts';
import { canaryBands, marksOf } from './marks.ts';
import { openLoopOf } from './open-loop.ts';
import { outliersOf } from './outliers.ts';
import { type CellTrials, groupByCell, inOrder, intervalOver, NO_TRIALS, pairByRound, values } from './rounds.ts';
import { sameButCalls } from './same-cells.ts';
import { lossByTrial, starvesAny } from './starved.ts';

/** What the summary must know of a variant; a backend's declared capabilities have all of it. */
export interface VariantTerms {
  readonly delivers: 'records' | 'counts' | 'nothing';
  readonly detail: 'enter' | 'full' | null;
  readonly regime: 'blocks' | 'drops' | 'neither';
  /** Where it filters; absent: not known. */
  readonly filter?: 'kernel' | 'user' | 'none';
}

type PlanCell = Plan['cells'][number];

/** One cell for each of the plan, in its order, also for those without a single completed trial. */
export function summariseCells(
  plan: Plan,
  trials: readonly TrialResult[],
  variants: ReadonlyMap<string, VariantTerms>,
  { cpusOnline, joint }: { readonly cpusOnline: number; readonly joint: readonly JointResult[] },
): Cell[] {
  const grouped = groupByCell(trials);
  const completed = trials.filter((t) => t.status === 'completed');
  const bands = canaryBands(completed.filter((t) => t.spec.soaked !== true));
  const noise = soakerNoise(completed);
  const starves = starvesAny(plan);
  const of = (cellId: string): CellTrials => grouped.get(cellId) ?? NO_TRIALS;

  return plan.cells.map((planCell): Cell => {
    const { cellId, baselineCellId, trial: asked } = planCell;
    const variant = termsOfBoth(variants, asked);
    if (!variant) throw new TypeError(`cell ${cellId}: no capabilities given for variant ${asked.variant}`);
    const own = of(cellId);
    const counted = inOrder(own);
    const marks = new Map(counted.map((t) => [t, marksOf(t, bands, cpusOnline)]));
    const terms = termsOf(plan, planCell, variant, counted);

    const baseline = baselineCellId === null ? null : of(baselineCellId);
    const pairs = baseline ? pairByRound(own, baseline) : [];
    const perCallPairs = baseline ? pairByRound(own, baseline, nsPerCall) : [];
    const openLoop = openLoopOf(counted);
    const loss = starves && variant.delivers === 'records' ? lossByTrial(counted) : undefined;
    const beside = alongsideOf(plan, planCell, of);
    const bca = pairs.length > 0 ? bcaMedian(logRatios(pairs), { seed: plan.seed }) : null;

    return {
      cellId,
      workload: asked.workload,
      variant: backendName(planCell),
      ...(beside.alongside === undefined ? {} : { alongside: beside.alongside }),
      baselineCellId,
      terms,
      trials: {
        completed: counted.length,
        failed: own.failed.length,
        warmup: own.warmup,
        reconciled: counted.filter((t) => t.accounting.delivers !== 'nothing' && t.accounting.verdict === 'reconciled')
          .length,
        flagged: [...marks.values()].filter((m) => m.size > 0).length,
      },
      perCallNs: intervalOver(values(own, nsPerCall)),
      durationNs: intervalOver(values(own, (t) => t.section?.durationNs ?? t.run.durationNs)),
      slowdown: pairs.length > 0 ? ratioInterval(pairs) : null,
      slowdownBca: bca && mapInterval(bca, Math.exp),
      addedNsPerCall: intervalOver(perCallPairs.map(([traced, bare]) => traced - bare)),
      deliveredFraction: deliveredFraction(counted),
      reportedLossCalls: sumBounds(counted, (a) =>
        a.delivers === 'records' ? a.reportedCalls : a.delivers === 'counts' ? { min: a.missed, max: a.missed } : null,
      ),
      discrepancy:
        asked.workload.kind === 'application'
          ? null
          : sumBounds(counted, (a) => (a.delivers === 'nothing' ? null : a.discrepancy)),
      throughputPerS: intervalOver(values(own, (t) => t.throughputPerS)),
      latency: mergeLatency(counted.map((t) => t.latency).filter((l) => l !== null)),
      openLoop,
      collectorCpuNsPerCall: intervalOver(values(own, collectorCpuPerCall)),
      collectorMaxRssBytes: counted.length === 0 ? null : Math.max(...counted.map((t) => t.collector.maxRssBytes)),
      ...billOf(of(soakedId(cellId)), baselineCellId === null ? null : of(soakedId(baselineCellId)), noise),
      ...(loss === undefined ? {} : { lossByTrial: loss }),
      figureOfMerit: figureOfMerit(own, baseline),
      issuedInJointTrials: variant.delivers === 'nothing' ? null : issuedIn(joint, asked.workload),
      attachNs: variant.delivers === 'nothing' ? null : intervalOver(values(own, (t) => t.attachNs)),
      detachNs: variant.delivers === 'nothing' ? null : intervalOver(values(own, (t) => t.detachNs)),
      flags: [
        ...beside.flags,
        ...cellFlags({
          plan,
          planCell,
          terms,
          trials: own,
          rounds: baseline ? pairs.length : counted.length,
          marks,
          outliers: outliersOf(own, baseline),
          contextDiffers: baseline !== null && contextDiffers(own, baseline),
          growth: growthOf(plan, planCell, of),
          openLoop,
        }),
      ],
    };
  });
}

/** Of two at once those of the first; but where either stops the workload, the workload waits. */
function termsOfBoth(
  variants: ReadonlyMap<string, VariantTerms>,
  { variant, alongside }: PlanCell['trial'],
): VariantTerms | undefined {
  const terms = variants.get(variant);
  const second = alongside && variants.get(alongside.variant);
  return terms && second?.regime === 'blocks' ? { ...terms, regime: 'blocks' } : terms;
}

/** Nothing of a cell that has no soaked one beside it. */
function billOf(soaked: CellTrials, baseline: CellTrials | null, noise: number | null): Pick<Cell, 'cpuBill'> {
  const bill = cpuBillOf(soaked, baseline, noise);
  return bill === null ? {} : { cpuBill: { ...bill, deliveredFraction: deliveredFraction(inOrder(soaked)) } };
}

function termsOf(
  plan: Plan,
  planCell: PlanCell,
  variant: VariantTerms,
  counted: readonly CompletedTrial[],
): Cell['terms'] {
  const asked = planCell.trial;
  const geometry = counted[0]?.geometry ?? null;
  const contexts = new Set(counted.map((t) => t.auditContext));
  const starvation = starvationOf(asked);
  const issued = counted.map(issuedCalls).filter((n) => n !== null);
  return {
    delivers: variant.delivers,
    detail: variant.detail,
    ...(asked.detail === 'paths' ? { paths: true as const } : {}),
    regime: variant.regime,
    filter: asked.filter,
    placement: asked.placement,
    workloadCpus: asked.workloadCpus,
    collectorCpus: asked.collectorCpus,
    wakeup: asked.wakeup,
    wakeupAsked: plan.wakeups.some((wakeup) => wakeupText(wakeup) === wakeupText(asked.wakeup)),
    clock: 'CLOCK_MONOTONIC',
    idle: plan.idle,
    ...(starvation === null ? {} : { starvation }),
    auditContext: contexts.size > 1 ? 'unknown' : ([...contexts][0] ?? asked.auditContext),
    askedBufferBytes: asked.bufferBytes,
    askedCallsInFlight: asked.inFlight,
    geometry,
    // The least of the rounds: a cell is as stressed as its laziest trial.
    stressFactor:
      geometry && geometry.callsInFlight > 0 && issued.length > 0 ? Math.min(...issued) / geometry.callsInFlight : null,
  };
}

/** Calls that went through the buffer; null where they are not known (applications without a truth line). */
function issuedCalls(trial: CompletedTrial): number | null {
  if (trial.accounting.delivers === 'records' && trial.accounting.issued > 0) return trial.accounting.issued;
  return trial.section?.calls ?? null;
}

function deliveredFraction(counted: readonly CompletedTrial[]): number | null {
  let issued = 0;
  let delivered = 0;
  for (const { accounting } of counted) {
    if (accounting.delivers === 'nothing') continue;
    issued += accounting.issued;
    delivered += accounting.delivers === 'records' ? accounting.complete : accounting.counted;
  }
  return issued > 0 ? delivered / issued : null;
}

/**
 * CPU of the drain thread and of the mechanism's kernel threads per call delivered, not per call issued: a collector that drops most of its calls would
 * look cheap by the latter. Counts have no drain worth the name; there the counted calls divide.
 */
function collectorCpuPerCall(trial: CompletedTrial): number | null {
  const { accounting, collector } = trial;
  if (accounting.delivers === 'nothing') return null;
  const calls = accounting.delivers === 'records' ? collector.records : accounting.counted;
  return calls > 0 ? (collector.drainCpuNs + collector.kernelCpuNs) / calls : null;
}

type Bounds = { min: number; max: number };

function sumBounds(
  counted: readonly CompletedTrial[],
  pick: (a: CompletedTrial['accounting']) => Bounds | null,
): Bounds | null {
  const all = counted.map((t) => pick(t.accounting)).filter((b) => b !== null);
  if (all.length === 0) return null;
  return all.reduce((sum, b) => ({ min: sum.min + b.min, max: sum.max + b.max }));
}

function contextDiffers(own: CellTrials, baseline: CellTrials): boolean {
  for (const [round, trial] of own.counted) {
    const other = baseline.counted.get(round);
    if (other && other.auditContext !== trial.auditContext) return true;
  }
  return false;
}

/** Against the same cell at a number of calls smaller by a third or more. */
function growthOf(plan: Plan, planCell: PlanCell, of: (cellId: string) => CellTrials): Growth | null {
  const mine = planCell.trial.workload;
  if (mine.kind !== 'stamped' || mine.pace) return null; // an open loop's time is that of its schedule
  const time = (cellId: string): number | null =>
    intervalOver(values(of(cellId), (t) => t.section?.durationNs ?? null))?.estimate ?? null;
  for (const other of plan.cells) {
    const theirs = other.trial.workload;
    if (theirs.kind !== 'stamped' || theirs.calls * 1.5 > mine.calls || !sameButCalls(planCell, other)) continue;
    const small = time(other.cellId);
    const large = time(planCell.cellId);
    if (small && large) {
      return {
        calls: mine.calls / theirs.calls,
        proportionality: proportionality({ work: theirs.calls, time: small }, { work: mine.calls, time: large }),
      };
    }
  }
  return null;
}
