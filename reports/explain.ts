/** One cell laid open: its configuration, every trial, why it is flagged, and the command that runs just it again. */
import {
  addedInterval,
  count,
  joined,
  NOTHING,
  percent,
  plain,
  plainInterval,
  range,
  rateInterval,
  ratioInterval,
  time,
  timeInterval,
} from '../harness/notation.ts';
import type { Cell, CompletedTrial, Study, TrialResult } from '../harness/result.ts';
import { nsPerCall } from '../harness/result-figures.ts';
import { backendLabel } from '../harness/result-words.ts';
import { columns } from './columns.ts';
import { books, delivered, terms, workload } from './format.ts';
import { plainTable } from './plain-table.ts';
import { wrap } from './terminal.ts';

/**
 * `rerun`: the command, as it must be typed. Throws RangeError when the study has no such cell; its message lists the
 * cells there are.
 */
export function renderExplain(
  study: Study,
  trials: readonly TrialResult[],
  cellId: string,
  rerun: string,
  width = 110,
): string {
  const cell = study.cells.find((c) => c.cellId === cellId);
  if (!cell) throw new RangeError(`no cell ${cellId}; this study has ${study.cells.map((c) => c.cellId).join(', ')}`);
  const mine = trials.filter((t) => t.spec.cellId === cellId);

  const out = [`cell ${cell.cellId}, study ${study.studyId}`, ''];
  for (const [name, value] of configuration(cell, mine))
    out.push(...wrap(value, width, ' '.repeat(14), name.padEnd(14)));
  out.push('', 'Figures');
  for (const [name, value] of figures(cell)) out.push(...wrap(value, width, ' '.repeat(24), name.padEnd(24)));
  out.push('', 'Trials', trialTable(mine, baselineTimes(cell, trials)));
  const troubles = mine.flatMap(troubleOf);
  if (troubles.length > 0) out.push('', 'What the trials say', ...troubles.flatMap((t) => wrap(t, width, '  ')));
  out.push('', cell.flags.length > 0 ? 'Why it is flagged' : 'Not flagged.');
  for (const flag of cell.flags) out.push(...wrap(`${flag.code}: ${flag.text}`, width, '  '));
  out.push('', 'Run just this cell again:', `  ${rerun}`);
  return `${out.join('\n')}\n`;
}

function configuration(cell: Cell, trials: readonly TrialResult[]): [string, string][] {
  const work =
    cell.workload.kind === 'stamped'
      ? `${workload(cell.workload)}, ${count(cell.workload.calls)} calls asked for, seed ${cell.workload.seed}`
      : cell.workload.argv.join(' ');
  const spec = trials[0]?.spec;
  const rows: [string, string][] = [
    ['workload', work],
    [
      'backend',
      `${backendLabel(cell)}, ${cell.terms.regime === 'neither' ? 'neither drops nor blocks' : cell.terms.regime}`,
    ],
    ['terms', terms(cell)],
    ['baseline', cell.baselineCellId ?? 'is one'],
  ];
  if (cell.terms.stressFactor !== null)
    rows.push(['stress', `${cell.terms.stressFactor.toPrecision(3)} × the calls in flight`]);
  if (spec)
    rows.push([
      'trial',
      `deadline ${time(spec.deadlineMs * 1e6)}, user ${spec.user ?? 'as the study'}, records read by the ${spec.consumer}`,
    ]);
  return rows;
}

function figures(cell: Cell): [string, string][] {
  const rows: [string, string][] = [
    ['per call', joined(timeInterval(cell.perCallNs))],
    ['duration', joined(timeInterval(cell.durationNs))],
  ];
  if (cell.baselineCellId !== null) {
    const s = cell.slowdown;
    const coverage = s && s.low !== null ? `, coverage ${percent(s.confidence)}, ${s.n} rounds` : '';
    rows.push(
      ['slowdown', `${joined(ratioInterval(s))}${coverage}, with ${delivered(cell)} delivered`],
      ['slowdown, BCa', cell.slowdownBca ? joined(ratioInterval(cell.slowdownBca)) : 'from 10 rounds'],
      ['added per call', joined(addedInterval(cell.addedNsPerCall))],
    );
  }
  if (cell.terms.delivers !== 'nothing') {
    rows.push(
      [
        'books',
        `${books(cell)}, admitted loss ${range(cell.reportedLossCalls)}, discrepancy ${range(cell.discrepancy)} calls`,
      ],
      ['throughput', joined(rateInterval(cell.throughputPerS))],
      ['collector CPU per call', joined(timeInterval(cell.collectorCpuNsPerCall))],
      ['attach, detach', `${joined(timeInterval(cell.attachNs))}, ${joined(timeInterval(cell.detachNs))}`],
    );
  }
  const { figureOfMerit: figure, issuedInJointTrials: issued } = cell;
  if (figure !== null) {
    const ratio = figure.ratio === null ? '' : `, ${joined(ratioInterval(figure.ratio))} of the untraced`;
    rows.push(['figure of merit', `${joined(plainInterval(figure.value))} ${figure.unit}${ratio}`]);
  }
  if (issued !== null) {
    rows.push(['issued', `${count(issued.calls)} ± ${count(issued.spread)} calls in ${issued.trials} joint trials`]);
  }
  rows.push(...alongsideFigures(cell));
  if (cell.latency) rows.push([`latency (${cell.latency.made})`, percentiles(cell.latency)]);
  return [...rows, ...openLoopFigures(cell)];
}

