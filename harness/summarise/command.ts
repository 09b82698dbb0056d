import type { Cell, Plan, WorkloadSpec } from '../result.ts';
import { wakeupText } from '../wakeup.ts';

type PlanCell = Plan['cells'][number];

/** What a command should do differently from the study at hand. */
export interface Change {
  readonly rounds?: number;
  readonly bufferBytes?: number;
  readonly inFlight?: number;
  readonly calls?: number;
}

/** A workload as it is typed and shown: `threads:4`, `null`. */
export function workloadLabel(workload: WorkloadSpec): string {
  return workload.kind === 'stamped' && workload.threads > 1 ? `${workload.name}:${workload.threads}` : workload.name;
}

type Command = Extract<WorkloadSpec, { kind: 'application' }>;

function isCommand(workload: WorkloadSpec): workload is Command {
  return workload.kind === 'application' && workload.catalogued === undefined;
}

/** A cell's backend as it is shown: with its budget where that is not the one in bytes. */
export function backendLabel({ variant, terms }: Pick<Cell, 'variant' | 'terms'>): string {
  const calls = terms.askedCallsInFlight;
  return calls === null ? variant : `${variant} @${calls.toLocaleString('en-US')} calls`;
}

/** `./tracebench run …` for one cell (with its baseline) or for the whole plan, as it must be typed. */
export function runCommand(plan: Plan, cell: PlanCell | null, change: Change = {}): string {
  const words = ['./tracebench', 'run'];
  const backends = cell ? [cell.trial.variant] : plan.backends;
  words.push('--backends', [...new Set(backends)].join(','));
  const workloads = cell ? [cell.trial.workload] : plan.workloads;
  const named = [...new Set(workloads.filter((w) => !isCommand(w)).map(workloadLabel))];
  if (named.length > 0) words.push('--workloads', named.join(','));
  const filter = cell ? cell.trial.filter : plan.filter;
  if (filter) words.push('-e', filter.join(','));
  words.push('--rounds', String(change.rounds ?? plan.rounds));
  if (change.calls !== undefined) words.push('--calls', String(change.calls));
  const buffer = change.bufferBytes ?? plan.bufferBytes;
  if (buffer !== DEFAULT_BUFFER) words.push('--buffer', bytes(buffer));
  const inFlight = change.inFlight ?? (cell ? cell.trial.inFlight : plan.inFlight);
  if (inFlight !== null) words.push('--in-flight', String(inFlight));
  if (plan.placement !== null) words.push('--placement', plan.placement);
  if (plan.idle !== 'native') words.push('--idle', plan.idle);
  if (plan.wakeup !== null) words.push('--wakeup', wakeupText(plan.wakeup));
  if (plan.detail !== undefined) words.push('--detail', plan.detail);
  if (plan.user !== null) words.push('--user', plan.user);
  const command = workloads.find(isCommand);
  if (command) words.push('--', ...command.argv);
  return words.map(quote).join(' ');
}

const DEFAULT_BUFFER = 8 * 2 ** 20;

function bytes(n: number): string {
  for (const [unit, size] of [
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (n % size === 0) return `${n / size}${unit}`;
  }
  return String(n);
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
