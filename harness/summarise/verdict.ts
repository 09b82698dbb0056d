/**
 * The verdict: exactly three sentences with the study's own figures. (1) which backend was cheapest on which workload,
 * those that block told apart from those that drop; (2) whether the books balanced, and where the reference stands;
 * (3) what the study could not tell, and the command that would.
 */
import { type Figure, joined, percent, range, ratioInterval, time, timeInterval } from '../notation.ts';
import { STRESS_FACTOR } from '../plan/buffer.ts';
import type { Cell, Interval, Study, TrialResult } from '../result.ts';
import { backendLabel, wakeupText } from '../result-words.ts';
import { runCommand, workloadLabel } from './command.ts';
import { roundsToRank } from './comparisons.ts';
import { isStarved } from './starved.ts';

/** All of a study but what is still to be said of it. */
export type Facts = Omit<Study, 'verdict' | 'flags'>;

/** From this fraction on a cell counts as having delivered everything when the cheapest is looked for (ε = 0.1 %). */
const LOSSLESS = 0.999;
/** Workloads and cells named one by one; the rest is counted. */
const NAMED = 4;

export function verdictOf(facts: Facts, trials: readonly TrialResult[], reference: string): [string, string, string] {
  // What is said of backends is said of those that were let work; only the books must balance starved as well.
  const fed = { ...facts, cells: facts.cells.filter((cell) => !isStarved(cell)) };
  return [cheapest(fed, trials), books(facts, trials, reference), limits(fed)];
}

// ---------------------------------------------------------------- first sentence

function cheapest(facts: Facts, trials: readonly TrialResult[]): string {
  const begin = facts.complete ? '' : `This study is incomplete (${facts.incompleteReason ?? 'reason not recorded'}): `;
  const sentence = (text: string): string => `${begin}${begin ? text : capital(text)}.`;

  const counted = trials.filter((t) => !t.spec.warmup);
  if (!counted.some((t) => t.status === 'completed')) {
    const codes = tally(counted.map((t) => (t.status === 'failed' ? t.error.code : '')));
    if (counted.length === 0) return sentence('no trial was run, so there is nothing to rank');
    return sentence(`none of the ${counted.length} trials was completed (${codes}), so there is nothing to rank`);
  }
  // Two collectors at once do twice the work: they are not ranked.
  const ranked = facts.cells.filter((c) => c.alongside === undefined && c.slowdown !== null);
  const recording = ranked.filter((c) => c.terms.delivers === 'records');
  if (recording.length > 0) {
    // Never one list: what drops and what blocks, nor what has equal bytes and what has equal calls.
    const parts = [null, facts.plan.inFlight].flatMap((budget, i) => {
      if (i > 0 && budget === null) return [];
      const own = recording.filter((c) => c.terms.askedCallsInFlight === budget);
      const dropping = own.filter((c) => c.terms.regime !== 'blocks');
      const blocking = own.filter((c) => c.terms.regime === 'blocks');
      return [...winners(facts, dropping, DROPPING), ...winners(facts, blocking, BLOCKING)];
    });
    return sentence([...parts, ...soonest(recording)].join('; '));
  }
  const counting = facts.cells.filter((c) => c.terms.delivers === 'counts' && c.slowdown !== null);
  if (counting.length > 0) {
    const clauses = [...groupBy(counting, (c) => c.variant)].map(([name, cells]) => `under ${name} ${took(cells)}`);
    return sentence(`no backend that delivers records was measured, only counts: ${clauses.join('; ')}`);
  }
  const untraced = facts.cells.filter((c) => c.baselineCellId === null && c.trials.completed > 0);
  if (untraced.length === 0) {
    return sentence('no traced trial has a baseline of the same round, so no slowdown can be given');
  }
  const twins = facts.cells.filter((c) => c.terms.delivers === 'nothing' && c.slowdown !== null);
  if (twins.length > 0) {
    const times = twins.map((c) => `${workloadLabel(c.workload)} ${c.slowdown ? ratio(c.slowdown) : ''}`);
    return sentence(`no tracing backend was measured, only the untraced baseline against itself: ${list(times)}`);
  }
  const firsts = [...groupBy(untraced, (c) => workloadLabel(c.workload)).values()].map((all) => all[0] as Cell);
  const times = firsts.map((c) => `${workloadLabel(c.workload)} ${untracedTime(c)}`);
  return sentence(`no tracing backend was measured, only the untraced baseline: ${list(times)}`);
}

