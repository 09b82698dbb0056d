/** A study to compare: what was summarised, and the trials below it. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { usageError } from '../errors.ts';
import type { Study, TrialResult } from '../result.ts';
import { readTrials, TRIALS_FILE } from '../study/study-files.ts';
import { RESULT_FILE, readResult } from '../study/study-result.ts';
import { type CellTrials, groupByCell, NO_TRIALS } from '../summarise/rounds.ts';

export interface LoadedStudy {
  /** As it was named. */
  readonly path: string;
  readonly study: Study;
  readonly trials: readonly TrialResult[];
}

/** `path`: the folder of a study or the result.json in it. Throws usage errors. */
export function loadStudy(path: string): LoadedStudy {
  const full = resolve(path);
  if (!existsSync(full)) {
    throw usageError(`there is no ${path}`, 'name the folder of a study, as under results/, or its result.json');
  }
  const isFolder = statSync(full).isDirectory();
  if (!isFolder && basename(full) !== RESULT_FILE) {
    throw usageError(`${path} is neither the folder of a study nor a ${RESULT_FILE}`, 'name one of the two');
  }
  const dir = isFolder ? full : dirname(full);
  const study = readResult(dir);
  const { trials } = readTrials(dir);
  checkBelongs(dir, study, trials);
  return { path, study, trials };
}

/** Changes are tested on the values of the rounds, which only the trials have. */
function checkBelongs(dir: string, study: Study, trials: readonly TrialResult[]): void {
  const grouped = groupByCell(trials);
  const recorded = ({ cellId }: Study['cells'][number]): CellTrials => grouped.get(cellId) ?? NO_TRIALS;
  const off = study.cells.find((cell) => recorded(cell).counted.size !== cell.trials.completed);
  if (!off) return;
  throw usageError(
    `${join(dir, TRIALS_FILE)} has ${recorded(off).counted.size} trials of ${off.cellId}, ${RESULT_FILE} speaks of ${off.trials.completed}`,
    `keep ${TRIALS_FILE} beside ${RESULT_FILE}: what is compared are its rounds`,
  );
}
