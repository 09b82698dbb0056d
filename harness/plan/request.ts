/** From what a user asked for (settings.ts) to a request: names checked, the profile's values filled in. */
import type { AskedDetail, Wakeup } from '../backend.ts';
import { cannotError, usageError } from '../errors.ts';
import type { Machine } from '../machine/machine.ts';
import { formatBytes } from '../notation.ts';
import { parseBytes } from '../quantity.ts';
import type { Plan, Starvation, WorkloadRow } from '../result.ts';
import { starvationText, wakeupText } from '../result-words.ts';
import { resolveWorkloads } from './asked-workloads.ts';
import { bytesForCalls, reachableBytes } from './buffer.ts';
import type { AskedWorkload, BillScope, Contestant } from './cell-request.ts';
import type { PlanContext } from './context.ts';
import { eachOnce } from './each-once.ts';
import type { Pair } from './pairs.ts';
import { DEFAULT_BUFFER, type Profile, profiles } from './profiles.ts';
import type { Settings } from './settings.ts';
import { definitionOf, resolvePairs, resolveVariants, variantsNamed } from './variants.ts';
import { keepsOwnWakeup } from './wakeup.ts';

/** Settings with every name checked and every default filled in; what is asked of the machine. */
export interface Request {
  readonly profileName: string;
  readonly profile: Profile;
  /** Variant ids in report order, the baseline first. */
  readonly variants: readonly string[];
  /** Two of them at once. */
  readonly pairs: readonly Pair[];
  readonly required: readonly string[];
  /** Those that can run here. */
  readonly workloads: readonly AskedWorkload[];
  /** Applications that were asked for and cannot. */
  readonly absentWorkloads: readonly WorkloadRow[];
  readonly bufferBytes: number;
  /** Of the second set of cells; null: there is none. */
  readonly inFlight: number | null;
  /** Empty: each variant's own. */
  readonly wakeups: readonly Wakeup[];
  /** Ways to starve a collector, each a cell more. */
  readonly starvations: readonly Starvation[];
  /** Of an open loop's section. */
  readonly pacedSectionMs: number;
  /** Absent: what each variant gives by itself. */
  readonly detail?: AskedDetail | undefined;
  readonly idle: Plan['idle'];
  /** null: no soaked cells. */
  readonly cpuBill: BillScope | null;
  /** Native numbers of the calls traced; null: all. */
  readonly filterNumbers: readonly number[] | null;
  readonly rounds: number;
  readonly warmupRounds: number;
  readonly timeBudgetMs: number | null;
  /** Absent: no precision was asked for. */
  readonly untilHalfWidth?: number | undefined;
  /** The budget was named by the user: a plan whose least rounds do not fit is refused. */
  readonly timeIsLimit: boolean;
  readonly seed: number;
  readonly settings: Settings;
}

/** Throws usage errors; `freshSeed` is used when the settings name none. */
export function resolveRequest(settings: Settings, context: PlanContext, freshSeed: number): Request {
  const profileName = settings.profile ?? 'quick';
  const profile = profiles[profileName];
  const bufferBytes = settings.buffer ?? parseBytes(DEFAULT_BUFFER, 'buffer');
  checkBuffer(bufferBytes, context.machine);
  const variants = resolveVariants(settings.backends, profile, context.backends);
  const inFlight = settings.inFlight ?? profile.inFlight;
  const contestants = variants.map((id) => definitionOf(id, context.backends));
  if (inFlight !== null) checkInFlight(inFlight, contestants, context.machine);
  for (const wakeup of settings.wakeup ?? [])
    checkWatermark(wakeup, { bufferBytes, inFlight }, contestants, context.machine);
  const required = requiredNames(settings.require ?? [], context);
  const filterNumbers = settings.events ? context.syscallNumbers(settings.events.join(',')) : null;
  return {
    profileName,
    profile,
    variants,
    pairs: resolvePairs(settings.backends ?? [], context.backends),
    required,
    ...resolveWorkloads(settings, profile, context),
    bufferBytes,
    inFlight,
    wakeups: eachOnce(settings.wakeup ?? [], wakeupText),
    starvations: eachOnce(settings.starve ?? [], starvationText),
    pacedSectionMs: settings.section ?? profile.pacedSectionMs,
    detail: settings.detail,
    idle: settings.idle ?? 'native',
    cpuBill: settings.cpuBill === true ? 'asked' : profile.cpuBill && settings.cpuBill !== false ? 'usual' : null,
    filterNumbers,
    rounds: settings.rounds ?? profile.rounds,
    warmupRounds: settings.warmupRounds ?? profile.warmupRounds,
    // A number of rounds that was asked for is the number of rounds, unless a time or a precision was asked for as well.
    timeBudgetMs:
      settings.maxTime ??
      (settings.rounds === undefined || settings.untilHalfWidth !== undefined ? profile.timeBudgetMs : null),
    untilHalfWidth: settings.untilHalfWidth,
    timeIsLimit: settings.maxTime !== undefined,
    seed: settings.seed ?? freshSeed,
    settings,
  };
}

