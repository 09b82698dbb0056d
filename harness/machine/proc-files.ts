/** Single facts of /proc and /sys. What is missing or may not be read is null. */
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Inodes of the initial namespaces (linux/proc_ns.h): who has all four is in no container, whatever files say. */
export const INITIAL_NAMESPACES = { ipc: 4026531839, uts: 4026531838, pid: 4026531836, cgroup: 4026531835 } as const;

/** Trimmed contents; null when the file is missing, unreadable or refuses to be read. */
export function readFact(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

export interface ProcessFacts {
  /** Of its program, at most 15 characters of it. */
  readonly name: string;
  /** One letter; Z is a zombie. */
  readonly state: string;
  readonly ppid: number;
  /** Clock ticks since boot at which it started: tells a pid that was given out again. */
  readonly startTicks: number;
}

/** What /proc/PID/stat says of a process; null when there is none. */
export function readProcess(pid: number | 'self'): ProcessFacts | null {
  // The name in brackets may hold anything; the fields after the last bracket are plain.
  const stat = readFact(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const close = stat.lastIndexOf(')');
  const fields = stat.slice(close + 2).split(' ');
  if (fields.length < 20) return null;
  const name = stat.slice(stat.indexOf('(') + 1, close);
  return { name, state: fields[0] ?? '', ppid: Number(fields[1]), startTicks: Number(fields[19]) };
}

/** Inode of a namespace of this process, from the link `pid:[4026531836]`. */
export function namespaceInode(name: string, root = '/'): number | null {
  const inode = /\[(\d+)\]$/.exec(link(join(root, 'proc/self/ns', name)) ?? '')?.[1];
  return inode === undefined ? null : Number(inode);
}

/** One line of `Key:<tab>value` files. */
export function field(text: string | null, key: string): string | null {
  const line = text?.split('\n').find((l) => l.slice(0, l.indexOf(':')).trim() === key);
  return line === undefined ? null : line.slice(line.indexOf(':') + 1).trim();
}

/** CPUs in the kernel's list form, such as `0-3,6`. */
export function parseCpuList(list: string): number[] {
  const cpus: number[] = [];
  for (const range of list.trim().split(',')) {
    const ends = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (ends === null) continue;
    for (let cpu = Number(ends[1]); cpu <= Number(ends[2] ?? ends[1]); cpu++) cpus.push(cpu);
  }
  return cpus;
}