/** Of two collectors at once; all other figures are of the first. */
function alongsideFigures({ alongside, trials: { completed } }: Cell): [string, string][] {
  if (alongside === undefined) return [];
  const { first, second, overSumNs, overSumReason, deliveredFraction, discrepancy, reconciled } = alongside;
  const sum = overSumNs === null ? `none (${overSumReason})` : joined(addedInterval(overSumNs));
  const its = `${reconciled}/${completed} balance, ${percent(deliveredFraction)} delivered, discrepancy ${range(discrepancy)} calls`;
  return [
    ['over the sum', `${sum}, of ${first} and ${second} alone`],
    ['second books', `of ${second}: ${its}`],
  ];
}

function openLoopFigures({ openLoop }: Cell): [string, string][] {
  if (openLoop === null) return [];
  const { achievedPerS, lateFraction, latestNs, latencyFromDue, collectorCpuFraction } = openLoop;
  const rows: [string, string][] = [
    ['achieved', `${joined(rateInterval(achievedPerS))}; ${percent(lateFraction)} late, by ${time(latestNs)} at most`],
  ];
  if (latencyFromDue) rows.push(['latency from due', percentiles(latencyFromDue)]);
  if (collectorCpuFraction) rows.push(['collector', `${percent(collectorCpuFraction.estimate)} of one CPU`]);
  return rows;
}

function percentiles(l: NonNullable<Cell['latency']>): string {
  return `p50 ${time(l.p50Ns)}, p90 ${time(l.p90Ns)}, p99 ${time(l.p99Ns)}, p99.9 ${time(l.p999Ns)}, p99.99 ${time(l.p9999Ns)}, max ${time(l.maxNs)}`;
}

/** Round → what the baseline's trial measured. */
function baselineTimes(cell: Cell, trials: readonly TrialResult[]): Map<number, number> {
  const times = new Map<number, number>();
  for (const trial of trials) {
    if (trial.spec.cellId !== cell.baselineCellId || trial.status !== 'completed') continue;
    const ns = measured(trial);
    if (ns !== null) times.set(trial.spec.round, ns);
  }
  return times;
}

/** By what the cell is compared: figure of merit, time of the run, or time per call. */
function measured(trial: CompletedTrial): number | null {
  if (trial.figureOfMerit !== undefined) return trial.figureOfMerit.value;
  return trial.section ? nsPerCall(trial) : trial.run.durationNs;
}

function trialTable(trials: readonly TrialResult[], baseline: ReadonlyMap<number, number>): string {
  const stamped = trials.some((t) => t.status === 'completed' && t.section !== null);
  const unit = trials.flatMap((t) => (t.status === 'completed' ? [t.figureOfMerit?.unit] : []))[0];
  const shown = columns(
    'right:round',
    'right:order',
    `right:${unit ?? (stamped ? 'per call' : 'run')}`,
    'right:ratio',
    'left:books',
    'right:delivered',
    'right:missing',
    'right:p99',
    'right:canary',
    'right:steal',
    'right:exit',
  );
  const rows: string[][] = [];
  for (const trial of trials) {
    const round = `${trial.spec.round}${trial.spec.warmup ? ' w' : ''}`;
    if (trial.status === 'failed') {
      rows.push([round, String(trial.spec.order), 'failed', '', trial.error.code, '', '', '', '', '', '']);
      continue;
    }
    const ns = measured(trial);
    const bare = baseline.get(trial.spec.round);
    const { accounting: a, run } = trial;
    rows.push([
      round,
      String(trial.spec.order),
      unit === undefined || ns === null ? time(ns) : plain(ns),
      ns !== null && bare !== undefined ? `${(ns / bare).toPrecision(3)}×` : NOTHING,
      a.delivers === 'nothing' ? NOTHING : a.verdict,
      a.delivers === 'nothing' ? NOTHING : count(a.delivers === 'records' ? a.complete : a.counted),
      a.delivers === 'records' ? count(a.missing) : a.delivers === 'counts' ? count(a.missed) : NOTHING,
      time(trial.latency?.p99Ns ?? null),
      time(trial.canaryNsPerCall),
      time(trial.stealNs),
      run.signal ? `signal ${run.signal}` : String(run.exitCode ?? NOTHING),
    ]);
  }
  return [plainTable(shown, rows), ...(trials.some((t) => t.spec.warmup) ? ['(w: warm-up, not counted)'] : [])].join(
    '\n',
  );
}

function troubleOf(trial: TrialResult): string[] {
  const where = `round ${trial.spec.round}`;
  if (trial.status === 'failed') {
    return [`${where}: ${trial.error.code}: ${trial.error.message}${trial.error.mend ? `; ${trial.error.mend}` : ''}`];
  }
  const { accounting: a } = trial;
  if (a.delivers === 'nothing') return [];
  const said = a.reasons.map((r) => `${where}: ${r}`);
  if (a.delivers === 'counts') return said;
  const lossy = a.reported.filter((c) => c.count > 0).map((c) => `${c.name} ${count(c.count)} ${c.unit}s (${c.place})`);
  if (lossy.length > 0)
    said.push(`${where}: the mechanism admits ${lossy.join(', ')}: ${range(a.reportedCalls)} calls`);
  if (a.lossRuns.runs > 0) {
    said.push(
      `${where}: ${count(a.lossRuns.runs)} runs of loss, the longest of ${count(a.lossRuns.longest)} calls; by tenths of the section: ${a.lossRuns.deciles.map(count).join(' ')}`,
    );
  }
  return [...said, ...a.mismatchSamples.map((m) => `${where}: contents differ: ${m}`)];
}
