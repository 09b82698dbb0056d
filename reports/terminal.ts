/** A study for people at a terminal: tables by regime, notes, what is missing, and the verdict last. */
import { styleText } from 'node:util';
import {
  addedInterval,
  count,
  type Figure,
  joined,
  NOTHING,
  percent,
  ratioInterval,
  time,
  timeInterval,
  timePair,
} from '../harness/notation.ts';
import type { Cell, Study } from '../harness/result.ts';
import { backendLabel, choices, workloadName } from '../harness/result-words.ts';
import { ALONGSIDE_COLUMNS, ALONGSIDE_TEXT, ALONGSIDE_TITLE, alongsideRows } from './alongside.ts';
import { APPLICATIONS_NOTE, APPLICATIONS_TITLE, applicationRows } from './applications.ts';
import { CLAIMS_TITLE, claimLines } from './claims.ts';
import { type Column, columns } from './columns.ts';
import { CPU_BILL_COLUMNS, CPU_BILL_TEXT, CPU_BILL_TITLE, cpuBillRows, kernelThreadsLine } from './cpu-bill.ts';
import { baselines, books, cellsOf, delivered, pace, REGIMES, terms, unequal, workload } from './format.ts';
import { type Note, notesOf } from './notes.ts';
import { OPEN_LOOP_COLUMNS, OPEN_LOOP_TEXT, OPEN_LOOP_TITLE, openLoopTables } from './open-loop.ts';
import { plainTable } from './plain-table.ts';
import { REFERENCE_TITLE, referenceLines } from './reference.ts';
import { SELECTIVITY_TEXT, SELECTIVITY_TITLE, selectivityTable } from './selectivity.ts';
import { STARVED_COLUMNS, STARVED_TEXT, STARVED_TITLE, starvedRows } from './starved.ts';

/** At most this many head-to-head rows; beyond, summary.md has them. */
const COMPARISONS_SHOWN = 12;
const NOTES_SHOWN = 2;
const DIFFERENCES_SHOWN = 4;
const WORKLOAD_WIDTH = 14;
/** With its pace. */
const COMPARED_WIDTH = 20;

export interface TerminalOptions {
  /** Columns at most; default 110. */
  readonly width?: number;
  /** Also the table of claims, which summary.md always has. */
  readonly claims?: boolean;
  /** Where the text goes: decides whether it is coloured (NO_COLOR, FORCE_COLOR and non-TTYs are honoured). */
  readonly stream?: NodeJS.WritableStream;
}

type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

/** The whole text, ending in a newline; no line is wider than `width` columns, commands excepted. */
export function renderTerminal(study: Study, options: TerminalOptions = {}): string {
  const width = options.width ?? 110;
  const stream = options.stream ?? process.stdout;
  const style: Style = (format, text) => styleText(format, text, { stream });
  const { notes, numbers } = notesOf(study);
  const out: string[] = [...heading(study, width)];

  for (const { regime, title } of REGIMES) {
    const cells = cellsOf(study.cells, regime);
    if (cells.length > 0) out.push('', style('bold', title), resultTable(cells, numbers, width, style));
  }
  out.push(...applicationTable(study.cells, width, style));
  const bare = baselines(study.cells);
  if (bare.length > 0) out.push('', style('bold', 'Untraced'), baselineTable(bare, numbers, style));
  const closed = study.cells.filter((c) => c.latency && !c.openLoop);
  if (closed.length > 0) {
    const marks = closed.some((c) => c.latency?.made === 'enter')
      ? '; (enter) is measured at the entry: not to be compared with the others'
      : '';
    out.push(
      ...wrap(
        `latency: stamp to visible to the collector; of a closed loop it says how full the buffer was${marks}`,
        width,
        '',
      ).map((l) => style('dim', l)),
    );
  }
  out.push(...alongside(study.cells, width, style), ...selectivity(study, width, style));
  out.push(...cpuBill(study, width, style), ...openLoop(study, width, style), ...starved(study, width, style));
  out.push(...comparisons(study, width, style));

  if (notes.length > 0) {
    out.push('', style('bold', 'Notes'));
    for (const n of notes) {
      out.push(...noteLines(n, width));
    }
  }
  const absent = study.backends.filter((b) => b.answer !== 'yes');
  if (absent.length + study.absentWorkloads.length > 0) {
    out.push('', style('bold', 'Not available here'));
    for (const b of absent) {
      const answer = b.answer === 'unknown' ? 'could not tell: ' : '';
      out.push(...wrap(`   ${b.variant}: ${answer}${b.reason ?? 'no reason given'}`, width, '     '));
      if (b.mend) out.push(...wrap(`     mend: ${b.mend}`, width, '     '));
    }
    for (const { workload: name, reason, mend } of study.absentWorkloads) {
      out.push(...wrap(`   ${name}: ${reason}`, width, '     '), ...wrap(`     mend: ${mend}`, width, '     '));
    }
  }
  out.push(...referenceTable(study, width, style), ...termLines(study, width, style));
  if (options.claims === true) out.push(...claimsTable(study, width, style));
  out.push('', style('bold', 'Verdict'));
  for (const sentence of study.verdict) out.push(...wrap(sentence, width, ''));
  for (const flag of study.flags)
    out.push(...wrap(`! ${flag.code}: ${flag.text}`, width, '  ').map((l) => style('yellow', l)));
  return `${out.join('\n')}\n`;
}

