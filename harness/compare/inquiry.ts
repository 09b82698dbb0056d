/** What is asked of every pair of cells: the questions that are tested, and what a rule decides without a test. */
import type { Cell, Study } from '../result.ts';
import { median } from '../statistics/describe.ts';
import { type CellTrials, groupByCell, NO_TRIALS } from '../summarise/rounds.ts';
import { notClaimed } from './differences.ts';
import type { Question } from './judge.ts';
import type { LoadedStudy } from './load.ts';
import type { CellPair } from './match.ts';
import { aaNoise, machineShift } from './noise.ts';
import {
  accountingErrors,
  addedNs,
  type CellSide,
  type LossOfRound,
  logP99,
  logSlowdowns,
  logTimes,
  lossesOf,
  roundTrip,
} from './quantities.ts';
import type { Change, Difference, Quantity } from './result.ts';
import { newErrors, newLoss, newUnreported } from './rules.ts';

export interface CompareOptions {
  /** Relative change of a time below which nothing counts: 0.05. */
  readonly threshold: number;
  /** Change of a share of calls below which nothing counts: 0.001. */
  readonly lossThreshold: number;
  /** Compare in spite of differences, and mark them. */
  readonly across: boolean;
  readonly requireSameCells: boolean;
}

export class Inquiry {
  readonly #base: LoadedStudy;
  readonly #next: LoadedStudy;
  readonly #trials: readonly [ReadonlyMap<string, CellTrials>, ReadonlyMap<string, CellTrials>];
  readonly #notClaimed: ReadonlySet<Quantity>;
  readonly #otherMachine: boolean;
  /** Of the machine between the studies; 0 across kernels, where a slower bare call is a finding. */
  readonly #machineShift: number;
  readonly #options: CompareOptions;

  constructor(base: LoadedStudy, next: LoadedStudy, differences: readonly Difference[], options: CompareOptions) {
    this.#base = base;
    this.#next = next;
    this.#trials = [groupByCell(base.trials), groupByCell(next.trials)];
    this.#notClaimed = notClaimed(differences);
    this.#otherMachine = differences.some(({ kind }) => kind === 'machine');
    this.#machineShift = differences.some(({ kind }) => kind === 'machine' || kind === 'kernel')
      ? 0
      : (machineShift(base.trials, next.trials) ?? 0);
    this.#options = options;
  }

