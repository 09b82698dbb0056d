/** Live processes that run one of our native programs. */
import { readdirSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { readProcess } from '../machine/proc-files.ts';
import { binDir } from '../paths.ts';

export interface OurProcess {
  readonly pid: number;
  readonly ppid: number;
  /** Name of the program, e.g. `tracebench-launcher`. */
  readonly name: string;
  /** Clock ticks since boot at which it started: tells a pid that was given out again. */
  readonly startTicks: number;
}

function executable(pid: number): string | null {
  try {
    // A rebuilt program's old processes run a deleted file.
    return readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '');
  } catch {
    return null;
  }
}

/** What /proc says of one process; null when it is not ours, a zombie, or gone. */
export function readOurProcess(pid: number, directory = binDir): OurProcess | null {
  const exe = executable(pid);
  if (exe === null || dirname(exe) !== directory) return null;
  const facts = readProcess(pid);
  if (facts === null || facts.state === 'Z') return null;
  return { pid, ppid: facts.ppid, name: exe.slice(directory.length + 1), startTicks: facts.startTicks };
}

/** All of them, by pid. Those of other users show only to root. */
export function listOurProcesses(directory = binDir): OurProcess[] {
  const found: OurProcess[] = [];
  for (const entry of readdirSync('/proc')) {
    const ours = /^\d+$/.test(entry) ? readOurProcess(Number(entry), directory) : null;
    if (ours !== null) found.push(ours);
  }
  return found.sort((a, b) => a.pid - b.pid);
}