interface Kind {
  readonly one: string;
  readonly many: string;
}

const DROPPING: Kind = { one: 'drops records when it falls behind', many: 'drop records when they fall behind' };
const BLOCKING: Kind = { one: 'makes the workload wait', many: 'make the workload wait' };

/**
 * One clause for each backend that is cheapest on some workload, in the order of the workloads. Only full records
 * compete where any backend made them, and only backends that delivered everything where one did: less work is cheap.
 */
function winners(facts: Facts, cells: readonly Cell[], kind: Kind): string[] {
  const full = cells.filter((c) => c.terms.detail === 'full');
  const rivals = full.length > 0 ? full : cells;
  const wins = new Map<string, Cell[]>();
  for (const field of groupBy(rivals, (c) => workloadLabel(c.workload)).values()) {
    const lossless = field.filter((c) => c.deliveredFraction === null || c.deliveredFraction >= LOSSLESS);
    const entrants = lossless.length > 0 ? lossless : field;
    const best = entrants.reduce((a, b) => (slowdown(b) < slowdown(a) ? b : a));
    const tied = entrants.filter((c) => c.variant !== best.variant && isTie(facts, c, best)).map(backendLabel);
    const name = `${backendLabel(best)}${tied.length > 0 ? ` (not told apart from ${list([...new Set(tied)])})` : ''}`;
    wins.set(name, [...(wins.get(name) ?? []), best]);
  }
  const variants = new Set(rivals.map((c) => c.variant)).size;
  const unlike = full.length > 0 && full.length < cells.length;
  const inCalls = rivals.some((c) => c.terms.askedCallsInFlight !== null);
  const sized = inCalls ? ` and ${variants === 1 ? 'has its buffer' : 'have their buffers'} sized in calls` : '';
  const standing =
    variants === 1
      ? `the only one here that ${unlike ? 'records calls in full and ' : ''}${kind.one}${sized}`
      : `the cheapest of the ${variants} that ${unlike ? 'record calls in full and ' : ''}${kind.many}${sized}`;
  return [...wins].map(
    ([name, best], i) => `under ${name}, ${i === 0 ? standing : 'the cheapest of them there'}, ${took(best)}`,
  );
}

/**
 * Whose records were to be had soonest at each pace that was held with nothing lost: by p99 over all rounds, which has no
 * interval. Those that make the workload wait have a clause of their own.
 */
function soonest(cells: readonly Cell[]): string[] {
  const held = cells.filter((c) => c.openLoop && c.latency?.made === 'exit' && (c.deliveredFraction ?? 0) >= LOSSLESS);
  const kept = held.filter((c) => !c.flags.some((f) => f.code === 'not-achieved'));
  return [false, true].flatMap((blocks) => {
    const own = kept.filter((c) => (c.terms.regime === 'blocks') === blocks);
    const best = [...groupBy(own, (c) => workloadLabel(c.workload)).values()].map((field) =>
      field.reduce((a, b) => ((b.latency?.p99Ns ?? 0) < (a.latency?.p99Ns ?? 0) ? b : a)),
    );
    if (best.length === 0) return [];
    const places = best.map((c) => `${time(c.latency?.p99Ns ?? 0)} under ${place(c)}`);
    const whose = blocks ? 'of those that make it wait' : 'of those that do not make the workload wait';
    return `the least p99 latency ${whose} was ${list(places)}`;
  });
}

/** `the work took 2.08× [2.06, 2.09] the untraced time on null and … on file with 100 % delivered on each`. */
function took(cells: readonly Cell[]): string {
  const shares = cells.map(deliveredWords);
  const same = shares.every((s) => s === shares[0]);
  const times = cells.map((c, i) => {
    const multiple = c.slowdown ? ratio(c.slowdown) : 'an unknown multiple of';
    return `${multiple}${i === 0 ? ' the untraced time' : ''} on ${workloadLabel(c.workload)}${same ? '' : ` (${shares[i]})`}`;
  });
  return `the work took ${list(times)}${same ? ` with ${shares[0]}${cells.length > 1 ? ' on each' : ''}` : ''}`;
}