  /** `decided`: by a rule, without a test. */
  ask(pair: CellPair): { pair: CellPair; questions: Question[]; decided: Change[] } {
    const base = this.#side(this.#base.study, this.#trials[0], pair.base);
    const next = this.#side(this.#next.study, this.#trials[1], pair.next);
    if (pair.next.baselineCellId === null) return { pair, questions: [this.#time(base, next)], decided: [] };
    const questions = [this.#slowdown(base, next), ...this.#added(base, next), ...this.#latency(base, next)];
    const losses = this.#losses(base, next);
    return { pair, questions: [...questions, ...losses.questions], decided: losses.decided };
  }

  #side(study: Study, grouped: ReadonlyMap<string, CellTrials>, cell: Cell): CellSide {
    const of = (cellId: string): CellTrials => grouped.get(cellId) ?? NO_TRIALS;
    return { study, cell, trials: of(cell.cellId), baseline: (cell.baselineCellId && of(cell.baselineCellId)) || null };
  }

  #time(base: CellSide, next: CellSide): Question {
    return {
      ...this.#timed('time', 'ns'),
      base: logTimes(base),
      next: logTimes(next),
      noise: Math.max(this.#aaNoise(base, next) ?? 0, this.#machineShift),
    };
  }

  #slowdown(base: CellSide, next: CellSide): Question {
    return {
      ...this.#timed('slowdown', 'ratio'),
      base: logSlowdowns(base),
      next: logSlowdowns(next),
      noise: this.#aaNoise(base, next),
    };
  }

  #added(base: CellSide, next: CellSide): Question[] {
    const [before, after] = [addedNs(base), addedNs(next)];
    if (before.length === 0 || after.length === 0) return [];
    const size = Math.abs(median(before));
    const bareNs = base.baseline === null ? 0 : Math.exp(median(logTimes({ ...base, trials: base.baseline })));
    // Noise of the baseline is noise of the difference, in ns; a machine that moved moves both by the same share.
    const aa = Math.expm1(this.#aaNoise(base, next) ?? 0) * bareNs;
    return [
      {
        quantity: 'added',
        unit: 'ns',
        scale: 'linear',
        base: before,
        next: after,
        threshold: this.#options.threshold * size,
        noise: Math.max(aa, Math.expm1(this.#machineShift) * size),
        claimed: this.#claimed('added'),
      },
    ];
  }

  #latency(base: CellSide, next: CellSide): Question[] {
    const made = (side: CellSide) => side.cell.latency?.made;
    if (made(base) === undefined || made(base) !== made(next)) return [];
    if (this.#otherMachine) return [this.#latencyInRoundTrips(base, next)];
    const [before, after] = [logP99(base, 1), logP99(next, 1)];
    return [{ ...this.#timed('p99', 'ns'), base: before, next: after, noise: this.#machineShift }];
  }

  /** The unit is a measurement too, and no surer than its two calibrations agree. */
  #latencyInRoundTrips(base: CellSide, next: CellSide): Question {
    const [before, after] = [roundTrip(base), roundTrip(next)];
    return {
      ...this.#timed('p99', 'pipe round trips'),
      base: before ? logP99(base, before.ns) : [],
      next: after ? logP99(next, after.ns) : [],
      noise: (before?.noise ?? 0) + (after?.noise ?? 0),
      claimed: before !== null && after !== null,
    };
  }

  #losses(base: CellSide, next: CellSide): { questions: Question[]; decided: Change[] } {
    const [before, after] = [lossesOf(base), lossesOf(next)];
    const errors = newErrors(
      { errors: accountingErrors(base), trials: base.trials.counted.size },
      { errors: accountingErrors(next), trials: next.trials.counted.size },
    );
    if (before.length === 0 || after.length === 0) return { questions: [], decided: errors ? [errors] : [] };
    const loss = newLoss(before, after, this.#options.lossThreshold);
    const unreported = newUnreported(before, after);
    return {
      questions: [
        ...(loss ? [] : [this.#shares('loss', before, after)]),
        ...(unreported ? [] : [this.#shares('unreported', before, after)]),
      ],
      decided: [loss, unreported, errors].filter((change) => change !== null),
    };
  }

  #shares(quantity: 'loss' | 'unreported', base: readonly LossOfRound[], next: readonly LossOfRound[]): Question {
    const share = (round: LossOfRound): number => {
      const lost = quantity === 'loss' ? round.missing : round.unreported;
      return round.calls === 0 ? 0 : lost / round.calls;
    };
    return {
      quantity,
      unit: 'fraction',
      scale: 'linear',
      base: base.map(share),
      next: next.map(share),
      threshold: this.#options.lossThreshold,
      noise: null,
      claimed: this.#claimed(quantity),
    };
  }

  #timed(
    quantity: Quantity,
    unit: Change['unit'],
  ): Pick<Question, 'quantity' | 'unit' | 'scale' | 'threshold' | 'claimed'> {
    const threshold = Math.log1p(this.#options.threshold);
    return { quantity, unit, scale: 'log', threshold, claimed: this.#claimed(quantity) };
  }

  #claimed(quantity: Quantity): boolean {
    return !this.#notClaimed.has(quantity);
  }

  /** The larger of both studies'. */
  #aaNoise(base: CellSide, next: CellSide): number | null {
    const noises = [base, next].map(({ study, cell }, i) =>
      aaNoise(study, this.#trials[i as 0 | 1], cell.baselineCellId ?? cell.cellId),
    );
    const known = noises.filter((noise) => noise !== null);
    return known.length === 0 ? null : Math.max(...known);
  }
}
