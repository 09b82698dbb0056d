/** What every backend saw of one command, in columns; below, what each missed and cost. */
import { formatBytes, formatDuration } from '../notation.ts';
import type { Witness } from '../reference/joint.ts';
import type { BackendRow } from '../result.ts';
import type { AllResult, Part } from './all.ts';
import type { LostCalls } from './loss.ts';
import { callLabel } from './summary.ts';

const NONE = '-';

type Row = readonly [string, ...string[]];

/** Ends in a newline. `unusable`: backends that could not take part, and why. */
export function renderSideBySide(result: AllResult, unusable: readonly BackendRow[]): string {
  const { parts, issued } = result;
  const witnesses = [issued, ...parts.map((p) => p.witness)];
  const head: Row = ['', ...witnesses.map((w, i) => (parts[i - 1]?.alone == null ? w.variant : `${w.variant} *`))];
  const per = (value: (w: Witness, p: Part | null) => string): string[] =>
    witnesses.map((w, i) => value(w, parts[i - 1] ?? null));
  const facts: Row[] = [
    ['calls', ...per((w) => String(w.tally.calls))],
    ['births', ...per((w) => (w.capabilities.seesBirths ? String(w.tally.births) : NONE))],
    ['refused by seccomp', ...per((w) => (w.capabilities.seccompRefusals === 'told' ? String(w.tally.refused) : NONE))],
    ['lost, as admitted', ...per((w) => amount(w.lost))],
    ['missing', ...per((_, p) => ofContent(p, (c) => c.onlyReference))],
    ['too many', ...per((_, p) => ofContent(p, (c) => c.onlyOther))],
    ['different', ...per((_, p) => ofContent(p, (c) => c.contents))],
    ['collector CPU a call', ...per(cpuPerCall)],
    [
      'buffer a call',
      ...per((w) => (w.report.geometry.bytesPerCall > 0 ? formatBytes(w.report.geometry.bytesPerCall) : NONE)),
    ],
    ['attach', ...per((w) => formatNs(w.report.armNs))],
    ['detach', ...per((w) => formatNs(w.report.disarmNs))],
  ];
  const lines = [...aligned([head, ...callRows(witnesses), ...facts], callRows(witnesses).length), ''];
  const reference = parts[0]?.witness.variant ?? '';
  lines.push(
    `${issued.variant} supplies how many calls there were; missing, too many and different are against ${reference}, call by call, on the same process.`,
    'Collectors cost each other: the CPU is of this joint run, no measurement of any of them alone (./tracebench run).',
  );
  for (const p of parts) if (p.alone !== null) lines.push(`* ${p.witness.variant} had a run of its own: ${p.alone}`);
  for (const { witness, against } of parts) {
    for (const reason of against?.reasons ?? []) lines.push(`${witness.variant}: ${reason}`);
    if (against === null || against.reasons.length === 0) continue;
    for (const d of against.content?.differences ?? []) {
      lines.push(`  ${reference}: ${d.reference ?? NONE}`, `  ${witness.variant}: ${d.other ?? NONE}`);
    }
  }
  for (const row of [...unusable, ...result.failed]) {
    lines.push(
      `${row.variant} took no part: ${row.reason ?? 'reason not known'}${row.mend === null ? '' : ` (${row.mend})`}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Most calls of the first column first. */
function callRows(witnesses: readonly Witness[]): Row[] {
  const labels = new Map<string, number>();
  for (const { tally } of witnesses) {
    for (const entry of tally.entries) {
      const label = callLabel(entry);
      if (entry.calls > 0) labels.set(label, Math.max(labels.get(label) ?? 0, entry.calls));
    }
  }
  const calls = (w: Witness, label: string): string => {
    const entry = w.tally.entries.find((e) => callLabel(e) === label);
    return entry === undefined || entry.calls === 0 ? '' : String(entry.calls);
  };
  return [...labels]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([label]): Row => [label, ...witnesses.map((w) => calls(w, label))]);
}

/** A rule below the head and below the first `rows` rows. */
function aligned(table: readonly Row[], rows: number): string[] {
  const widths = (table[0] ?? ['']).map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  const text = table.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [text[0] ?? '', rule, ...text.slice(1, rows + 1), rule, ...text.slice(rows + 1)];
}

function amount({ min, max }: LostCalls): string {
  return min === max ? String(min) : `${min}–${max ?? '?'}`;
}

function ofContent(
  p: Part | null,
  value: (c: { onlyReference: number; onlyOther: number; contents: number }) => number,
) {
  const content = p?.against?.content ?? null;
  return content === null ? NONE : String(value(content));
}

function cpuPerCall(w: Witness): string {
  const { report, tally } = w;
  return w.capabilities.delivers === 'records' && tally.calls > 0
    ? formatNs(report.run.drainCpuNs / tally.calls)
    : NONE;
}

function formatNs(ns: number): string {
  if (ns < 1000) return `${ns.toFixed(0)} ns`;
  return ns < 1e6 ? `${(ns / 1000).toFixed(1)} µs` : formatDuration(ns / 1e6);
}
