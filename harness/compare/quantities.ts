/** The values that are compared: one a round, for each quantity of a cell. */
import type { Cell, CompletedTrial, Study } from '../result.ts';
import { nsPerCall, pipeRoundTripNs } from '../result-figures.ts';
import { logRatios } from '../statistics/order-interval.ts';
import { type CellTrials, pairByRound, values, workTime } from '../summarise/rounds.ts';

/** A cell of one study with what belongs to it. */
export interface CellSide {
  readonly study: Study;
  readonly cell: Cell;
  readonly trials: CellTrials;
  /** null for a baseline. */
  readonly baseline: CellTrials | null;
}

/** Untraced time of a call, or of a command, in logarithms. */
export function logTimes({ trials }: CellSide): number[] {
  return values(trials, workTime).map(Math.log);
}

/** Paired with the baseline of the same round, in logarithms. */
export function logSlowdowns({ trials, baseline }: CellSide): number[] {
  return baseline === null ? [] : logRatios(pairByRound(trials, baseline));
}

/** ns per call, paired with the baseline of the same round; none for commands. */
export function addedNs({ trials, baseline }: CellSide): number[] {
  return baseline === null ? [] : pairByRound(trials, baseline, nsPerCall).map(([traced, bare]) => traced - bare);
}

/** 99th percentile of each round's latency, in logarithms of so many ns. */
export function logP99({ trials }: CellSide, unitNs: number): number[] {
  return values(trials, ({ latency }) => (latency && latency.p99Ns > 0 ? Math.log(latency.p99Ns / unitNs) : null));
}

/**
 * The pipe round trip that a wake-up of this cell's collector makes, from the calibrations before and after the rounds;
 * `noise`: how far they lie apart, in logarithms. null where one of the two is missing.
 */
export function roundTrip({ study, cell }: CellSide): { ns: number; noise: number } | null {
  const { before, after } = study.calibration;
  const first = pipeRoundTripNs(before, cell.terms);
  const last = after === null ? null : pipeRoundTripNs(after, cell.terms);
  if (first === null || last === null) return null;
  return { ns: Math.sqrt(first * last), noise: Math.abs(Math.log(last / first)) };
}

/** Calls of one round: how many did not come, and how many of those nobody admits. */
export interface LossOfRound {
  readonly calls: number;
  readonly missing: number;
  /** Proved: the lower bound of missing − reported, where it is above zero. */
  readonly unreported: number;
}

/** Rounds whose accounting ended in an error have no loss to speak of: accountingErrors counts them. */
export function lossesOf({ trials }: CellSide): LossOfRound[] {
  return [...trials.counted.values()].map(lossOf).filter((loss) => loss !== null);
}

export function accountingErrors({ trials }: CellSide): number {
  return [...trials.counted.values()].filter(isError).length;
}

function isError({ accounting }: CompletedTrial): boolean {
  return accounting.delivers !== 'nothing' && accounting.verdict === 'error';
}

function lossOf(trial: CompletedTrial): LossOfRound | null {
  const { accounting, collector } = trial;
  if (accounting.delivers === 'nothing' || isError(trial)) return null;
  const unreported = Math.max(0, accounting.discrepancy.min);
  if (accounting.delivers === 'counts') {
    return { calls: accounting.issued, missing: Math.max(0, accounting.issued - accounting.counted), unreported };
  }
  if (accounting.issued > 0) {
    const missing = accounting.issued - accounting.complete;
    return { calls: accounting.issued, missing: Math.max(0, missing), unreported };
  }
  // A command issues no known number: what came and what the mechanism admits are all there is.
  const missing = accounting.reportedCalls.min;
  return { calls: collector.records + missing, missing, unreported };
}