/** A budget that no mechanism could honour, or that the machine could not spare. */
function checkBuffer(bytes: number, machine: Machine): void {
  const least = machine.pageBytes * machine.cpus.length;
  if (bytes < least) {
    const pages = `one page for each of ${machine.cpus.length} CPUs`;
    throw usageError(
      `--buffer ${formatBytes(bytes)} is below ${formatBytes(least)}, ${pages}`,
      'give more, for example 8MiB',
    );
  }
  const most = machine.memoryBytes / 4;
  if (bytes > most) {
    throw usageError(
      `--buffer ${formatBytes(bytes)} is more than a quarter of this machine's memory (${formatBytes(machine.memoryBytes)})`,
      `give at most ${formatBytes(most)}`,
    );
  }
}

/** As for a budget in bytes: what the dearest of the mechanisms asked for would take. */
function checkInFlight(calls: number, contestants: readonly Contestant[], machine: Machine): void {
  const most = machine.memoryBytes / 4;
  for (const { id, variant } of contestants) {
    if (variant.buffer === null) continue;
    const bytes = bytesForCalls(variant.buffer, calls, machine);
    if (bytes <= most) continue;
    throw usageError(
      `--in-flight ${calls} takes ${formatBytes(bytes)} of buffer under ${id}, more than a quarter of this machine's memory (${formatBytes(machine.memoryBytes)})`,
      'give fewer, for example 10000',
    );
  }
}

/** Nobody is woken by a watermark that the buffer cannot reach. */
function checkWatermark(
  wakeup: Wakeup,
  { bufferBytes, inFlight }: Pick<Request, 'bufferBytes' | 'inFlight'>,
  contestants: readonly Contestant[],
  machine: Machine,
): void {
  if (wakeup.kind !== 'watermark') return;
  for (const { id, variant } of contestants) {
    const { buffer } = variant;
    if (buffer === null || keepsOwnWakeup(variant) !== null) continue;
    const budgets = [bufferBytes, ...(inFlight === null ? [] : [bytesForCalls(buffer, inFlight, machine)])];
    const reachable = Math.min(...budgets.map((bytes) => reachableBytes(buffer, bytes, machine)));
    if (wakeup.value <= reachable) continue;
    throw usageError(
      `--wakeup ${wakeupText(wakeup)} is more than the ${formatBytes(reachable)} of buffer that one CPU reaches under ${id}`,
      'give a smaller watermark, or a larger --buffer or --in-flight',
    );
  }
}

/** Variants that must be had. Throws (exit 3) when a required application lacks something. */
function requiredNames(names: readonly string[], { applications, backends }: PlanContext): string[] {
  return names.flatMap((name) => {
    const application = applications.find((entry) => entry.name === name);
    if (application === undefined) return variantsNamed(name, backends);
    const { lack } = application;
    if (lack !== null) throw cannotError(`${name} is required and cannot run here: ${lack.reason}`, lack.mend);
    return [];
  });
}
