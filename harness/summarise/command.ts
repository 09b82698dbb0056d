import { formatShare } from '../notation.ts';
import { type Pace, paceLabel, paceText } from '../plan/pace.ts';
import { pairId } from '../plan/pairs.ts';
import { starvationOf } from '../plan/starvation.ts';
import type { Plan, WorkloadSpec } from '../result.ts';
import { starvationText, wakeupText, workloadName } from '../result-words.ts';

type PlanCell = Plan['cells'][number];

/** What a command should do differently from the study at hand. */
export interface Change {
  readonly rounds?: number;
  readonly bufferBytes?: number;
  readonly inFlight?: number;
  readonly calls?: number;
}

/** A workload as it is shown: with its pace, where it has one. */
export function workloadLabel(workload: WorkloadSpec): string {
  const name = workloadName(workload);
  return workload.kind === 'stamped' && workload.pace ? `${name} at ${paceLabel(workload.pace)}` : name;
}

type Command = Extract<WorkloadSpec, { kind: 'application' }>;

function isCommand(workload: WorkloadSpec): workload is Command {
  return workload.kind === 'application' && workload.catalogued === undefined;
}

function isPair({ trial }: PlanCell): boolean {
  return trial.alongside !== undefined;
}

/** The variant, or both of two at once, as it is typed. */
export function backendName({ trial: { variant, alongside } }: PlanCell): string {
  return alongside === undefined ? variant : pairId(variant, alongside.variant);
}

/** `./tracebench run …` for one cell (with its baseline) or for the whole plan, as it must be typed. */
export function runCommand(plan: Plan, cell: PlanCell | null, change: Change = {}): string {
  const words = ['./tracebench', 'run'];
  const backends = cell ? [backendName(cell)] : [...plan.backends, ...plan.cells.filter(isPair).map(backendName)];
  words.push('--backends', [...new Set(backends)].join(','));
  const match = cell === null ? (plan.match ?? []) : [];
  const workloads = cell
    ? [cell.trial.workload]
    : plan.workloads.filter((w) => match.length === 0 || w.kind !== 'stamped' || w.match === undefined);
  const named = [...new Set(workloads.filter((w) => !isCommand(w)).map(workloadName))];
  if (match.length > 0) words.push('--match', match.join(','));
  if (named.length > 0) words.push('--workloads', named.join(','));
  words.push(...paceWords(workloads.flatMap((w) => (w.kind === 'stamped' && w.pace ? w.pace : []))));
  const filter = cell ? cell.trial.filter : plan.filter;
  if (filter) words.push('-e', filter.join(','));
  words.push('--rounds', String(change.rounds ?? plan.rounds));
  if (plan.untilHalfWidth !== undefined && cell === null)
    words.push('--until-half-width', formatShare(plan.untilHalfWidth));
  const calls = change.calls ?? pacedCallsOf(cell);
  if (calls !== null) words.push('--calls', String(calls));
  const buffer = change.bufferBytes ?? plan.bufferBytes;
  if (buffer !== DEFAULT_BUFFER) words.push('--buffer', bytes(buffer));
  const inFlight = change.inFlight ?? (cell ? cell.trial.inFlight : plan.inFlight);
  if (inFlight !== null) words.push('--in-flight', String(inFlight));
  if (plan.placement !== null) words.push('--placement', plan.placement);
  if (plan.cpuBill !== undefined) words.push('--cpu-bill');
  if (plan.idle !== 'native') words.push('--idle', plan.idle);
  // Of a cell its own, unless that is what its variant has anyway.
  const own = cell && wakeupText(cell.trial.wakeup);
  const wakeups = plan.wakeups.filter((wakeup) => own === null || wakeupText(wakeup) === own);
  if (wakeups.length > 0) words.push('--wakeup', wakeups.map(wakeupText).join(','));
  const starvations = (cell ? [cell] : plan.cells).flatMap(({ trial }) => starvationOf(trial) ?? []);
  if (starvations.length > 0) words.push('--starve', [...new Set(starvations.map(starvationText))].join(','));
  if (plan.detail !== undefined) words.push('--detail', plan.detail);
  if (plan.user !== null) words.push('--user', plan.user);
  const command = workloads.find(isCommand);
  if (command) words.push('--', ...command.argv);
  return words.map(quote).join(' ');
}

function paceWords(paces: readonly Pace[]): string[] {
  const typed = (some: readonly Pace[]): string => [...new Set(some.map(paceText))].join(',');
  const even = paces.filter(({ burstCalls }) => burstCalls === 1);
  const bursts = paces.filter(({ burstCalls }) => burstCalls > 1);
  return [
    ...(even.length > 0 ? ['--rate', typed(even)] : []),
    ...(bursts.length > 0 ? ['--burst', typed(bursts)] : []),
  ];
}

/** The length of an open loop's section is not recorded, but the number of calls is, which comes to the same. */
function pacedCallsOf(cell: PlanCell | null): number | null {
  const workload = cell?.trial.workload;
  return workload?.kind === 'stamped' && workload.pace ? workload.calls : null;
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
