/**
 * Claims against a study's own cells. An interval decides or nothing does; and because a tracer that drops looks cheap, one
 * wins only where it would also if the calls it lost had cost nothing and its cost were that of the rest.
 */
import { percent } from '../notation.ts';
import { STRESS_FACTOR } from '../plan/buffer.ts';
import type { Calibration, Cell, CompletedTrial, Interval, JudgedClaim, Plan, TrialResult } from '../result.ts';
import { nsPerCall, pipeRoundTripNs } from '../result-figures.ts';
import { orderInterval } from '../statistics/order-interval.ts';
import { type CellTrials, groupByCell, NO_TRIALS } from '../summarise/rounds.ts';
import { type Claim, claims as known, type Rule } from './claims.ts';

/** Lost calls below this share are no loss to speak of. */
const NO_LOSS = 0.001;
/** Of nothing but calls: what a mechanism adds stands out most. */
const WORKLOAD = 'null';

const DIFFERENT_EVENTS = 'hits of a probe and stops at system calls are different events';

export interface Evidence {
  readonly plan: Plan;
  readonly cells: readonly Cell[];
  readonly trials: readonly TrialResult[];
  readonly calibration: Calibration;
}

type Judgement = Pick<JudgedClaim, 'outcome' | 'figures' | 'reason'>;
type Figure = JudgedClaim['figures'][number];

export function judgeClaims(evidence: Evidence, claims: readonly Claim[] = known): JudgedClaim[] {
  const grouped = groupByCell(evidence.trials);
  const court: Court = { ...evidence, of: (cellId) => grouped.get(cellId) ?? NO_TRIALS };
  return claims.map(({ id, text, source, rule }) => ({ id, text, source, ...judge(rule, court) }));
}

interface Court extends Evidence {
  readonly of: (cellId: string) => CellTrials;
}

function judge(rule: Rule, court: Court): Judgement {
  switch (rule.kind) {
    case 'cheaper':
      return cheaper(rule, court);
    case 'cheaper when few match':
      return cheaperWhenFewMatch(rule, court);
    case 'a switch per call':
      return switchPerCall(rule, court);
    case 'slow and lossy':
      return slowAndLossy(rule, court);
    case 'slowdown of applications':
      return slowdownOfApplications(rule, court);
    case 'as dear':
      return asDear(rule, court);
  }
}

function untold(reason: string, figures: Figure[] = []): Judgement {
  return { outcome: 'cannot be told', figures, reason };
}

/** The command that makes the cells: variants, workload, and what else is said. */
function needs(variants: readonly string[], workload: string, more = ''): string {
  return `needs \`./tracebench run --backends none,${variants.join(',')} --workloads ${workload}${more}\``;
}

/** The stamped cell of a variant; where a study has one for each budget, that of the bytes. */
function cellOf(court: Court, variant: string, workload = WORKLOAD): Cell | null {
  const cells = court.cells.filter(
    (c) =>
      c.variant === variant &&
      c.workload.kind === 'stamped' &&
      c.workload.name === workload &&
      c.workload.threads === 1 &&
      c.openLoop === null &&
      c.trials.completed > 0,
  );
  return cells.find((c) => c.terms.askedCallsInFlight === null) ?? cells[0] ?? null;
}

type ByRound = ReadonlyMap<number, number>;

/** ns a call beyond the untraced trial of the same round: as measured, and as if the calls that were lost had cost nothing. */
function addedByRound(court: Court, cell: Cell): { measured: ByRound; charged: ByRound } {
  const bare = cell.baselineCellId === null ? NO_TRIALS : court.of(cell.baselineCellId);
  const measured = new Map<number, number>();
  const charged = new Map<number, number>();
  for (const [round, trial] of court.of(cell.cellId).counted) {
    const other = bare.counted.get(round);
    const [traced, untraced] = [nsPerCall(trial), other ? nsPerCall(other) : null];
    const share = deliveredShare(trial);
    if (traced === null || untraced === null || share === null || share === 0) continue;
    measured.set(round, traced - untraced);
    charged.set(round, (traced - untraced) / share);
  }
  return { measured, charged };
}

function deliveredShare({ accounting }: CompletedTrial): number | null {
  if (accounting.delivers === 'nothing' || accounting.issued === 0) return null;
  return (accounting.delivers === 'records' ? accounting.complete : accounting.counted) / accounting.issued;
}

function addedFigure(cell: Cell): Figure[] {
  return cell.addedNsPerCall === null
    ? []
    : [{ what: cell.variant, unit: 'ns/call', interval: cell.addedNsPerCall, delivered: cell.deliveredFraction }];
}

