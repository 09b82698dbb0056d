/**
 * Buffers asked for by the calls they hold. Mechanisms round a size in bytes down, so what is asked of them is rounded
 * up here to a size they have: never room for fewer calls than were asked for.
 */
import type { BufferTerms } from '../backend.ts';
import type { Machine } from '../machine/machine.ts';

/** A dropping backend that saw less than this many buffers full of calls was not stressed (docs/method.md). */
export const STRESS_FACTOR = 20;

/** Whole budget over all CPUs by which one CPU reaches room for `calls`. */
export function bytesForCalls(buffer: BufferTerms, calls: number, machine: Machine): number {
  const one = wholeSize(calls * buffer.bytesPerCall, buffer.granularity, machine.pageBytes);
  return buffer.perCpu ? one * machine.bufferCpus : one;
}

function wholeSize(bytes: number, granularity: BufferTerms['granularity'], pageBytes: number): number {
  if (granularity === 'call') return bytes;
  const pages = Math.ceil(bytes / pageBytes);
  return pageBytes * (granularity === 'page' ? pages : 2 ** Math.ceil(Math.log2(pages)));
}

/** What a workload on one CPU can fill of a budget. */
export function reachableBytes(buffer: BufferTerms, budgetBytes: number, machine: Machine): number {
  return buffer.perCpu ? budgetBytes / machine.bufferCpus : budgetBytes;
}
