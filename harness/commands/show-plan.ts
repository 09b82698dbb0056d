/** A plan before it runs: in one line, and whole for --dry-run. */
import { columns } from '../../reports/columns.ts';
import { plainTable } from '../../reports/plain-table.ts';
import { formatBytes, formatDuration, formatShare } from '../notation.ts';
import type { PlanContext } from '../plan/context.ts';
import { definitionOf } from '../plan/variants.ts';
import type { Plan } from '../result.ts';
import { wakeupText } from '../result-words.ts';
import { MOST_ROUNDS } from '../study/runner.ts';
import type { Prepared } from '../study/study.ts';
import { type CommandContext, printJson } from './context.ts';

export function summaryOf({ plan, predictedMs }: Prepared): string {
  const count = plan.cells.length;
  const time = predictedMs === null ? 'of unknown length' : `about ${formatDuration(predictedMs)}`;
  const fits =
    plan.timeBudgetMs === null
      ? `up to ${MOST_ROUNDS} rounds`
      : `while they fit into ${formatDuration(plan.timeBudgetMs)}`;
  const until =
    plan.untilHalfWidth === undefined ? '' : `until every slowdown is known to ± ${formatShare(plan.untilHalfWidth)}, `;
  const more = plan.timeBudgetMs === null && until === '' ? '' : `, more ${until}${fits}`;
  return `${count} cells, ${plan.warmupRounds} + ${plan.rounds} rounds, ${time}${more}; seed ${plan.seed}`;
}

type PlannedTrial = Plan['cells'][number]['trial'];

function termsOf({ bufferBytes, inFlight, idle }: Plan): string {
  const calls = inFlight === null ? '' : ` and ${inFlight} calls in flight`;
  return `buffer ${formatBytes(bufferBytes)}${calls}, idle ${idle}`;
}

/** Of what has any. */
function bufferAndWakeup({ variant: id, bufferBytes, wakeup }: PlannedTrial, backends: PlanContext['backends']) {
  const { buffer, capabilities } = definitionOf(id, backends).variant;
  return [
    buffer === null ? '-' : formatBytes(bufferBytes),
    capabilities.delivers === 'records' ? wakeupText(wakeup) : '-',
  ];
}

export async function showPlan(prepared: Prepared, context: PlanContext, around: CommandContext): Promise<void> {
  const { plan, notes, rows } = prepared;
  if (around.json) {
    const { predictedMs, predictedRoundMs, predictedJointMs } = prepared;
    await printJson(around, { plan, predictedMs, predictedRoundMs, predictedJointMs, backends: rows, notes });
    return;
  }
  const heads = columns(
    'left:cell',
    'left:baseline',
    'right:calls',
    'right:buffer',
    'left:wake-up',
    'left:placement (CPUs)',
    'left:audit context',
  );
  const cpus = (list: readonly number[] | null) => list?.join(',') ?? 'any';
  const table = plan.cells.map(({ cellId, baselineCellId, trial }) => [
    cellId,
    baselineCellId ?? '-',
    trial.workload.kind === 'stamped' ? String(trial.workload.calls) : '-',
    ...bufferAndWakeup(trial, context.backends),
    `${trial.placement} (${cpus(trial.workloadCpus)}/${cpus(trial.collectorCpus)})`,
    trial.auditContext,
  ]);
  const unusable = rows
    .filter((row) => row.answer !== 'yes')
    .map((row) => `${row.variant}: ${row.answer}: ${row.reason}\n`);
  await around.print(
    [
      `${summaryOf(prepared)}; ${termsOf(plan)}, ${context.machine.cpus.length} CPUs\n\n`,
      `${plainTable(heads, table)}\n`,
      unusable.length > 0 ? `\nnot usable here:\n${unusable.join('')}` : '',
      notes.length > 0 ? `\n${notes.map((note) => `note: ${note}\n`).join('')}` : '',
      predictionOf(prepared),
    ].join(''),
  );
}

function predictionOf({ predictedMs, predictedRoundMs, predictedJointMs }: Prepared): string {
  if (predictedMs === null || predictedRoundMs === null || predictedJointMs === null)
    return '\na command takes as long as it takes: no prediction; nothing was run\n';
  const joint = predictedJointMs === 0 ? '' : ` and ${formatDuration(predictedJointMs)} for the reference check`;
  return `\npredicted: ${formatDuration(predictedRoundMs)} a round${joint}, ${formatDuration(predictedMs)} in all; nothing was run\n`;
}