/** left − factor × right, paired by round. null without a common round. */
function difference(left: ByRound, right: ByRound, factor: number): Interval | null {
  const both = [...left].flatMap(([round, value]) => {
    const other = right.get(round);
    return other === undefined ? [] : [value - factor * other];
  });
  return both.length === 0 ? null : orderInterval(both);
}

type Answer = { readonly outcome: JudgedClaim['outcome']; readonly reason: string | null };

/** Whether left adds less than factor × right. Who is to win is charged for what it lost, and the other is not. */
function compare(court: Court, left: Cell, right: Cell, factor: number): Answer {
  const [ours, theirs] = [addedByRound(court, left), addedByRound(court, right)];
  const plain = difference(ours.measured, theirs.measured, factor);
  const names = `${left.variant} and ${right.variant}`;

  if (plain === null || plain.low === null || plain.high === null)
    return { outcome: 'cannot be told', reason: `${names}: fewer than 6 rounds have both` };
  if ((difference(ours.charged, theirs.measured, factor)?.high ?? 0) < 0) return { outcome: 'holds', reason: null };
  if ((difference(ours.measured, theirs.charged, factor)?.low ?? 0) > 0)
    return { outcome: 'does not hold', reason: `not against ${right.variant}` };
  if (plain.low <= 0 && plain.high >= 0)
    return { outcome: 'cannot be told', reason: `${names} do not differ beyond their noise` };
  const winner = plain.high < 0 ? left : right;
  return {
    outcome: 'cannot be told',
    reason: `${winner.variant} may be cheaper only because it delivers ${winner.deliveredFraction === null ? 'less' : percent(winner.deliveredFraction)}`,
  };
}

/** One that does not hold refutes; all must hold to prove. */
function all(answers: readonly Answer[], figures: Figure[]): Judgement {
  const refuting = answers.filter((a) => a.outcome === 'does not hold');
  const open = answers.filter((a) => a.outcome === 'cannot be told');
  const deciding = refuting.length > 0 ? refuting : open;
  return {
    outcome: refuting.length > 0 ? 'does not hold' : open.length > 0 ? 'cannot be told' : 'holds',
    figures,
    reason: deciding.map((a) => a.reason).join('; ') || null,
  };
}

function cheaper(rule: Extract<Rule, { kind: 'cheaper' }>, court: Court): Judgement {
  const left = cellOf(court, rule.left);
  const right = rule.right.map((variant) => cellOf(court, variant)).filter((cell) => cell !== null);
  const figures = [left, ...right].flatMap((cell) => (cell === null ? [] : addedFigure(cell)));

  if (left === null || right.length < rule.right.length)
    return untold(needs([rule.left, ...rule.right], WORKLOAD), figures);
  return all(
    right.map((cell) => compare(court, left, cell, rule.factor)),
    figures,
  );
}

/** Of the calls that a filtered trial made, those that passed; null where the mechanism or the workload does not tell. */
function matching({ accounting, section }: CompletedTrial): number | null {
  return accounting.delivers === 'records' && section !== null && section.calls > 0
    ? accounting.issued / section.calls
    : null;
}

function cheaperWhenFewMatch(rule: Extract<Rule, { kind: 'cheaper when few match' }>, court: Court): Judgement {
  const { workload, factor } = rule;
  const left = cellOf(court, rule.left, workload);
  const right = cellOf(court, rule.right, workload);

  if (left === null || right === null || court.plan.filter === null)
    return untold(needs([rule.right, rule.left], workload, ' -e CALLS'));
  const shares = [...court.of(left.cellId).counted.values()].map(matching);
  if (shares.some((share) => share === null || share > rule.matching))
    return untold(
      `more than ${rule.matching * 100} % of the calls pass the filter: ${needs([rule.right, rule.left], workload, ' -e CALLS')}`,
    );
  const figures = [...addedFigure(left), ...addedFigure(right)];
  const answer = compare(court, left, right, factor);
  if (answer.outcome !== 'does not hold') return { ...answer, figures };
  return { ...answer, figures, reason: `${rule.left} adds more than ${factor * 100} % of what ${rule.right} adds` };
}

