/**
 * From the values of both studies to outcomes. A change counts when Mann–Whitney's test, adjusted by Holm over all
 * tests of the comparison, tells it from chance, *and* it is larger than threshold, noise and minimum detectable effect.
 */
import { median } from '../statistics/describe.ts';
import { holm, mannWhitney } from '../statistics/hypothesis.ts';
import { MIN_ROUNDS } from '../statistics/order-interval.ts';
import { leastPValue } from '../statistics/rank-sum.ts';
import { detectableShift, hodgesLehmann } from '../statistics/shift.ts';
import type { Change, Quantity } from './result.ts';

/** Level of the whole comparison. */
export const ALPHA = 0.05;

/** One quantity of one cell, to be tested. Of all of them more is worse. */
export interface Question {
  readonly quantity: Quantity;
  readonly unit: Change['unit'];
  /** log: values are logarithms, changes ratios; linear: values and changes are in the unit. */
  readonly scale: 'log' | 'linear';
  readonly base: readonly number[];
  readonly next: readonly number[];
  /** On the scale of the values. */
  readonly threshold: number;
  readonly noise: number | null;
  /** Not to be judged across the differences of these studies. */
  readonly claimed: boolean;
}

/** In the order of the questions. */
export function judge(questions: readonly Question[]): { changes: Change[]; tests: number } {
  const tested = questions.filter(isTestable);
  const pValues = tested.map(({ base, next }) => mannWhitney(base, next).pValue);
  const adjusted = holm(pValues);
  const changes = questions.map((question): Change => {
    const at = tested.indexOf(question);
    if (at < 0) return untested(question);
    return testedChange(question, pValues[at] as number, adjusted[at] as number, tested.length);
  });
  return { changes, tests: tested.length };
}

function isTestable({ base, next, claimed }: Question): boolean {
  return claimed && base.length >= MIN_ROUNDS && next.length >= MIN_ROUNDS;
}

/** Rounds of each study from which one of so many tests can be significant. */
export function roundsToJudge(tests: number): number {
  let rounds = MIN_ROUNDS;
  while (leastPValue(rounds, rounds) * tests >= ALPHA) rounds++;
  return rounds;
}

function headOf({ quantity, unit, scale, base, next }: Question) {
  const middle = (list: readonly number[]): number | null => {
    if (list.length === 0) return null;
    return scale === 'log' ? Math.exp(median(list)) : median(list);
  };
  return {
    quantity,
    unit,
    base: middle(base),
    next: middle(next),
    rounds: { base: base.length, next: next.length },
    relative: scale === 'log',
    rule: 'test' as const,
  };
}

function untested(question: Question): Change {
  const rounds = Math.min(question.base.length, question.next.length);
  return {
    ...headOf(question),
    change: null,
    pValue: null,
    pHolm: null,
    noise: null,
    minimumDetectableEffect: null,
    bar: null,
    outcome: question.claimed ? 'not judged' : 'not claimed',
    note: question.claimed
      ? `${rounds} rounds in one of the studies, the least that has an interval is ${MIN_ROUNDS}`
      : 'not comparable across the differences at the head',
  };
}

function testedChange(question: Question, pValue: number, pHolm: number, tests: number): Change {
  const { base, next, scale, threshold, noise } = question;
  const shift = hodgesLehmann(base, next);
  const effect = detectableShift(base, next, ALPHA / tests);
  const bar = Math.max(threshold, noise ?? 0, effect ?? 0);
  const shown = (x: number): number => (scale === 'log' ? Math.expm1(x) : x);
  const orNull = (x: number | null): number | null => (x === null ? null : shown(x));
  const head = {
    ...headOf(question),
    change: {
      estimate: shown(shift.estimate),
      low: orNull(shift.low),
      high: orNull(shift.high),
      confidence: shift.confidence,
    },
    pValue,
    pHolm,
    noise: orNull(noise),
    minimumDetectableEffect: orNull(effect),
    bar: shown(bar),
  };
  const significant = pHolm < ALPHA;
  if (significant && Math.abs(shift.estimate) > bar) {
    return { ...head, outcome: shift.estimate > 0 ? 'regression' : 'improvement', note: null };
  }
  if (effect === null && !significant) {
    const wanted = roundsToJudge(tests);
    return {
      ...head,
      outcome: 'not judged',
      note: `of ${tests} tests none of ${base.length} and ${next.length} rounds can be told from chance: run ${wanted} rounds of each`,
    };
  }
  return {
    ...head,
    outcome: 'no change',
    note: significant ? 'more than chance, but below what counts' : null,
  };
}
