/** What processes used: CPU time from schedstat, in ns where rusage of short runs is ticks; memory. */
import { readdirSync } from 'node:fs';
import { field, readFact } from '../machine/proc-files.ts';

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}`);
  } catch {
    return []; // gone
  }
}

/** Its threads; 0 for a process that is gone. */
export function processCpuNs(pid: number): number {
  return tasksOf(pid).reduce((sum, task) => sum + Number(readFact(`${task}/schedstat`)?.split(' ')[0] ?? 0), 0);
}

/** With its living descendants; a kernel without CONFIG_PROC_CHILDREN names none. */
export function treeCpuNs(pid: number): number {
  const children = tasksOf(pid).flatMap((task) => (readFact(`${task}/children`) ?? '').split(' '));
  return children
    .filter((text) => text !== '')
    .reduce((sum, child) => sum + treeCpuNs(Number(child)), processCpuNs(pid));
}

/** The most it ever had in memory; 0 for a process that is gone. */
export function peakRssBytes(pid: number): number {
  return Number.parseInt(field(readFact(`/proc/${pid}/status`), 'VmHWM') ?? '0', 10) * 1024;
}