/** As `cheaper`, the other way round: who would be refuted by being cheap is charged for what it lost. */
function asDear(rule: Extract<Rule, { kind: 'as dear' }>, court: Court): Judgement {
  const left = rule.left.map((variant) => cellOf(court, variant, rule.workload)).filter((cell) => cell !== null);
  const right = cellOf(court, rule.right);
  const figures = [...left, ...(right === null ? [] : [right])].flatMap(addedFigure);

  if (right === null || left.length < rule.left.length)
    return untold(needs([...rule.left, rule.right], `${rule.workload},${WORKLOAD}`), figures);
  const answers = left.map((cell): Answer => {
    const answer = compare(court, cell, right, rule.factor);
    if (answer.outcome === 'does not hold') return { outcome: 'holds', reason: null };
    if (answer.outcome === 'cannot be told') return answer;
    const share = `${rule.factor * 100} %`;
    return {
      outcome: 'does not hold',
      reason: `${cell.variant} adds less than ${share} of what ${right.variant} adds`,
    };
  });
  const judged = all(answers, figures);
  const dear = left.filter((_, i) => answers[i]?.outcome === 'holds').map((cell) => cell.variant);
  const exception = judged.outcome !== 'holds' && dear.length > 0 ? [`${dear.join(', ')} adds as much`] : [];
  const reasons = [...(judged.reason === null ? [] : [judged.reason]), ...exception, DIFFERENT_EVENTS];
  return { ...judged, reason: reasons.join('; ') };
}

function switchPerCall(rule: Extract<Rule, { kind: 'a switch per call' }>, court: Court): Judgement {
  const cell = cellOf(court, rule.variant);
  if (cell === null || cell.addedNsPerCall === null) return untold(needs([rule.variant], WORKLOAD));
  const roundTripNs = pipeRoundTripNs(court.calibration, cell.terms);
  if (roundTripNs === null) return untold('no pipe round trip was measured on its CPUs', addedFigure(cell));
  const one = roundTripNs / 2;
  const { low, high } = cell.addedNsPerCall;
  const scaled = (ns: number | null): number | null => (ns === null ? null : ns / one);
  const interval = {
    ...cell.addedNsPerCall,
    estimate: cell.addedNsPerCall.estimate / one,
    low: scaled(low),
    high: scaled(high),
  };
  const figures: Figure[] = [
    { what: cell.variant, unit: 'switches/call', interval, delivered: cell.deliveredFraction },
  ];
  if (interval.low === null || interval.high === null) return untold('fewer than 6 rounds', figures);
  if (interval.low >= 1) return { outcome: 'holds', figures, reason: null };
  if (interval.high < 1) return { outcome: 'does not hold', figures, reason: 'a call costs less than one' };
  return untold('its interval has one in it', figures);
}

function slowdownFigure(cell: Cell): Figure[] {
  return cell.slowdown === null
    ? []
    : [
        {
          what: cell.workload.kind === 'application' ? `${cell.variant} on ${cell.workload.name}` : cell.variant,
          unit: '×',
          interval: cell.slowdown,
          delivered: cell.deliveredFraction,
        },
      ];
}

function slowAndLossy(rule: Extract<Rule, { kind: 'slow and lossy' }>, court: Court): Judgement {
  const cell = cellOf(court, rule.variant);

  if (cell === null || cell.slowdown === null || cell.deliveredFraction === null)
    return untold(needs([rule.variant], WORKLOAD));
  const figures = slowdownFigure(cell);
  const { low, high } = cell.slowdown;
  const stressed = cell.terms.stressFactor !== null && cell.terms.stressFactor >= STRESS_FACTOR;
  if (low === null || high === null) return untold('fewer than 6 rounds', figures);
  if (high <= rule.slowdown) return { outcome: 'does not hold', figures, reason: 'it is no hit' };
  if (low <= rule.slowdown) return untold(`its slowdown may be below ${rule.slowdown}`, figures);
  if (cell.deliveredFraction < 1 - NO_LOSS) return { outcome: 'holds', figures, reason: null };
  return stressed
    ? { outcome: 'does not hold', figures, reason: 'a hit, and nothing was lost' }
    : untold('a hit; nothing was lost, and its buffer was not stressed', figures);
}

function slowdownOfApplications(rule: Extract<Rule, { kind: 'slowdown of applications' }>, court: Court): Judgement {
  const cells = court.cells.filter(
    (c) => c.variant === rule.variant && c.workload.kind === 'application' && c.slowdown !== null,
  );
  const figures = cells.flatMap(slowdownFigure);

  if (cells.length === 0)
    return untold(`needs an application: \`./tracebench run --backends none,${rule.variant} -- CMD\``);
  return all(
    cells.map(({ workload, slowdown }): Answer => {
      const { low, high } = slowdown ?? { low: null, high: null };
      if (low === null || high === null) return { outcome: 'cannot be told', reason: 'fewer than 6 rounds' };
      if (high < rule.least || low > rule.most)
        return { outcome: 'does not hold', reason: `not ${rule.least} to ${rule.most} on ${workload.name}` };
      if (low >= rule.least && high <= rule.most) return { outcome: 'holds', reason: null };
      return { outcome: 'cannot be told', reason: `its interval on ${workload.name} reaches beyond` };
    }),
    figures,
  );
}
