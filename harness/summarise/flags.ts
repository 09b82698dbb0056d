/** What a reader must know before using a cell's figures, each with what to do about it. */
import { STRESS_FACTOR } from '../plan/buffer.ts';
import type { Pace } from '../plan/pace.ts';
import type { Cell, CompletedTrial, Plan } from '../result.ts';
import { median } from '../statistics/describe.ts';
import { MIN_ROUNDS } from '../statistics/order-interval.ts';
import { mannKendall } from '../statistics/trend.ts';
import { type Change, runCommand } from './command.ts';
import type { Mark } from './marks.ts';
import type { Outlier } from './outliers.ts';
import { type CellTrials, inOrder, values, workTime } from './rounds.ts';

export type Flag = Cell['flags'][number];

/** A blocking backend's section must last at least so long. */
const BLOCKING_SECTION_NS = 200e6;
/** The halves of the baseline may differ by this much before it is called drift. */
const DRIFT = 0.05;
const DRIFT_P = 0.05;

/** time(N)/time(M) may be off N/M by this much. */
const PROPORTIONAL = 0.1;

/** An offered rate counts as held from this share on (DESIGN 3.3). */
export const ACHIEVED_LEAST = 0.99;
const LATE_MOST = 0.01;

/** The cell against itself at fewer calls. */
export interface Growth {
  /** N/M */
  readonly calls: number;
  /** time(N)/time(M) over N/M */
  readonly proportionality: number;
}

export interface FlagInput {
  readonly plan: Plan;
  readonly planCell: Plan['cells'][number];
  readonly terms: Cell['terms'];
  readonly trials: CellTrials;
  /** Paired rounds for a traced cell, counted ones for a baseline. */
  readonly rounds: number;
  readonly marks: ReadonlyMap<CompletedTrial, ReadonlySet<Mark>>;
  readonly outliers: readonly Outlier[];
  /** The baseline ran with another audit context. */
  readonly contextDiffers: boolean;
  /** null where the plan has the cell at one number of calls only. */
  readonly growth: Growth | null;
  readonly openLoop: Cell['openLoop'];
}