function deliveredWords(cell: Cell): string {
  if (cell.deliveredFraction !== null) {
    return `${percent(cell.deliveredFraction)} ${cell.terms.delivers === 'counts' ? 'counted' : 'delivered'}`;
  }
  const lost = cell.reportedLossCalls;
  if (lost === null) return 'an unknown share delivered';
  return lost.max === 0 ? 'no loss admitted' : `a loss of ${range(lost)} calls admitted`;
}

function slowdown(cell: Cell): number {
  return cell.slowdown?.estimate ?? Number.POSITIVE_INFINITY;
}

function isTie(facts: Facts, a: Cell, b: Cell): boolean {
  const between = facts.comparisons.find(
    (c) => (c.left === a.cellId && c.right === b.cellId) || (c.left === b.cellId && c.right === a.cellId),
  );
  return between === undefined || between.outcome === 'tie';
}

function untracedTime({ perCallNs, durationNs }: Cell): string {
  if (perCallNs) return `${bracketed(perCallNs, timeInterval)} per call`;
  return durationNs ? bracketed(durationNs, timeInterval) : 'not measured';
}

// ---------------------------------------------------------------- second sentence

function books(facts: Facts, trials: readonly TrialResult[], reference: string): string {
  const kept = facts.cells.filter((c) => c.terms.delivers !== 'nothing' && c.workload.kind === 'stamped');
  const total = sum(kept, (c) => c.trials.completed);
  const balanced = sum(kept, (c) => c.trials.reconciled);
  const failed = trials.filter((t) => !t.spec.warmup && t.status === 'failed').length;

  const parts: string[] = [];
  if (total === 0)
    parts.push('there were no books to balance, for no traced trial of a stamped workload was completed');
  else if (balanced === total) {
    parts.push(
      total === 1
        ? 'the books of the one traced trial balanced: every call issued was delivered or admitted as lost'
        : `the books of all ${total} traced trials balanced: every call issued was delivered or admitted as lost`,
    );
  } else {
    const off = kept.filter((c) => c.trials.reconciled < c.trials.completed);
    const named = off.slice(0, NAMED).map((c) => {
      const n = c.trials.completed - c.trials.reconciled;
      return `${place(c)} in ${n} of ${c.trials.completed} trials (${offBy(c)})`;
    });
    parts.push(
      `the books of ${total - balanced} of ${total} traced trials did not balance: ${list(named, off.length)}`,
    );
  }
  if (failed > 0)
    parts.push(`${failed} ${failed === 1 ? 'trial' : 'trials'} failed and ${failed === 1 ? 'is' : 'are'} left out`);
  parts.push(standing(facts, kept, reference));
  return `${capital(parts.join('; '))}.`;
}

function offBy(cell: Cell): string {
  const d = cell.discrepancy;
  if (d === null) return 'by an unknown number of calls';
  if (d.min > 0) return `${range(d)} calls lost silently`;
  if (d.max < 0) return `${range({ min: -d.max, max: -d.min })} calls reported lost that were not`;
  return 'an accounting error, not a loss';
}

function standing(facts: Facts, kept: readonly Cell[], reference: string): string {
  const name = `the reference collector ${reference}`;
  const row = facts.backends.find((b) => b.variant === reference);
  if (row && row.answer === 'no') {
    const { wakeups } = facts.plan;
    const how = wakeups.length === 0 ? '' : ` with wake-up ${wakeups.map(wakeupText).join(' or ')}`;
    return `${name} cannot run here${how}, so no backend was held against it`;
  }
  const cells = kept.filter((c) => c.variant === reference && c.trials.completed > 0 && !isStarved(c));
  if (cells.length === 0) return `${name} was not measured, so no backend was held against it`;
  const off = cells.filter((c) => c.trials.reconciled < c.trials.completed);
  if (off.length > 0) return `${name} is itself in doubt on ${list(workloadsOf(off))}`;
  const least = Math.min(...cells.map((c) => c.deliveredFraction ?? 0));
  const admitted = least < 1 ? ', having admitted the rest as lost' : '';
  return `${name} stands, having delivered ${least < 1 ? 'at least ' : ''}${percent(least)} of what was issued on ${list(workloadsOf(cells))}${admitted}${besideIt(facts)}`;
}

/** Each once, whatever the budgets. */
function workloadsOf(cells: readonly Cell[]): string[] {
  return [...new Set(cells.map((c) => workloadLabel(c.workload)))];
}

