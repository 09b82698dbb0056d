/** What planning must know of the machine: its CPUs, its memory, its page. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { parseCpuList } from './proc-files.ts';

export interface Machine {
  /** CPUs this process may run on, ascending. */
  readonly cpus: readonly number[];
  /** CPUs that a mechanism with a buffer for each of them makes one for: up to the highest online one. */
  readonly bufferCpus: number;
  readonly memoryBytes: number;
  readonly pageBytes: number;
}

export function readMachine(): Machine {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const cpus = parseCpuList(allowed);
  const online = parseCpuList(readFileSync('/sys/devices/system/cpu/online', 'utf8'));
  return { cpus, bufferCpus: Math.max(...online) + 1, memoryBytes: totalmem(), pageBytes: pageBytes() };
}

const AT_PAGESZ = 6n;

/** From the auxiliary vector: Node has no getpagesize, and arm64 kernels use 4, 16 or 64 KiB. */
function pageBytes(): number {
  const vector = readFileSync('/proc/self/auxv');
  for (let at = 0; at + 16 <= vector.length; at += 16) {
    if (vector.readBigUInt64LE(at) === AT_PAGESZ) return Number(vector.readBigUInt64LE(at + 8));
  }
  throw new Error('/proc/self/auxv names no page size');
}
