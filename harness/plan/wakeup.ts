/**
 * Who wakes the collector, in the one vocabulary of flags, plan files, terms and reports: `timer:200` (µs between looks
 * when idle), `adaptive` (the kernel wakes a collector that had caught up), `watermark:4096` (the kernel wakes it once so
 * many bytes wait). `sync`, every event a wake-up, is nobody's choice: it is what stopping the workload means.
 */
import type { VariantDefinition, Wakeup } from '../backend.ts';
import { usageError } from '../errors.ts';
import { RECORD_BYTES } from '../event.ts';

/** A collector that looks less often measures its own sleep. */
const LONGEST_TIMER_US = 1_000_000;
/** What the perf and BPF interfaces can be told. */
const MOST_WATERMARK_BYTES = 2 ** 31;

export function parseWakeup(text: string, what: string): Wakeup {
  const [kind, number, ...rest] = text.trim().split(':');
  const value = number !== undefined && /^\d+$/.test(number) ? Number(number) : Number.NaN;
  if (rest.length === 0) {
    if (kind === 'adaptive' && number === undefined) return { kind };
    if (kind === 'timer' && within(value, 1, LONGEST_TIMER_US)) return { kind, value };
    if (kind === 'watermark' && within(value, RECORD_BYTES, MOST_WATERMARK_BYTES)) return { kind, value };
  }
  throw usageError(
    `${what}: '${text}' is no wake-up policy`,
    `write timer:N (1 … ${LONGEST_TIMER_US} µs between looks), adaptive, or watermark:N (bytes, at least ${RECORD_BYTES}: one record)`,
  );
}

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

/** Why `asked` means nothing to a variant; null where it does. */
export function keepsOwnWakeup({ capabilities, wakeup, tool }: VariantDefinition): string | null {
  if (tool !== undefined) return 'it is a whole tool';
  if (wakeup.kind === 'sync') return 'every call is a wake-up (sync)';
  if (capabilities.delivers !== 'records') return 'it delivers no records that anybody would be woken for';
  return null;
}
