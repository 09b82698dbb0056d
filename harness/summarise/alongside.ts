/** A cell of two collectors → what the pair costs beside what each costs alone, and the books of the second. */
import { starvationOf } from '../plan/starvation.ts';
import type { Alongside, CompletedTrial, Plan } from '../result.ts';
import { isUnbalanced } from '../result-figures.ts';
import { wakeupText } from '../result-words.ts';
import { orderInterval } from '../statistics/order-interval.ts';
import { addedByRound, type CellTrials, inOrder } from './rounds.ts';
import { workloadKey } from './same-cells.ts';

type PlanCell = Plan['cells'][number];
type Terms = Pick<PlanCell['trial'], 'variant' | 'bufferBytes' | 'wakeup'>;

/** undefined: one collector. */
export function alongsideOf(
  plan: Plan,
  pair: PlanCell,
  of: (cellId: string) => CellTrials,
): { alongside?: Alongside; flags: { code: string; text: string }[] } {
  const { trial } = pair;
  if (trial.alongside === undefined) return { flags: [] };
  const first = aloneOn(plan, pair, trial);
  const second = aloneOn(plan, pair, trial.alongside);
  const over = overSum(pair, [first, second], of);
  const counted = inOrder(of(pair.cellId));
  const alongside: Alongside = {
    first: trial.variant,
    second: trial.alongside.variant,
    aloneCellIds: { first: first?.cellId ?? null, second: second?.cellId ?? null },
    overSumNs: typeof over === 'string' ? null : orderInterval(over),
    overSumReason: typeof over === 'string' ? over : null,
    ...booksOf(counted),
  };
  return { alongside, flags: flagsOf(alongside, counted) };
}

/** The cell in which it has the target to itself, on the terms it has in the pair. */
function aloneOn(plan: Plan, pair: PlanCell, { variant, bufferBytes, wakeup }: Terms): PlanCell | null {
  const alone = plan.cells.find(
    ({ baselineCellId, trial }) =>
      baselineCellId !== null &&
      trial.alongside === undefined &&
      starvationOf(trial) === null &&
      trial.variant === variant &&
      trial.bufferBytes === bufferBytes &&
      wakeupText(trial.wakeup) === wakeupText(wakeup) &&
      workloadKey(trial.workload) === workloadKey(pair.trial.workload),
  );
  return alone ?? null;
}

/** By round: added by the pair less what the two add alone, ns per call; or why there is none. */
function overSum(
  pair: PlanCell,
  alone: readonly (PlanCell | null)[],
  of: (cellId: string) => CellTrials,
): number[] | string {
  const added = ({ cellId, baselineCellId }: PlanCell) => addedByRound(of(cellId), of(baselineCellId ?? ''));
  const parts: Map<number, number>[] = [];
  for (const cell of alone) {
    if (cell === null) return 'the study has no cell of each alone';
    if (cell.trial.auditContext !== pair.trial.auditContext)
      return `${cell.cellId} runs without audit's context, the pair with it`;
    parts.push(added(cell));
  }
  const rounds = [...added(pair)].flatMap(([round, both]) => {
    const sum = parts.reduce((total, part) => total + (part.get(round) ?? Number.NaN), 0);
    return Number.isNaN(sum) ? [] : [both - sum];
  });
  return rounds.length > 0 ? rounds : 'no round has a time per call of all three';
}

function booksOf(
  counted: readonly CompletedTrial[],
): Pick<Alongside, 'deliveredFraction' | 'discrepancy' | 'reconciled'> {
  let issued = 0;
  let delivered = 0;
  let reconciled = 0;
  const discrepancy = { min: 0, max: 0 };
  for (const { alongside } of counted) {
    const accounting = alongside?.accounting;
    if (accounting === undefined || accounting.delivers === 'nothing') continue;
    issued += accounting.issued;
    delivered += accounting.delivers === 'records' ? accounting.complete : accounting.counted;
    discrepancy.min += accounting.discrepancy.min;
    discrepancy.max += accounting.discrepancy.max;
    if (accounting.verdict === 'reconciled') reconciled++;
  }
  // An application's calls nobody counted.
  return issued > 0
    ? { deliveredFraction: delivered / issued, discrepancy, reconciled }
    : { deliveredFraction: null, discrepancy: null, reconciled };
}

function flagsOf({ second }: Alongside, counted: readonly CompletedTrial[]): { code: string; text: string }[] {
  const wrong = counted.flatMap(({ spec, alongside }) => {
    const accounting = alongside?.accounting;
    if (accounting === undefined || !isUnbalanced(accounting)) return [];
    if (spec.workload.kind === 'application' && accounting.verdict !== 'error') return [];
    return [
      `round ${spec.round} ${accounting.verdict}${accounting.reasons.length > 0 ? ` (${accounting.reasons[0]})` : ''}`,
    ];
  });
  if (wrong.length === 0) return [];
  return [
    {
      code: 'alongside-books',
      text: `the books of ${second}, the second collector, do not balance: ${wrong.join('; ')}`,
    },
  ];
}