function heading(study: Study, width: number): string[] {
  const { plan, environment: e, calibration, noise } = study;
  const across = calibration.before.pipeRoundTripCrossCpuNs;
  const context = calibration.before.auditContext === 'unknown' ? ' (audit context unknown)' : '';
  const lines = [
    `tracebench ${e.toolVersion}, study ${study.studyId}: profile ${plan.profile}, ${plan.rounds} rounds + ${plan.warmupRounds} warm-up, seed ${plan.seed}`,
    `Linux ${e.kernelRelease} ${e.arch}, ${e.cpusOnline} × ${e.cpuModel}, virtualisation ${e.virtualisation}, preempt ${e.preemption}, HZ ${e.hz ?? 'unknown'}, clocksource ${e.clocksource}`,
    `bare call ${time(calibration.before.bareCallNs)}${context}, pipe round trip ${time(calibration.before.pipeRoundTripSameCpuNs)} on one CPU${across === null ? '' : `, ${time(across)} across`}` +
      (noise
        ? `; baseline ± ${percent(noise.baselineHalfWidth)}, changes below ${percent(noise.minimumDetectableEffect)} may go unseen`
        : '; noise not known: fewer than 6 rounds'),
  ];
  return lines.flatMap((line) => wrap(line, width, '  '));
}

// ---------------------------------------------------------------- tables

/** Heads, line by line. */
function dimmed(shown: readonly Column[], style: Style): Column[] {
  return shown.map(({ align, head }) => {
    const lines = head.split('\n').map((line) => style('dim', line));
    return { align, head: lines.join('\n') };
  });
}

function resultTable(cells: readonly Cell[], numbers: (cell: Cell) => string, width: number, style: Style): string {
  const draw = (narrow: boolean): string => {
    const put = (f: Figure): string => (narrow ? `${f.main}\n${f.bounds}` : joined(f));
    const rows = cells.map((cell) => [
      below(shorten(workloadName(cell.workload), WORKLOAD_WIDTH), pace(cell.workload)),
      below(cell.variant, choices(cell)),
      put(addedInterval(cell.addedNsPerCall)),
      put(ratioInterval(cell.slowdown)),
      colourDelivered(cell, style),
      colourBooks(cell, style),
      latency(cell, narrow),
      time(cell.collectorCpuNsPerCall?.estimate ?? null),
      numbers(cell),
    ]);
    const heads = dimmed(
      columns(
        'left:workload',
        'left:backend',
        'right:added\nper call',
        'right:slowdown',
        'right:delivered',
        'right:books',
        'right:latency\np50 / p99',
        'right:collector\nper call',
        'left:notes',
      ),
      style,
    );
    return plainTable(heads, rows);
  };
  const wide = draw(false);
  return widest(wide) <= width ? wide : draw(true);
}

function applicationTable(cells: readonly Cell[], width: number, style: Style): string[] {
  const rows = applicationRows(cells);
  if (rows.length === 0) return [];
  const heads = dimmed(
    columns(
      'left:application',
      'left:backend',
      'right:figure of merit',
      'left:unit',
      'right:ratio',
      'right:issued',
      'right:loss',
    ),
    style,
  );
  const body = rows.map((r) => [
    shorten(r.workload, WORKLOAD_WIDTH),
    r.backend,
    joined(r.value),
    r.unit,
    joined(r.ratio),
    r.issued,
    r.admittedLoss,
  ]);
  const note = wrap(APPLICATIONS_NOTE, width, '').map((line) => style('dim', line));
  return ['', style('bold', APPLICATIONS_TITLE), plainTable(heads, body), ...note];
}

/** On a line of its own: names are long enough. */
function below(name: string, more: string): string {
  return more === '' ? name : `${name}\n${more}`;
}

function latency(cell: Cell, narrow: boolean): string {
  const l = cell.latency;
  if (!l) return NOTHING;
  const mark = l.made === 'enter' ? '(enter)' : '';
  if (narrow) return `${time(l.p50Ns)}\n${time(l.p99Ns)}${mark ? `\n${mark}` : ''}`;
  return `${mark ? `${mark} ` : ''}${timePair(l.p50Ns, l.p99Ns)}`;
}

