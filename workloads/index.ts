/**
 * The catalogue of workloads. Data, and the command lines that follow from it; what each one does between START and END
 * is in its C file, the exact calls and registers are in README.md. Knows no backend.
 */
import { join } from 'node:path';
import type { TracedFunction } from '../harness/backend.ts';
import { usageError } from '../harness/errors.ts';
import { projectRoot } from '../harness/paths.ts';

export interface WorkloadOptions {
  /** Stamped calls asked for, all lanes; the program rounds up to whole iterations and its truth line says how many. */
  readonly calls: number;
  /** Seed of what is drawn at random; the program's default is 1. */
  readonly seed?: number;
  /** Lanes; only for workloads with maxThreads > 1, whose default is 2. */
  readonly threads?: number;
  /** Per cent of the calls that are the one wanted; only for a workload with `wanted`, whose default is 10. */
  readonly match?: number | undefined;
  /** Calls before START, each lane; the program's default is a tenth of `calls`, at most 10,000. */
  readonly warmup?: number;
  /** Open loop; absent: a closed one. */
  readonly pace?: { readonly ratePerS: number; readonly burstCalls: number } | undefined;
}

export interface Workload {
  readonly name: string;
  /** One line for tables and `tracebench list`. */
  readonly title: string;
  /** Absolute path of the program. */
  readonly program: string;
  /** Stamped calls of one iteration; where iterations differ, of the shortest. */
  readonly callsPerIteration: number;
  /** Names of the calls that carry a stamp: they enter missing, latency and order. None where a function's calls do. */
  readonly stamped: readonly string[];
  /** Its stamped calls are those of this function, and it makes no system call. Absent: they are system calls. */
  readonly function?: TracedFunction;
  /** Names of the calls whose number is known and which carry no stamp. */
  readonly counted: readonly string[];
  /** What else the target does, before START and after END. */
  readonly outside: string;
  /** Stamped calls that may sleep; they are left out of the latency distribution. */
  readonly blocking: readonly string[];
  /** Of a trial when nothing else decides it. */
  readonly defaultCalls: number;
  readonly maxCalls: number;
  readonly maxThreads: number;
  /** Of its two calls the one that a filter is to let pass: what share it has can be chosen. Absent: nothing can. */
  readonly wanted?: string | undefined;
  /** The seed changes what is done. */
  readonly seeded: boolean;
  /** The command that runs it. Throws a usage error (exit code 2) for numbers that the program would refuse. */
  argv(options: WorkloadOptions): string[];
}

type Entry = Omit<Workload, 'program' | 'argv' | 'outside' | 'blocking' | 'counted' | 'maxThreads' | 'seeded'> &
  Partial<Pick<Workload, 'outside' | 'blocking' | 'counted' | 'maxThreads' | 'seeded'>>;

const CALLS_MOST = 1e12;
/** TB_RATE_MAX of workload.h. */
const RATE_MOST = 1e7;

function checked(name: string, what: string, value: number, least: number, most: number): string {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return String(value);
  throw usageError(`workload ${name}: ${what} ${value} is not a whole number from ${least} to ${most}`);
}

function defineWorkload(entry: Entry): Workload {
  const { name } = entry;
  const maxThreads = entry.maxThreads ?? 1;
  const program = join(projectRoot, 'build', 'bin', `tb-${name}`);
  return {
    counted: [],
    blocking: [],
    seeded: false,
    outside: 'loader, libc and preparation before START; the truth line and the exit after END',
    ...entry,
    maxThreads,
    program,
    argv({ calls, seed, threads, match, warmup, pace }) {
      const words = [program, '--calls', checked(name, 'calls', calls, 1, entry.maxCalls)];
      if (seed !== undefined) words.push('--seed', checked(name, 'seed', seed, 0, Number.MAX_SAFE_INTEGER));
      if (threads !== undefined) {
        const count = checked(name, 'threads', threads, 1, maxThreads);
        if (maxThreads > 1) words.push('--threads', count);
      }
      if (match !== undefined && entry.wanted !== undefined)
        words.push('--match', checked(name, 'per cent of matching calls', match, 0, 100));
      if (warmup !== undefined) words.push('--warmup', checked(name, 'warm-up calls', warmup, 0, entry.maxCalls));
      if (pace !== undefined) {
        words.push('--rate', checked(name, 'calls a second', pace.ratePerS, 1, RATE_MOST));
        words.push('--burst', checked(name, 'calls of a burst', pace.burstCalls, 1, entry.maxCalls));
      }
      return words;
    },
  };
}

