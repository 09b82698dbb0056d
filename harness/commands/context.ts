/** What every command gets from the command line around it, and how it speaks. */
import { randomInt } from 'node:crypto';
import { isAbsolute, join, relative, sep } from 'node:path';
import { backendsAndTools } from '../../backends/index.ts';
import { applications } from '../../workloads/applications/index.ts';
import { workloads } from '../../workloads/index.ts';
import { lackOf } from '../applications/programs.ts';
import { readMachine } from '../machine/machine.ts';
import { projectRoot } from '../paths.ts';
import type { PlanContext } from '../plan/context.ts';
import { parseCount } from '../quantity.ts';
import { NATIVE_ARCH, parseSyscallList, syscallName } from '../syscalls/index.ts';
import type { Behalf } from './on-behalf.ts';

export interface CommandContext {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Words after `--`; null without it. */
  readonly rest: readonly string[] | null;
  /** Who asked, when this runs as root for somebody else; null when it does not. */
  readonly behalf: Behalf | null;
  /** The arguments as typed. */
  readonly argv: readonly string[];
  /** Standard output, whole; resolves when it is written. */
  readonly print: (text: string) => Promise<void>;
  /** Ends the process without waiting for anything. */
  readonly exitNow: (exitCode: number) => void;
}

/** How a command says its exit code when it is not 0. */
export type Finish = (exitCode: number) => void;

/** Where studies go and are looked for. */
export const resultsDir: string = join(projectRoot, 'results');

export function planContext(): PlanContext {
  return {
    backends: backendsAndTools,
    workloads,
    applications: applications.map((application) => ({ ...application, lack: lackOf(application) })),
    machine: readMachine(),
    syscallNumbers: parseSyscallList,
    syscallName: (nr) => syscallName(NATIVE_ARCH, nr),
  };
}

/** Parser of an option that takes 1 or more. */
export function countOf(flag: string) {
  return (text: string): number => parseCount(text, flag, 1);
}

/** Where none was asked for; it is recorded. */
export function freshSeed(): number {
  return randomInt(2 ** 31);
}

export function printJson(context: CommandContext, document: unknown): Promise<void> {
  return context.print(`${JSON.stringify(document, null, 2)}\n`);
}

/** A path as short as it can be typed from here. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' || isAbsolute(near) || near.startsWith(`..${sep}`) ? path : near;
}
