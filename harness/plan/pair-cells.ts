/** Cells of two collectors at once. */
import type { WorkloadSpec } from '../result.ts';
import { wakeupText } from '../result-words.ts';
import type { Baselines } from './baselines.ts';
import { type ExpandedCell, makeCell, needsAuditContext, slug, workloadSpec } from './cell.ts';
import { predictedMs } from './cell-calls.ts';
import type { AskedWorkload, Budget, CellRequest } from './cell-request.ts';
import { budgetsOf, wakeupsOf } from './cell-terms.ts';
import { addedBy } from './costs.ts';
import { type Pair, pairId } from './pairs.ts';
import { placementOf, secondPlace } from './place.ts';

/** Each with the buffer and wake-up it has alone, as many calls as stress the one that needs more of them. */
export function pairCells(
  request: CellRequest,
  workload: AskedWorkload,
  { first, second }: Pair,
  baselines: Baselines,
  notes: Set<string>,
): ExpandedCell[] {
  const marked = [first, second].some((contestant) => needsAuditContext(request, contestant));
  return budgetsOf(request, workload, first).flatMap((budget) => {
    const theirs = budgetsOf(request, workload, second);
    const other = theirs.find(({ inFlight }) => inFlight === budget.inFlight) ?? (theirs[0] as Budget);
    const spec = pairSpec(
      workloadSpec(request, workload, first, budget, notes),
      workloadSpec(request, workload, second, other, notes),
      { first, second },
    );
    const place = placementOf(request, first, spec, notes);
    const baselineCellId = baselines.for(spec, place, marked);
    const sized = budget.inFlight === null ? '' : `@${budget.inFlight}calls`;
    const policies = wakeupsOf(request, second).map(({ policy }) => policy);
    return wakeupsOf(request, first).map((wakeup) => {
      const woken = wakeup.isOneOfSeveral ? `+${wakeupText(wakeup.policy)}` : '';
      const same = policies.find((policy) => wakeupText(policy) === wakeupText(wakeup.policy));
      const { cell } = makeCell(request, workload, first, spec, place, {
        cellId: `${slug(spec)}/${pairId(first.id, second.id)}${sized}${woken}`,
        baselineCellId,
        budget,
        wakeup: wakeup.policy,
        starvation: null,
        auditContext: marked ? 'present' : 'absent',
      });
      cell.trial.alongside = {
        variant: second.id,
        bufferBytes: other.bytes,
        wakeup: same ?? policies[0] ?? second.variant.wakeup,
        collectorCpus: secondPlace(request, place, second),
      };
      const added = addedBy(first.variant) + addedBy(second.variant);
      return { cell, sectionMs: predictedMs(workload, spec, added) };
    });
  });
}

/** Whoever stops the workload decides how many calls can be made in time; else whoever has more to fill. */
function pairSpec(one: WorkloadSpec, other: WorkloadSpec, { first, second }: Pair): WorkloadSpec {
  if (one.kind !== 'stamped' || other.kind !== 'stamped') return one;
  if (first.variant.capabilities.regime === 'blocks') return one;
  if (second.variant.capabilities.regime === 'blocks') return other;
  return one.calls >= other.calls ? one : other;
}