/** On arm64 there is no fork, and clone has no register free for a stamp. */
const forkIsStamped = process.arch !== 'arm64';

/** In the order of tables. */
export const workloads: readonly Workload[] = [
  defineWorkload({
    name: 'null',
    title: 'getppid in a loop: the bare way in and out of the kernel',
    callsPerIteration: 1,
    stamped: ['getppid'],
    defaultCalls: 1_000_000,
    maxCalls: CALLS_MOST,
  }),
  defineWorkload({
    name: 'visible',
    title: 'lseek(-1, stamp): as cheap, and every tool prints the stamp',
    callsPerIteration: 1,
    stamped: ['lseek'],
    defaultCalls: 1_000_000,
    maxCalls: CALLS_MOST,
  }),
  defineWorkload({
    name: 'file',
    title: 'openat, read, fstat, close of one small file',
    callsPerIteration: 4,
    stamped: ['openat', 'read', 'fstat', 'close'],
    defaultCalls: 400_000,
    maxCalls: CALLS_MOST,
  }),
  defineWorkload({
    name: 'rdwr',
    title: 'one byte in, one byte out: the densest load that does work',
    callsPerIteration: 2,
    stamped: ['read', 'write'],
    defaultCalls: 1_000_000,
    maxCalls: 2 ** 32,
  }),
  defineWorkload({
    name: 'mixed',
    title: 'ten kinds of call in a drawn order, weighted as a web server’s',
    callsPerIteration: 1,
    stamped: ['ioctl', 'read', 'write', 'openat', 'close', 'fstat', 'lseek', 'fcntl', 'dup', 'getuid'],
    defaultCalls: 1_000_000,
    maxCalls: CALLS_MOST,
    seeded: true,
  }),
  defineWorkload({
    name: 'threads',
    title: 'null on several threads at once',
    callsPerIteration: 1,
    stamped: ['getppid'],
    outside: 'loader, libc, preparation and the threads’ births before START; their exits and the truth line after END',
    defaultCalls: 1_000_000,
    maxCalls: CALLS_MOST,
    maxThreads: 64,
  }),
  defineWorkload({
    name: 'selective',
    title: 'a share of lseek(-1) among getuid: what calls cost that a filter lets pass, and others',
    callsPerIteration: 1,
    stamped: ['lseek', 'getuid'],
    wanted: 'lseek',
    defaultCalls: 1_000_000,
    maxCalls: CALLS_MOST,
  }),
  defineWorkload({
    name: 'exec',
    title: 'fork, execve of a program that exits at once, wait4: as a shell does',
    callsPerIteration: forkIsStamped ? 2 : 1,
    stamped: forkIsStamped ? ['fork', 'execve'] : ['execve'],
    counted: forkIsStamped ? ['wait4', 'exit_group'] : ['clone', 'wait4', 'exit_group'],
    blocking: forkIsStamped ? ['fork', 'execve'] : ['execve'],
    defaultCalls: 10_000,
    maxCalls: 1e9,
  }),
  defineWorkload({
    name: 'function',
    title: 'a function of its own in a loop, for uprobes and USDT probes: no system calls',
    callsPerIteration: 1,
    stamped: [],
    function: { symbol: 'tb_function', stepped: 'tb_function_stepped', provider: 'tracebench', probe: 'call' },
    defaultCalls: 1_000_000,
    maxCalls: CALLS_MOST,
  }),
];

/** A workload of the catalogue by name, undefined for any other. */
export function findWorkload(name: string): Workload | undefined {
  return workloads.find((workload) => workload.name === name);
}

/** Any command as a workload: no stamps, no control page, its calls are counted by the reference. */
export interface ApplicationWorkload {
  readonly kind: 'application';
  /** For tables: the command's last path element and its arguments, shortened. */
  readonly name: string;
  readonly argv: string[];
}

const NAME_LENGTH = 40;

/** @param argv the command and its arguments. Throws a usage error (exit code 2) when there is no command. */
export function applicationWorkload(argv: readonly string[]): ApplicationWorkload {
  const [command, ...rest] = argv;
  if (!command) throw usageError('no command given after --', 'give one: … -- COMMAND ARGUMENTS');
  const zero = argv.find((word) => word.includes('\0'));
  if (zero !== undefined) throw usageError(`the command has an argument with a zero byte: ${JSON.stringify(zero)}`);
  const full = [command.replace(/^.*\/(?=[^/])/, ''), ...rest].join(' ').replace(/\s+/g, ' ');
  const name = full.length > NAME_LENGTH ? `${full.slice(0, NAME_LENGTH - 1)}…` : full;
  return { kind: 'application', name, argv: [...argv] };
}