export function cellFlags(input: FlagInput): Flag[] {
  const { plan, planCell, terms, trials, rounds, marks } = input;
  const flags: Flag[] = [];
  const flag = (code: string, text: string): void => {
    flags.push({ code, text });
  };
  const again = (change: Change = {}): string => `\`${runCommand(plan, planCell, change)}\``;
  const total = trials.counted.size;
  const marked = (mark: Mark): CompletedTrial[] => inOrder(trials).filter((t) => marks.get(t)?.has(mark));
  const rounded = (list: readonly CompletedTrial[]): string =>
    `${list.length} of ${total} trials (${list.length === 1 ? 'round' : 'rounds'} ${list.map((t) => t.spec.round).join(', ')})`;

  const books = marked('not-reconciled');
  if (books.length > 0) {
    flag(
      'not-reconciled',
      `${rounded(books)}: ${bookReasons(books)}; do not use the loss figures before this is explained`,
    );
  }
  if (trials.failed.length > 0) {
    const codes = [...new Set(trials.failed.map((t) => t.error.code))].join(', ');
    const mend = trials.failed.find((t) => t.error.mend !== null)?.error.mend;
    flag(
      'failed-trials',
      `${trials.failed.length} ${trials.failed.length === 1 ? 'trial' : 'trials'} failed (${codes}: ${trials.failed[0]?.error.message ?? ''}) and left out of its rounds${mend ? `; ${mend}` : `; again with ${again()}`}`,
    );
  }
  const died = marked('target-failed');
  if (died.length > 0) {
    const how = died[0]?.run;
    const exit = how?.signal
      ? `was killed by signal ${how.signal}`
      : `ended with exit code ${how?.exitCode ?? 'unknown'}`;
    flag(
      'target-failed',
      `the target ${exit} in ${rounded(died)}: run it without a tracer first; its times may be those of a failure`,
    );
  }
  if (rounds < MIN_ROUNDS) {
    const what = planCell.baselineCellId === null ? 'rounds' : 'rounds paired with the baseline';
    flag('few-rounds', `${rounds} ${what}: no interval below ${MIN_ROUNDS}; again with ${again({ rounds: 12 })}`);
  }
  const { workload } = planCell.trial;
  // Few of its calls go through the buffer, on purpose.
  const isSelective = workload.kind === 'stamped' && workload.match !== undefined;
  const isClosedLoop = workload.kind === 'stamped' && !workload.pace;
  if (workload.kind === 'stamped' && workload.pace && input.openLoop !== null) {
    for (const { code, text } of openLoopFlags(workload.pace, input.openLoop, terms.regime)) flag(code, text);
  }
  if (
    terms.regime === 'drops' &&
    terms.stressFactor !== null &&
    terms.stressFactor < STRESS_FACTOR &&
    isClosedLoop &&
    !isSelective
  ) {
    flag(
      'not-stressed',
      `the calls filled the buffer ${terms.stressFactor.toPrecision(2)} times, not ${STRESS_FACTOR}: overhead and latency stand, loss and throughput under pressure were not tested; use more calls, or ${again(smallerBudget(planCell, terms.stressFactor / STRESS_FACTOR))}`,
    );
  }
  if (terms.regime === 'blocks' && isClosedLoop) {
    const sections = values(trials, (t) => t.section?.durationNs ?? null);
    const lasted = sections.length > 0 ? median(sections) : null;
    if (lasted !== null && lasted < BLOCKING_SECTION_NS) {
      const calls = Math.ceil((workload.calls * BLOCKING_SECTION_NS * 1.25) / lasted);
      flag(
        'too-short',
        `the section lasted ${(lasted / 1e6).toFixed(0)} ms: a backend that blocks is measured over at least 200 ms; again with ${again({ calls })}`,
      );
    }
  }
  const unequal = terms.geometry && notAsAsked(terms, terms.geometry);
  if (unequal) flag('not-equal', `${unequal}: not on equal terms with cells that got what was asked`);
  const outside = marked('canary-outside');
  if (outside.length > 0) {
    flag(
      'canary-outside',
      `the bare call before ${rounded(outside)} was outside the study's band: the machine was in another state; again on a quiet machine`,
    );
  }
  const stolen = marked('steal');
  if (stolen.length > 0)
    flag(
      'steal',
      `over 1 % of the machine was taken by its hypervisor in ${rounded(stolen)}; again when the host is quiet`,
    );
  const unknown = marked('context-unknown');
  if (unknown.length > 0) {
    flag(
      'context-unknown',
      `whether the target carried an audit context is not known in ${rounded(unknown)}: do not compare with studies of a known state; run as root to have it set`,
    );
  }
  if (input.contextDiffers) {
    flag(
      'context-differs',
      'the baseline ran with another audit context, which alone changes a call by 1.4–1.8 ×: the slowdown is not that of the backend',
    );
  }
  const { growth } = input;
  if (growth && Math.abs(growth.proportionality - 1) > PROPORTIONAL) {
    const grown = (growth.calls * growth.proportionality).toPrecision(3);
    flag(
      'not-proportional',
      `${growth.calls.toPrecision(3)} × the calls take ${grown} × the time: the figures per call depend on the number of calls; use more calls (--calls)`,
    );
  }
  const drift = planCell.baselineCellId === null ? driftOf(trials) : null;
  if (drift !== null) {
    flag(
      'drift',
      `the untraced time moved by ${(drift * 100).toFixed(0)} % from the first to the second half of the rounds: pairing takes most of it out, absolute times are those of no one state; again on a quiet machine`,
    );
  }
  if (input.outliers.length > 0) {
    const what = planCell.baselineCellId === null ? 'time' : 'slowdown';
    flag(
      'outlier-round',
      `${outlierText(input.outliers)} the median ${what} of ${rounds} rounds: something ran beside it; the interval goes by order and hardly moves while such rounds are few, else again with ${again({ rounds: 2 * rounds })}`,
    );
  }
  return flags;
}

