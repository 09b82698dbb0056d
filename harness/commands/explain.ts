/** `tracebench explain CELL`: how one cell of a study came to its figures. */
import { resolve } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { renderExplain } from '../../reports/explain.ts';
import { usageError } from '../errors.ts';
import type { Study, TrialResult } from '../result.ts';
import { newestStudy, readTrials } from '../study/study-files.ts';
import { RESULT_FILE, readResult } from '../study/study-result.ts';
import { meantOr } from '../suggest.ts';
import { runCommand } from '../summarise/command.ts';
import { type CommandContext, printJson, resultsDir, shownPath } from './context.ts';

export function explainCommand(context: () => CommandContext) {
  return new Command('explain')
    .summary("a cell's configuration, trials and flags, and the command that runs it again")
    .argument('<cell>', 'as the tables name it, for example null/920000/ebpf')
    .option('--study <dir>', 'folder of the study (default: the newest under results/)')
    .action(async (cellId, options) => {
      const around = context();
      const dir = options.study === undefined ? newestStudy(resultsDir, RESULT_FILE) : resolve(options.study);
      if (dir === null)
        throw usageError(`there is no study under ${shownPath(resultsDir)}`, 'make one: ./tracebench run');
      const study = readResult(dir);
      const cell = study.cells.find((candidate) => candidate.cellId === cellId);
      if (!cell) {
        const known = study.cells.map((candidate) => candidate.cellId);
        throw usageError(`there is no cell '${cellId}' in ${shownPath(dir)}`, meantOr(cellId, known));
      }
      // The whole study's: a trial is shown beside its baseline's of the same round.
      const { trials } = readTrials(dir);
      const own = trials.filter((trial) => trial.spec.cellId === cellId);
      if (around.json) await printJson(around, { study: study.studyId, cell, trials: own });
      else await around.print(explained(study, cellId, trials));
    });
}

function explained(study: Study, cellId: string, trials: readonly TrialResult[]): string {
  const planCell = study.plan.cells.find((cell) => cell.cellId === cellId) ?? null;
  const workload = planCell?.trial.workload;
  const rerun = runCommand(study.plan, planCell, workload?.kind === 'stamped' ? { calls: workload.calls } : {});
  return `${renderExplain(study, trials, cellId, rerun, process.stdout.columns).trimEnd()}\n`;
}
