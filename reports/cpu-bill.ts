/** The CPU bill: who had the CPU time that tracing a call takes, on the whole machine. */
import { addedInterval, type Figure, NOTHING, percent, time, timeInterval } from '../harness/notation.ts';
import type { Cell, Study } from '../harness/result.ts';
import { backendLabel } from '../harness/result-words.ts';
import { type Column, columns } from './columns.ts';
import { workload } from './format.ts';

export const CPU_BILL_TITLE = 'CPU bill (CPU time per call, all CPUs together)';
export const CPU_BILL_TEXT =
  'From soaked trials, in which a thread of the idle class counts what is left over of each CPU; their times are in no other table. ' +
  'Traced rows: what comes on top of the soaked untraced trial of the same round, whose own bill stands in the untraced row. ' +
  'Unattributed: the total less what is known to have run: interrupts, switches, wake-ups, other processes. Interrupts that find a named ' +
  'thread running are in its time. Noise: what the soaker’s view of the idle machine, before each trial, would come to in such a section.';

/** `left:` or `right:` before each head. */
export const CPU_BILL_COLUMNS: readonly Column[] = columns(
  'left:workload',
  'left:backend',
  'right:delivered',
  'right:workload',
  'right:collector',
  'right:other\nthreads',
  'right:kernel\nthreads',
  'right:unattributed',
  'right:total',
  'right:noise',
);

const PARTS = ['workload', 'collector', 'otherThreads', 'kernelThreads', 'unattributed', 'total'] as const;

export interface CpuBillRow {
  readonly workload: string;
  readonly backend: string;
  readonly delivered: string;
  /** As the columns from `workload` to `total`. */
  readonly figures: readonly Figure[];
  readonly noise: string;
}

export function cpuBillRows({ cells }: Pick<Study, 'cells'>): CpuBillRow[] {
  return cells.flatMap((cell) => (cell.cpuBill === undefined ? [] : [row(cell, cell.cpuBill)]));
}

function row(cell: Cell, { added, perCall, deliveredFraction, noiseNsPerCall }: NonNullable<Cell['cpuBill']>) {
  return {
    workload: workload(cell.workload),
    backend: added === null ? `${backendLabel(cell)} (untraced)` : backendLabel(cell),
    delivered: percent(deliveredFraction),
    figures: PARTS.map((part) => (added === null ? timeInterval(perCall[part]) : addedInterval(added[part]))),
    noise: noiseNsPerCall === null ? NOTHING : `± ${time(noiseNsPerCall)}`,
  };
}

/** The kernel threads behind the column, busiest first; empty where none ran. */
export function kernelThreadsLine({ cells }: Pick<Study, 'cells'>): string {
  const named = new Map<string, string[]>();
  for (const cell of cells) {
    const names = cell.cpuBill?.kernelThreads.join(', ') ?? '';
    if (names === '') continue;
    const variants = named.get(names) ?? [];
    named.set(names, variants);
    if (!variants.includes(cell.variant)) variants.push(cell.variant);
  }
  const parts = [...named].map(([names, variants]) => `${names} (${variants.join(', ')})`);
  return parts.length === 0 ? '' : `Kernel threads that ran most: ${parts.join('; ')}.`;
}