function colourDelivered(cell: Cell, style: Style): string {
  const text = delivered(cell);
  const f = cell.deliveredFraction;
  return f !== null && f < 1 ? style(f < 0.999 ? 'red' : 'yellow', text) : text;
}

function colourBooks(cell: Cell, style: Style): string {
  const text = books(cell);
  return text === NOTHING ? text : style(text.endsWith('ok') ? 'green' : 'red', text);
}

function baselineTable(cells: readonly Cell[], numbers: (cell: Cell) => string, style: Style): string {
  // Else two rows may look alike that differ by audit's standing cost.
  const tellsContext = cells.some((cell) => cell.terms.auditContext !== cells[0]?.terms.auditContext);
  const rows = cells.map((cell) => [
    below(shorten(workloadName(cell.workload), WORKLOAD_WIDTH), pace(cell.workload)),
    cell.workload.kind === 'stamped' ? count(cell.workload.calls) : NOTHING,
    joined(timeInterval(cell.perCallNs)),
    joined(timeInterval(cell.durationNs)),
    ...(tellsContext ? [cell.terms.auditContext] : []),
    String(cell.trials.completed),
    numbers(cell),
  ]);
  const heads = dimmed(
    columns(
      'left:workload',
      'right:calls',
      'right:per call',
      'right:whole',
      ...(tellsContext ? (['left:audit context'] as const) : []),
      'right:rounds',
      'left:notes',
    ),
    style,
  );
  return plainTable(heads, rows);
}

function selectivity(study: Study, width: number, style: Style): string[] {
  const found = selectivityTable(study);
  if (found === null) return [];
  return [
    '',
    style('bold', SELECTIVITY_TITLE),
    plainTable(
      dimmed(found.columns, style),
      found.rows.map((row) => row.map(({ main, bounds }) => below(main, bounds))),
    ),
    ...found.offLine.flatMap((line) => wrap(`   ${line}`, width, '     ')),
    ...wrap(SELECTIVITY_TEXT, width, '').map((line) => style('dim', line)),
  ];
}

function cpuBill(study: Study, width: number, style: Style): string[] {
  const rows = cpuBillRows(study);
  if (rows.length === 0) return [];
  const body = rows.map((r) => [
    shorten(r.workload, WORKLOAD_WIDTH),
    r.backend.replace(' (', '\n('),
    r.delivered,
    ...r.figures.map(({ main, bounds }) => below(main, bounds)),
    r.noise,
  ]);
  const note = [CPU_BILL_TEXT, kernelThreadsLine(study)].join(' ').trimEnd();
  return [
    '',
    style('bold', CPU_BILL_TITLE),
    plainTable(dimmed(CPU_BILL_COLUMNS, style), body),
    ...wrap(note, width, '').map((line) => style('dim', line)),
  ];
}

function alongside(cells: readonly Cell[], width: number, style: Style): string[] {
  const rows = alongsideRows(cells);
  if (rows.length === 0) return [];
  const note = wrap(ALONGSIDE_TEXT, width, '').map((line) => style('dim', line));
  return ['', style('bold', ALONGSIDE_TITLE), plainTable(dimmed(ALONGSIDE_COLUMNS, style), rows), ...note];
}

function openLoop(study: Study, width: number, style: Style): string[] {
  return openLoopTables(study).flatMap(({ made, rows }) => [
    '',
    style('bold', made === 'exit' ? OPEN_LOOP_TITLE : `${OPEN_LOOP_TITLE}, records made at the entry`),
    plainTable(dimmed(OPEN_LOOP_COLUMNS, style), rows),
    ...wrap(OPEN_LOOP_TEXT, width, '').map((line) => style('dim', line)),
  ]);
}

function starved(study: Study, width: number, style: Style): string[] {
  const rows = starvedRows(study);
  if (rows.length === 0) return [];
  const draw = (some: string[][]): string => plainTable(dimmed(STARVED_COLUMNS, style), some);
  const wide = draw(rows);
  const table = widest(wide) <= width ? wide : draw(starvedRows(study, '\n'));
  const note = wrap(STARVED_TEXT, width, '').map((line) => style('dim', line));
  return ['', style('bold', STARVED_TITLE), table, ...note];
}

