/**
 * The cells of a plan: which workload with how many calls under which variant, and which baseline each is held
 * against. The number of calls belongs to the cell (cell-calls.ts); what is compared is compared per call with a baseline of
 * the same number of calls.
 */
import { starvationText, wakeupText } from '../result-words.ts';
import { Baselines, twin } from './baselines.ts';
import { DEADLINE_FLOOR_MS, type ExpandedCell, makeCell, needsAuditContext, slug, workloadSpec } from './cell.ts';
import type { AskedWorkload, CellRequest, Contestant } from './cell-request.ts';
import { budgetsOf, isBilled, notesOnTerms, starvationsOf, wakeupsOf, whyNotOn } from './cell-terms.ts';
import { pairCells } from './pair-cells.ts';
import { pairId } from './pairs.ts';
import { placementOf } from './place.ts';
import { soakedCells } from './soaked-cells.ts';
import { starvationOf } from './starvation.ts';

const DEADLINE_FACTOR = 10;
/** Nobody knows how long a command runs. */
const APPLICATION_DEADLINE_MS = 600_000;

export function expandCells(request: CellRequest): { cells: ExpandedCell[]; notes: string[] } {
  const notes = new Set<string>();
  const cells: ExpandedCell[] = [];
  const without = new Map<string, string[]>();
  for (const note of notesOnTerms(request)) notes.add(note);
  for (const workload of request.workloads) {
    const baselines = new Baselines(request, workload);
    const traced: ExpandedCell[] = [];
    const leaveOut = (id: string, why: string): void => {
      const what = `on ${workload.spec.name}: ${why}`;
      without.set(what, [...(without.get(what) ?? []), id]);
    };
    for (const contestant of request.variants) {
      if (contestant.id === request.baseline.id) continue;
      const why = whyNotOn(request, workload, contestant);
      if (why === null) traced.push(...tracedCells(request, workload, contestant, baselines, notes));
      else leaveOut(contestant.id, why);
    }
    for (const pair of request.pairs) {
      const why = whyNotOn(request, workload, pair.first) ?? whyNotOn(request, workload, pair.second);
      if (why === null) traced.push(...pairCells(request, workload, pair, baselines, notes));
      else leaveOut(pairId(pair.first.id, pair.second.id), why);
    }
    if (traced.length === 0) traced.push(twin(request, workload, baselines, notes));
    baselines.addHalved();
    cells.push(...baselines.cells, ...traced);
    const billed = traced.filter(
      ({ cell: { trial } }) => starvationOf(trial) === null && trial.alongside === undefined,
    );
    const soaked = soakedCells([...baselines.cells, ...billed], (id) => isBilled(request, id));
    cells.push(...soaked.cells);
    for (const note of soaked.notes) notes.add(note);
  }
  for (const [what, ids] of without) notes.add(`no cell of ${ids.join(', ')} ${what}`);
  const marking = request.variants.filter((contestant) => needsAuditContext(request, contestant)).map(({ id }) => id);
  if (marking.length > 0) {
    notes.add(
      `${marking.join(', ')}: audit is enabled while these run; until the next boot tasks started later keep an audit context, ` +
        'which slows their calls with audit off again too; leave them out with --backends where that matters',
    );
  }
  const deadlineMs = request.deadlineMs ?? commonDeadlineMs(cells);
  for (const { cell } of cells) cell.trial.deadlineMs = deadlineMs;
  return { cells, notes: [...notes] };
}

/** One for each buffer, wake-up and starvation that the variant has. */
function tracedCells(
  request: CellRequest,
  workload: AskedWorkload,
  contestant: Contestant,
  baselines: Baselines,
  notes: Set<string>,
): ExpandedCell[] {
  const marked = needsAuditContext(request, contestant);
  return budgetsOf(request, workload, contestant).flatMap((budget) => {
    const spec = workloadSpec(request, workload, contestant, budget, notes);
    const place = placementOf(request, contestant, spec, notes);
    const baselineCellId = baselines.for(spec, place, marked);
    const sized = budget.inFlight === null ? '' : `@${budget.inFlight}calls`;
    const starvations = starvationsOf(request, contestant, spec, notes);
    return wakeupsOf(request, contestant).flatMap((wakeup) => {
      const woken = wakeup.isOneOfSeveral ? `+${wakeupText(wakeup.policy)}` : '';
      return starvations.map((starvation) => {
        const starved = starvation === null ? '' : `~${starvationText(starvation)}`;
        return makeCell(request, workload, contestant, spec, place, {
          cellId: `${slug(spec)}/${contestant.id}${sized}${woken}${starved}`,
          baselineCellId,
          budget,
          wakeup: wakeup.policy,
          starvation,
          auditContext: marked ? 'present' : 'absent',
        });
      });
    });
  });
}

/** One for all, so that cells differ in nothing they need not differ in. */
function commonDeadlineMs(cells: readonly ExpandedCell[]): number {
  const longest = Math.max(
    ...cells.map(({ sectionMs }) => (sectionMs === null ? APPLICATION_DEADLINE_MS : sectionMs * DEADLINE_FACTOR)),
  );
  return Math.max(DEADLINE_FLOOR_MS, Math.ceil(longest));
}
