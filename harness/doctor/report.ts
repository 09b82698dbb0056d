/** What doctor says: the report as data and as text for a terminal. Pure; facts and answers come from outside. */
import type { BackendRow } from '../result.ts';
import type { MachineFacts } from './facts.ts';
import { machineLines } from './machine-text.ts';

/** One thing to do, and every variant it would bring. */
export interface Mend {
  readonly mend: string;
  readonly variants: readonly string[];
}

export interface DoctorReport {
  readonly machine: MachineFacts;
  /** Whom targets belong to when the processes that trace are started through sudo; null when they are not. */
  readonly elevatedFor: string | null;
  /** Every registered variant, in report order. */
  readonly backends: readonly BackendRow[];
  readonly usable: number;
  readonly total: number;
  /** Most variants first. */
  readonly mends: readonly Mend[];
  /** "You can run N of M; this gets k more: …". */
  readonly verdict: string;
}

function groupMends(rows: readonly BackendRow[]): Mend[] {
  const groups = new Map<string, string[]>();
  for (const row of rows) {
    if (row.answer === 'yes' || row.mend === null) continue;
    const group = groups.get(row.mend);
    if (group === undefined) groups.set(row.mend, [row.variant]);
    else group.push(row.variant);
  }
  return [...groups]
    .map(([mend, variants]) => ({ mend, variants }))
    .sort((a, b) => b.variants.length - a.variants.length);
}

function verdict(usable: number, total: number, mends: readonly Mend[]): string {
  const can = `You can run ${usable} of ${total}`;
  if (usable === total) return `${can}.`;
  if (mends.length === 0) return `${can}; no mend is known for the others.`;
  const more = mends.map((m) => `this gets ${m.variants.length} more: ${m.mend}`);
  return `${can}; ${more.join('; ')}.`;
}

export function buildReport(
  machine: MachineFacts,
  backends: readonly BackendRow[],
  elevatedFor: string | null,
): DoctorReport {
  const usable = backends.filter((row) => row.answer === 'yes').length;
  const mends = groupMends(backends);
  const total = backends.length;
  return { machine, elevatedFor, backends, usable, total, mends, verdict: verdict(usable, total, mends) };
}

const MARKS = { yes: 'yes', no: 'no', unknown: '?' } as const;

/** A reason is said once a backend: its variants mostly fail alike. */
function reasonText({ variant, answer, reason }: BackendRow, { backends }: DoctorReport): string {
  const [backend = variant] = variant.split('/');
  const first = backends.find((row) => row.variant.split('/')[0] === backend && row.reason === reason);
  const again = reason !== null && first !== undefined && first.variant !== variant && first.answer === answer;
  return again ? `as ${first.variant}` : (reason ?? '');
}

/** Terminal text, ending in a newline. */
export function renderDoctor(report: DoctorReport): string {
  const lines = ['Machine'];
  for (const [label, text] of machineLines(report.machine, report.elevatedFor))
    lines.push(`  ${label.padEnd(10)} ${text}`);
  lines.push('', 'Backends');
  const width = Math.max(...report.backends.map((row) => row.variant.length));
  for (const row of report.backends) {
    lines.push(`  ${row.variant.padEnd(width)}  ${MARKS[row.answer].padEnd(3)} ${reasonText(row, report)}`.trimEnd());
  }
  if (report.mends.length > 0) {
    lines.push('', 'Mends');
    for (const { mend, variants } of report.mends) lines.push(`  ${mend}`, `    gets ${variants.join(', ')}`);
  }
  lines.push('', report.verdict, '');
  return lines.join('\n');
}
