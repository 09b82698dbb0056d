/** Applications in rows: what they are used for as a number, and what a run of them issues against what was admitted lost. */
import { count, type Figure, NOTHING, plainInterval, range, ratioInterval } from '../harness/notation.ts';
import type { Cell } from '../harness/result.ts';
import { backendLabel } from '../harness/result-words.ts';
import { workload } from './format.ts';

export const APPLICATIONS_TITLE = 'Applications';

export interface ApplicationRow {
  readonly workload: string;
  readonly backend: string;
  readonly value: Figure;
  readonly unit: string;
  /** This over the untraced one of the same round. */
  readonly ratio: Figure;
  readonly issued: string;
  readonly admittedLoss: string;
  readonly cell: Cell;
}

/** Cells of the catalogue's applications, baselines included; of a command those whose calls were counted. */
export function applicationRows(cells: readonly Cell[]): ApplicationRow[] {
  return cells.flatMap((cell) => {
    const { figureOfMerit: figure, issuedInJointTrials: issued } = cell;
    if (figure === null && issued === null) return [];
    return [
      {
        workload: workload(cell.workload),
        backend: backendLabel(cell) + (isMarkedBaseline(cell) ? '+audit' : ''),
        value: plainInterval(figure?.value ?? null),
        unit: figure?.unit ?? NOTHING,
        ratio: ratioInterval(figure?.ratio ?? null),
        issued: issued === null ? NOTHING : `${count(issued.calls)} ± ${count(issued.spread)}`,
        admittedLoss: range(cell.reportedLossCalls),
        cell,
      },
    ];
  });
}

/** Else two rows would look alike that differ by audit's standing cost; the name is that of its cell. */
function isMarkedBaseline({ baselineCellId, terms }: Cell): boolean {
  return baselineCellId === null && terms.auditContext === 'present';
}

/** What the columns mean. */
export const APPLICATIONS_NOTE =
  'Figure of merit: what the program is used for, by its own account. Ratio: the figure over the untraced one of the same round. Issued: calls of a run, counted in joint trials, with the farthest of them from the median; a dash where the work is not given but what a run comes to. Loss: as the backend admits, over all rounds; a timed run has no truth of its own to hold it against.';
