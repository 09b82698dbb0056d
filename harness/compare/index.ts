/** Two studies, cell by cell: what changed from BASE to NEW beyond noise. Pure: the same trials give the same answer. */
import type { Cell, Study } from '../result.ts';
import { backendLabel } from '../result-words.ts';
import { workloadLabel } from '../summarise/command.ts';
import { differencesOf, refuse } from './differences.ts';
import { type CompareOptions, Inquiry } from './inquiry.ts';
import { ALPHA, judge } from './judge.ts';
import type { LoadedStudy } from './load.ts';
import { matchCells } from './match.ts';
import { remarksOn } from './remarks.ts';
import type { Change, Quantity, StudyComparison } from './result.ts';
import { followsFromBaseline, verdictOf } from './verdict.ts';

/** Throws a usage error when the studies are of different states and `across` was not asked for. */
export function compareStudies(base: LoadedStudy, next: LoadedStudy, options: CompareOptions): StudyComparison {
  const matched = matchCells(base.study, next.study, options.across);
  const differences = differencesOf(base.study, next.study, matched.pairs);
  if (differences.length > 0 && !options.across) refuse(differences);

  const inquiry = new Inquiry(base, next, differences, options);
  const asked = matched.pairs.map((pair) => inquiry.ask(pair));
  const { changes, tests } = judge(asked.flatMap(({ questions }) => questions));
  let taken = 0;
  const cells = asked.map(({ pair, questions, decided }) => {
    const judged = changes.slice(taken, taken + questions.length);
    taken += questions.length;
    return {
      cellId: pair.next.cellId,
      baselineCellId: pair.next.baselineCellId,
      workload: workloadLabel(pair.next.workload),
      backend: backendLabel(pair.next),
      changes: inOrder([...judged, ...decided]),
    };
  });
  const compared = followsFromBaseline(cells);
  const facts = {
    version: 1,
    tool: 'tracebench',
    base: briefOf(base),
    next: briefOf(next),
    settings: { alpha: ALPHA, ...options },
    tests,
    differences,
    remarks: remarksOn(base, next, matched),
    cells: compared,
    onlyInBase: matched.onlyInBase.map((cell) => alone(cell, next.study)),
    onlyInNext: matched.onlyInNext.map((cell) => alone(cell, base.study)),
  } as const;
  return { ...facts, ...verdictOf(facts) };
}

const ORDER: readonly Quantity[] = ['time', 'slowdown', 'added', 'loss', 'unreported', 'books', 'p99'];

function inOrder(changes: readonly Change[]): Change[] {
  return [...changes].sort((a, b) => ORDER.indexOf(a.quantity) - ORDER.indexOf(b.quantity));
}

function briefOf({ path, study }: LoadedStudy): StudyComparison['base'] {
  const { studyId, startedAt, complete, incompleteReason, environment: e } = study;
  const { toolVersion, gitRevision, kernelRelease, cpuModel } = e;
  return { path, studyId, startedAt, complete, incompleteReason, toolVersion, gitRevision, kernelRelease, cpuModel };
}

/** Why the other study has not this cell, where it says so. */
function alone(cell: Cell, other: Study): { cellId: string; why: string | null } {
  const planned = other.cells.find(({ cellId }) => cellId === cell.cellId);
  if (planned)
    return { cellId: cell.cellId, why: `no trial of it was completed there, ${planned.trials.failed} failed` };
  const row = other.backends.find(({ variant }) => variant === cell.variant);
  if (row === undefined || row.answer !== 'no') return { cellId: cell.cellId, why: null };
  return { cellId: cell.cellId, why: `${row.variant} could not run there: ${row.reason ?? 'no reason given'}` };
}