/** An open loop that did not keep its schedule was not the load it says it was. */
function openLoopFlags(pace: Pace, openLoop: NonNullable<Cell['openLoop']>, regime: Cell['terms']['regime']): Flag[] {
  const flags: Flag[] = [];
  const achieved = openLoop.achievedPerS.estimate;
  if (achieved < ACHIEVED_LEAST * pace.ratePerS) {
    const whose =
      regime === 'blocks'
        ? 'as much as this backend lets through'
        : 'the limit of the load generator under this backend, or of the machine';
    flags.push({
      code: 'not-achieved',
      text: `${Math.round(achieved)} calls a second were made of ${pace.ratePerS} offered, ${whose}: read it as a cell of the rate achieved; a lower --rate can be held`,
    });
  }
  if (openLoop.lateFraction > LATE_MOST) {
    const what = pace.burstCalls === 1 ? 'calls' : 'bursts';
    flags.push({
      code: 'late',
      text: `${(openLoop.lateFraction * 100).toPrecision(2)} % of the ${what} were sent over 1 µs after they were due, the latest by ${(openLoop.latestNs / 1000).toFixed(0)} µs: the latency from the due time has that in it, the one from the stamp has not`,
    });
  }
  return flags;
}

function outlierText(outliers: readonly Outlier[]): string {
  return outliers.map(({ round, times }) => `round ${round} had ${times.toPrecision(3)} ×`).join(', ');
}

/** A budget that so many calls would stress. */
function smallerBudget({ trial }: Plan['cells'][number], share: number): Change {
  if (trial.inFlight !== null) return { inFlight: Math.max(1, Math.floor(trial.inFlight * share)) };
  return { bufferBytes: 2 ** Math.floor(Math.log2(Math.max(4096, trial.bufferBytes * share))) };
}

/** In what the buffer that was had is not the one that was asked for; null when it is. */
function notAsAsked(
  { askedBufferBytes, askedCallsInFlight: asked }: Cell['terms'],
  { bufferBytes, callsInFlight }: NonNullable<Cell['terms']['geometry']>,
): string | null {
  if (asked === null) {
    if (bufferBytes <= askedBufferBytes) return null;
    return `the mechanism's least buffer is ${bufferBytes} bytes, more than the ${askedBufferBytes} asked for`;
  }
  if (callsInFlight >= asked && callsInFlight < 2 * asked) return null;
  const than = callsInFlight < asked ? 'fewer' : 'twice as many or more';
  return `the buffer within reach of one CPU holds ${callsInFlight} calls where ${asked} were asked for, ${than}`;
}

/** Relative change from the first to the second half of the rounds, when they went one way by more than chance; else null. */
function driftOf(trials: CellTrials): number | null {
  const times = values(trials, workTime);
  if (times.length < MIN_ROUNDS) return null;
  const half = times.length >> 1;
  const before = times.slice(0, half);
  const after = times.slice(times.length - half);
  const change = median(after) / median(before) - 1;
  return Math.abs(change) >= DRIFT && mannKendall(times).pValue <= DRIFT_P ? change : null;
}

function bookReasons(trials: readonly CompletedTrial[]): string {
  const reasons = new Map<string, number>();
  for (const { accounting } of trials) {
    if (accounting.delivers === 'nothing') continue;
    const { min, max } = accounting.discrepancy;
    const size =
      min === max
        ? `${Math.abs(min)}`
        : `${Math.min(Math.abs(min), Math.abs(max))}–${Math.max(Math.abs(min), Math.abs(max))}`;
    const counted = accounting.verdict === 'error' ? 'accounting error' : `${accounting.verdict} by ${size}`;
    const text = [counted, ...accounting.reasons].join(', ');
    reasons.set(text, (reasons.get(text) ?? 0) + 1);
  }
  return [...reasons].map(([text, times]) => (times > 1 ? `${text} (${times} times)` : text)).join('; ');
}
