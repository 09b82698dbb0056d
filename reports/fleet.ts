/** What a fleet needs, as a table: one row a variant, and what the figures rest on. */
import type { Answer, Bounds, Demand } from '../harness/capacity/planner.ts';
import type { CapacityStudy } from '../harness/capacity/result.ts';
import { count, formatBytes, NOTHING, percent, rate, time } from '../harness/notation.ts';
import { columns } from './columns.ts';
import { plainTable } from './plain-table.ts';

const COLUMNS = columns(
  'left:backend',
  'right:CPUs a host',
  'right:drain threads',
  'right:buffer a host',
  'right:loss',
  'right:oldest record',
  'right:CPUs, fleet',
  'right:memory, fleet',
  'left:setting',
);

export function renderFleet(answers: readonly Answer[], demand: Demand, study: CapacityStudy): string {
  const rows = answers.flatMap((answer) => (answer.cannot === null ? [row(answer, demand.hosts)] : []));
  const lines = [demandText(demand), ''];
  if (rows.length > 0) lines.push(plainTable(COLUMNS, rows), '');
  if (demand.otherBursts !== undefined) lines.push(...sizedBy(answers));
  for (const answer of answers) if (answer.cannot !== null) lines.push(`${answer.variant} cannot: ${answer.cannot}`);
  const extrapolated = new Map<string, string[]>();
  for (const answer of answers) {
    if (answer.cannot !== null) continue;
    for (const what of answer.extrapolated) extrapolated.set(what, [...(extrapolated.get(what) ?? []), answer.variant]);
  }
  if (extrapolated.size > 0) lines.push('', 'Not measured, carried over:');
  for (const [what, variants] of extrapolated) lines.push(`  ${what} (${variants.join(', ')})`);
  const { environment: e } = study;
  lines.push(
    '',
    `Measured on one machine: Linux ${e.kernelRelease}, ${e.cpusOnline} × ${e.cpuModel}, ${e.virtualisation}, workload ${study.workload}. ` +
      'Brackets: 90 % of fits to resampled points; the setting is by their upper end.',
  );
  return `${lines.join('\n')}\n`;
}

function row(answer: Extract<Answer, { cannot: null }>, hosts: number): string[] {
  const { variant, collectorCpus, drainThreads, bufferBytes, lossFraction, worstDelayMs, setting } = answer;
  return [
    variant,
    collectorCpus === null ? NOTHING : collectorCpus.toPrecision(2),
    String(drainThreads),
    bufferBytes === null ? NOTHING : bounded(bufferBytes),
    percent(lossFraction),
    time(worstDelayMs === null ? null : worstDelayMs * 1e6),
    collectorCpus === null ? NOTHING : count(Math.ceil(collectorCpus * hosts)),
    bufferBytes === null ? NOTHING : formatBytes(bufferBytes.high * hosts),
    setting === null ? NOTHING : `${setting.name} ${count(setting.value)}`,
  ];
}

/** Of several bursts, the one that decided for each. */
function sizedBy(answers: readonly Answer[]): string[] {
  return answers.flatMap((answer) => {
    if (answer.cannot !== null || answer.burst === null || answer.bufferBytes === null) return [];
    const { peakPerS, durationMs } = answer.burst;
    return [`${answer.variant} is sized by ${rate(peakPerS)} for ${time(durationMs * 1e6)}`];
  });
}

function bounded({ value, low, high }: Bounds): string {
  return `${formatBytes(value)} [${formatBytes(low)}, ${Number.isFinite(high) ? formatBytes(high) : '∞'}]`;
}

function demandText({ ratePerS, burst, cpus, hosts, lossFraction, source }: Demand): string {
  const bursts =
    burst === null ? 'evenly spaced' : `in bursts of ${rate(burst.peakPerS)} for ${time(burst.durationMs * 1e6)}`;
  const demanded = `${count(hosts)} ${hosts === 1 ? 'host' : 'hosts'} of ${cpus} CPUs, each ${rate(ratePerS)} on average ${bursts}, at most ${percent(lossFraction)} lost:`;
  return source === undefined ? demanded : `${demanded}\n${source}`;
}