/** What the joint trials say of the others. */
function besideIt({ joint }: Facts): string {
  if (joint.length === 0) return '';
  const agreed = joint.filter((j) => j.status === 'completed' && j.verdict.startsWith('equal'));
  if (agreed.length === joint.length) {
    return `, and on the same process every other backend told the same, call by call, in ${joint.length === 1 ? 'the one joint trial' : `all ${joint.length} joint trials`}`;
  }
  const off = joint
    .filter((j) => !agreed.includes(j))
    .map((j) => `${j.spec.variant} on ${workloadLabel(j.spec.workload)}`);
  return `, but on the same process it is not confirmed by ${list(off.slice(0, NAMED), off.length)}`;
}

// ---------------------------------------------------------------- third sentence

function limits(facts: Facts): string {
  const { noise, plan } = facts;
  const untold: string[] = [];
  const more = (rounds: number): string => `\`${runCommand(plan, null, { rounds })}\``;

  const needed = undecided(facts);
  if (noise) {
    const floor = `changes of the time per call below ${percent(noise.minimumDetectableEffect)}`;
    const baseline = `the baseline is known to ± ${percent(noise.baselineHalfWidth)}`;
    const alone = needed === null && facts.notMeasured.length === 0;
    untold.push(`${floor} (${baseline}${alone ? `; ${more(2 * plan.rounds)} would see smaller ones` : ''})`);
  } else
    untold.push(`how large its own noise is, for want of 6 rounds of a baseline (${more(Math.max(12, plan.rounds))})`);

  if (needed !== null)
    untold.push(`which backend is faster where it says tie, which takes ${needed} rounds (${more(needed)})`);
  const unstressed = facts.cells.filter((c) => c.flags.some((f) => f.code === 'not-stressed'));
  if (unstressed.length > 0) {
    const where = [...groupBy(unstressed, (c) => workloadLabel(c.workload))].map(
      ([label, cells]) => `${list(cells.map(backendLabel))} on ${label}`,
    );
    untold.push(`what is lost under pressure by ${list(where)}, with less than ${STRESS_FACTOR} buffers of calls made`);
  }
  if (facts.notMeasured.length > 0) {
    untold.push(`what it did not measure: ${list(facts.notMeasured.map((n) => `${n.what} (\`${n.command}\`)`))}`);
  }
  return `It could not tell ${untold.join(', nor ')}.`;
}

/** Rounds that would let every pair of the largest family be told apart, when this study's cannot; else null. */
function undecided(facts: Facts): number | null {
  let needed: number | null = null;
  for (const family of groupBy(facts.comparisons, (c) => c.workload).values()) {
    const wanted = roundsToRank(family.length);
    if (family.some((c) => c.outcome === 'tie' && c.ratio.n < wanted)) needed = Math.max(needed ?? 0, wanted);
  }
  return needed;
}

// ---------------------------------------------------------------- words and figures

function place(cell: Cell): string {
  return `${backendLabel(cell)} on ${workloadLabel(cell.workload)}`;
}

function capital(text: string): string {
  // Names of backends stay as they are typed; only words of ours begin sentences.
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** a, b and c; `of`: how many there are when only some are named. */
function list(items: readonly string[], of = items.length): string {
  const shown = items.slice(0, NAMED);
  const rest = Math.max(of, items.length) - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

function tally(codes: readonly string[]): string {
  const times = groupBy(codes, (c) => c);
  return [...times].map(([code, all]) => `${all.length} × ${code}`).join(', ');
}

function sum(cells: readonly Cell[], value: (cell: Cell) => number): number {
  return cells.reduce((total, cell) => total + value(cell), 0);
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item)) ?? [];
    groups.set(key(item), group);
    group.push(item);
  }
  return groups;
}

/** An interval as the reports write it; where there is none, of how many rounds the estimate is. */
function bracketed(interval: Interval, figure: (interval: Interval) => Figure): string {
  if (interval.low !== null && interval.high !== null) return joined(figure(interval));
  const { n } = interval;
  return `${figure(interval).main} (no interval, ${n} ${n === 1 ? 'round' : 'rounds'})`;
}

function ratio(interval: Interval): string {
  return bracketed(interval, ratioInterval);
}