function comparisons(study: Study, width: number, style: Style): string[] {
  if (study.comparisons.length === 0) return [];
  const title = ['', style('bold', 'Head to head (ratio of the times, paired by round; p after Holm)')];
  if (study.comparisons.length > COMPARISONS_SHOWN) {
    return [...title, ...wrap(`   ${study.comparisons.length} pairs, in summary.md`, width, '   ')];
  }
  const cellOf = (id: string): Cell | undefined => study.cells.find((c) => c.cellId === id);
  const rows = study.comparisons.map((c) => {
    const left = cellOf(c.left);
    const right = cellOf(c.right);
    const names = [left?.variant ?? c.left, right?.variant ?? c.right]; // of one budget, which stands below the pair
    const outcome = c.outcome === 'tie' ? 'tie' : `${c.outcome === 'left faster' ? names[0] : names[1]} faster`;
    const terms = unequal(left, right);
    return [
      shorten(c.workload, COMPARED_WIDTH),
      below(names.join(' / '), left ? choices(left) : ''),
      joined(ratioInterval(c.ratio)),
      c.pHolm.toPrecision(2),
      [left, right].map((cell) => (cell ? delivered(cell) : NOTHING)).join(' / '),
      terms ? `${outcome}\n${terms}` : outcome,
    ];
  });
  const heads = dimmed(
    columns('left:workload', 'left:pair', 'right:ratio', 'right:p', 'right:delivered', 'left:outcome'),
    style,
  );
  return [...title, plainTable(heads, rows)];
}

/** All that is said when books do not balance; of anything else two cells, and where to read the rest. */
function noteLines(note: Note, width: number): string[] {
  const shown = note.code === 'not-reconciled' ? note.said : note.said.slice(0, NOTES_SHOWN);
  const rest = note.said.slice(shown.length).flatMap((s) => s.where);
  const lines = wrap(`${String(note.number).padStart(2)} ${note.code}`, width, '');
  for (const { text, where } of shown) lines.push(...wrap(`   ${where.join('; ')}: ${text}`, width, '     '));
  if (rest.length > 0) lines.push(...wrap(`   likewise ${rest.join('; ')}: see summary.md`, width, '     '));
  return lines;
}

/** Terms are printed with every cell; where cells of one variant share them, once. */
function referenceTable(study: Study, width: number, style: Style): string[] {
  const lines = referenceLines(study);
  if (lines.length === 0) return [];
  const out = ['', style('bold', REFERENCE_TITLE)];
  for (const { variant, text, details } of lines) {
    out.push(...wrap(`   ${variant}: ${text}`, width, '     '));
    for (const detail of details.slice(0, DIFFERENCES_SHOWN)) out.push(...wrap(`     ${detail}`, width, '       '));
    if (details.length > DIFFERENCES_SHOWN) out.push(`     ${details.length - DIFFERENCES_SHOWN} more in summary.md`);
  }
  return out;
}

function claimsTable(study: Study, width: number, style: Style): string[] {
  const out = ['', style('bold', CLAIMS_TITLE)];
  for (const { text, measured, outcome, reason } of claimLines(study)) {
    out.push(...wrap(`   "${text}": ${outcome}${reason === null ? '' : `: ${reason}`}`, width, '     '));
    if (measured !== NOTHING) out.push(...wrap(`     ${measured}`, width, '     '));
  }
  return out;
}

function termLines(study: Study, width: number, style: Style): string[] {
  const lines = new Map<string, string[]>();
  for (const cell of study.cells) {
    // What was starved shares its terms with the cell that it stands beside.
    if (cell.baselineCellId === null || cell.terms.starvation !== undefined) continue;
    const key = `${backendLabel(cell)}: ${terms(cell)}`;
    const where = lines.get(key) ?? [];
    lines.set(key, where);
    if (!where.includes(workload(cell.workload))) where.push(workload(cell.workload));
  }
  if (lines.size === 0) return [];
  const all = new Set(study.cells.filter((c) => c.baselineCellId !== null).map((c) => workload(c.workload))).size;
  const out = ['', style('bold', 'Terms (clock CLOCK_MONOTONIC throughout)')];
  for (const [text, where] of lines) {
    out.push(...wrap(`   ${text}${where.length < all ? ` (${where.join(', ')})` : ''}`, width, '     '));
  }
  return out;
}

// ---------------------------------------------------------------- text

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function widest(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour sequences take no columns
  return Math.max(...text.split('\n').map((line) => line.replace(/\u001b\[[\d;]*m/g, '').length));
}

/**
 * Breaks at spaces, further lines behind `indent`; `label` stands before the first word as it is. A command between backquotes is never broken: it must be copied
 * whole, and what the terminal wraps it does not break.
 */
export function wrap(text: string, width: number, indent: string, label = ''): string[] {
  const lead = label + (/^ */.exec(text)?.[0] ?? '');
  const words = text.trim().match(/[^\s`]*`[^`]*`\S*|\S+/g) ?? [];
  const lines: string[] = [];
  let line = lead;
  let empty = true;
  for (const word of words) {
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  lines.push(line);
  return lines;
}
