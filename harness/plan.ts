/**
 * From what a user asked for (settings.ts) to the plan that is recorded and run: names checked, the profile's values
 * filled in, cells expanded (cells.ts). Nothing here runs anything; the machine comes in as data.
 */
import { applicationWorkload } from '../workloads/index.ts';
import { type AskedDetail, type BackendDefinition, variantId, type Wakeup } from './backend.ts';
import { bytesForCalls, reachableBytes } from './buffer.ts';
import type { AskedWorkload, CellRequest, Contestant, PlannedApplication, StampedWorkload } from './cell-request.ts';
import { expandCells } from './cells.ts';
import { TRIAL_START_MS } from './costs.ts';
import type { BillScope } from './cpu-bill/cells.ts';
import { cannotError, usageError } from './errors.ts';
import type { Machine } from './machine.ts';
import { type Pace, paceText } from './pace.ts';
import { checkPair, type Pair, pairId, pairNames } from './pairs.ts';
import { DEFAULT_BUFFER, type Profile, profiles } from './profiles.ts';
import { formatBytes, formatDuration, parseBytes } from './quantity.ts';
import type { Plan, Starvation, WorkloadRow, WorkloadSpec } from './result.ts';
import { starvationText, wakeupText } from './result-words.ts';
import type { Settings } from './settings.ts';
import { meantOr } from './suggest.ts';
import { keepsOwnWakeup } from './wakeup.ts';

/** Nobody means a longer study; a digit too many in --calls does. */
const LONGEST_MS = 7 * 24 * 3_600_000;

/** The backend whose cells are the baseline of all others. */
export const BASELINE = 'none';

export interface PlanContext {
  readonly backends: readonly BackendDefinition[];
  readonly workloads: readonly StampedWorkload[];
  readonly applications: readonly PlannedApplication[];
  readonly machine: Machine;
  /** Names or classes of system calls, parted by commas → native numbers; throws a usage error for an unknown one. */
  readonly syscallNumbers: (list: string) => readonly number[];
  readonly syscallName: (nr: number) => string;
}

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

function partition<Item>(items: readonly Item[], wanted: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(wanted), items.filter((item) => !wanted(item))];
}

function eachOnce<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
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

function idsOf(backend: BackendDefinition): string[] {
  return backend.variants.map((variant) => variantId(backend.name, variant.name));
}

/** Those that are not whole tools: these are asked for by name. */
function withDefault(backends: readonly BackendDefinition[]): readonly BackendDefinition[] {
  return backends.filter((backend) => backend.variants[0]?.name === '');
}

/** A backend's name is its default variant, `ebpf/*` all of them, `all` every default. */
function variantsNamed(name: string, backends: readonly BackendDefinition[]): string[] {
  if (name === 'all') return withDefault(backends).map((backend) => backend.name);
  const all = backends.find((backend) => name === `${backend.name}/*`);
  if (all) return idsOf(all);
  const known = backends.flatMap(idsOf);
  if (known.includes(name)) return [name];
  throw usageError(`there is no backend or variant '${name}'`, `${meantOr(name, known)}; see ./tracebench list`);
}

function resolveVariants(
  asked: readonly string[] | undefined,
  profile: Profile,
  backends: readonly BackendDefinition[],
) {
  const known = backends.flatMap(idsOf);
  const wanted = new Set<string>([BASELINE]);
  if (asked) {
    // Of a pair each alone as well, which it is held against.
    for (const name of asked.flatMap((text) => pairNames(text) ?? [text]))
      for (const id of variantsNamed(name, backends)) wanted.add(id);
  } else {
    const usual = withDefault(backends);
    for (const id of profile.variants === 'all' ? usual.flatMap(idsOf) : usual.map(({ name }) => name)) wanted.add(id);
  }
  return known.filter((id) => wanted.has(id)); // in report order
}

/** Throws usage errors for two that cannot be at once. */
function resolvePairs(asked: readonly string[], backends: readonly BackendDefinition[]): Pair[] {
  const pairs = asked.flatMap((name) => {
    const names = pairNames(name);
    if (names === null) return [];
    const [first, second] = names.map((text) => {
      const [id, ...more] = variantsNamed(text, backends);
      if (id !== undefined && more.length === 0) return definitionOf(id, backends);
      throw usageError(`${name}: ${text} is more than one variant`, 'name two variants: ebpf+perf');
    }) as [Contestant, Contestant];
    checkPair({ first, second });
    return [{ first, second }];
  });
  return eachOnce(pairs, ({ first, second }) => pairId(first.id, second.id));
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

/** Throws (exit 3) when all that was asked for are applications that cannot run here. */
function resolveWorkloads(
  settings: Settings,
  profile: Profile,
  context: PlanContext,
): Pick<Request, 'workloads' | 'absentWorkloads'> {
  const absentWorkloads: WorkloadRow[] = [];
  const known = [...context.workloads, ...context.applications].map((entry) => entry.name);
  const { match = [] } = settings;
  if (match.length > 0 && settings.events !== undefined)
    throw usageError('--match has a filter of its own', 'leave -e out, or write --workloads selective:10 -e lseek');
  // A command alone is a study of that command; the stamped ones come with it when they are named.
  const asked =
    settings.workloads ?? (settings.command || match.length > 0 ? [] : (profile.workloads ?? usualWorkloads(context)));
  const paces = pacesOf(settings);
  const found = new Map<string, AskedWorkload>();
  for (const text of new Set(asked)) {
    const application = context.applications.find((candidate) => candidate.name === text);
    if (application !== undefined) {
      if (application.lack === null) found.set(text, catalogued(application));
      else absentWorkloads.push(application.lack);
      continue;
    }
    const [name = '', count, ...rest] = text.split(':');
    const entry = context.workloads.find((candidate) => candidate.name === name);
    if (!entry) throw usageError(`there is no workload '${text}'`, `${meantOr(name, known)}; see ./tracebench list`);
    if (entry.wanted !== undefined) {
      const share = matchShare(text, count, rest);
      for (const pace of paces) {
        const spec = { kind: 'stamped', name, threads: 1, pace, match: share } as const;
        found.set(selectiveKey(spec), { spec, entry, about: null });
      }
      continue;
    }
    const threads = entry.maxThreads > 1 ? threadCount(text, count, entry, context.machine) : 1;
    if (rest.length > 0 || (count !== undefined && entry.maxThreads === 1)) {
      throw usageError(`workload '${text}' takes no number of threads`, `write ${name}`);
    }
    for (const pace of paces) {
      const key = `${name}:${threads}@${pace === null ? '' : paceText(pace)}`;
      found.set(key, { spec: { kind: 'stamped', name, threads, pace }, entry, about: null });
    }
  }
  for (const selective of selectiveWorkloads(match, paces, context)) found.set(selectiveKey(selective.spec), selective);
  if (settings.command) {
    const spec = applicationWorkload(settings.command);
    const program = spec.name.split(' ')[0] ?? spec.name;
    if (found.get(program)?.spec.kind === 'application') {
      throw usageError(`a command and an application are both called ${program}`, 'make a study of each');
    }
    found.set('--', { spec, entry: null, about: null });
  }
  if (found.size === 0) {
    const reasons = absentWorkloads.map(({ workload, reason }) => `${workload}: ${reason}`).join('; ');
    throw cannotError(
      `none of the workloads asked for can run here (${reasons})`,
      absentWorkloads[0]?.mend ?? './tracebench list',
    );
  }
  return { workloads: [...found.values()], absentWorkloads };
}

/** Those that mean something by themselves: what a filter costs is asked for by --match, or by name. */
function usualWorkloads({ workloads, applications }: PlanContext): string[] {
  return [...workloads.filter(({ wanted }) => wanted === undefined), ...applications].map(({ name }) => name);
}

/** --match wins over the same share typed as a workload. */
function selectiveKey({ name, pace, match }: SelectiveSpec): string {
  return `${name}:${match}@${pace === null ? '' : paceText(pace)}`;
}

type SelectiveSpec = Extract<AskedWorkload['spec'], { kind: 'stamped' }>;

/** Of each share a workload, whose cells trace its wanted call alone. */
function selectiveWorkloads(
  shares: readonly number[],
  paces: readonly (Pace | null)[],
  { workloads }: PlanContext,
): (AskedWorkload & { readonly spec: SelectiveSpec })[] {
  return workloads.flatMap((entry) => {
    const { name, wanted } = entry;
    if (wanted === undefined) return [];
    const each = [...new Set(shares)].flatMap((match) => paces.map((pace) => ({ match, pace })));
    return each.map(({ match, pace }) => ({
      spec: { kind: 'stamped' as const, name, threads: 1, pace, match },
      entry,
      filter: [wanted],
      about: null,
    }));
  });
}

const DEFAULT_MATCH = 10;

function matchShare(text: string, share: string | undefined, rest: readonly string[]): number {
  if (share === undefined) return DEFAULT_MATCH;
  if (rest.length === 0 && /^\d+$/.test(share) && Number(share) <= 100) return Number(share);
  throw usageError(`workload '${text}': the share of wanted calls is 0 … 100 (%)`, 'write for example selective:10');
}

function catalogued({ name, argv, fixedWork, about }: PlannedApplication): AskedWorkload {
  return { spec: { kind: 'application', name, argv: [...argv], catalogued: { fixedWork } }, entry: null, about };
}

/** null: a closed loop. */
function pacesOf(settings: Settings): (Pace | null)[] {
  const paces = [...(settings.rate ?? []), ...(settings.burst ?? [])];
  if (paces.length > 0) {
    if (settings.command && !settings.workloads) {
      throw usageError(
        'a command makes its calls when it likes: --rate and --burst pace stamped workloads only',
        'leave them out, or name a stamped workload beside the command with --workloads',
      );
    }
    return eachOnce(paces, paceText);
  }
  if (settings.section !== undefined) {
    throw usageError(
      '--section is the length of an open loop, and none was asked for',
      'give --rate or --burst, or say with --calls how long a closed loop is',
    );
  }
  return [null];
}

function threadCount(text: string, count: string | undefined, entry: StampedWorkload, machine: Machine): number {
  if (count === undefined) return Math.min(entry.maxThreads, Math.max(2, machine.cpus.length));
  const threads = /^\d+$/.test(count) ? Number(count) : 0;
  if (threads < 1 || threads > entry.maxThreads) {
    throw usageError(
      `workload '${text}': threads must be 1 … ${entry.maxThreads}`,
      `write for example ${entry.name}:4`,
    );
  }
  return threads;
}

type TrialTerms = Plan['cells'][number]['trial'];

export interface ExpandedPlan {
  readonly plan: Plan;
  /** Of the least rounds, warm-up included; null with a command, whose duration nobody knows. */
  readonly predictedRoundsMs: number | null;
  readonly predictedRoundMs: number | null;
  /** What a reader of the plan should know: calls cut to the time, placements that the machine does not allow. */
  readonly notes: readonly string[];
}

/**
 * `usable`: those of `request.variants` that the machine can run (the probe said yes or could not tell).
 * `cannotWake`: wake-up policies asked for that a usable variant cannot have, as wakeupText has them.
 */
export function expandPlan(
  request: Request,
  usable: readonly string[],
  context: PlanContext,
  cannotWake: ReadonlyMap<string, readonly string[]> = new Map(),
): ExpandedPlan {
  const { settings } = request;
  const { machine } = context;
  if (settings.placement === 'other' && machine.cpus.length < 2) {
    throw cannotError('--placement other needs two CPUs and this process may use one', 'use --placement same');
  }
  const filter = request.filterNumbers?.map(context.syscallName) ?? null;
  const [pairs, without] = partition(request.pairs, ({ first, second }) =>
    [first, second].every(({ id }) => usable.includes(id)),
  );
  const cellRequest: CellRequest = {
    workloads: request.workloads,
    variants: usable.map((id) => definitionOf(id, context.backends)),
    pairs,
    baseline: definitionOf(BASELINE, context.backends),
    bufferBytes: request.bufferBytes,
    inFlight: request.inFlight,
    applicationsInFlight: settings.inFlight ?? null,
    filter,
    filterNumbers: request.filterNumbers,
    placement: settings.placement ?? null,
    idle: request.idle,
    wakeups: request.wakeups,
    cannotWake,
    starvations: request.starvations,
    pacedSectionMs: request.pacedSectionMs,
    detail: request.detail,
    cpuBill: request.cpuBill,
    calls: settings.calls ?? null,
    user: settings.user ?? null,
    seed: request.seed,
    deadlineMs: settings.deadline ?? null,
    sectionCapMs: request.profile.sectionCapMs,
    cutSectionMs: request.profile.cutSectionMs,
    machine,
  };
  const { cells, notes } = expandCells(cellRequest);
  const detachMs = ({ variant }: TrialTerms): number =>
    definitionOf(variant, context.backends).variant.aboutDetachMs ?? 0;
  const predictedRoundMs = cells.reduce<number | null>(
    (sum, { cell, sectionMs }) =>
      sum === null || sectionMs === null ? null : sum + sectionMs + TRIAL_START_MS + detachMs(cell.trial),
    0,
  );
  const predictedRoundsMs =
    predictedRoundMs === null ? null : predictedRoundMs * (request.rounds + request.warmupRounds);
  if (request.timeIsLimit && predictedRoundsMs !== null && predictedRoundsMs > (request.timeBudgetMs ?? Infinity)) {
    throw usageError(
      `${request.rounds} rounds of ${cells.length} cells take about ${formatDuration(predictedRoundsMs)}, --max-time allows ${formatDuration(request.timeBudgetMs ?? 0)}`,
      'give more time, fewer --rounds (an interval needs 6), fewer --workloads or fewer --backends',
    );
  }
  if (predictedRoundsMs !== null && predictedRoundsMs > LONGEST_MS) {
    throw usageError(
      `${request.rounds} rounds of ${cells.length} cells would take about ${formatDuration(predictedRoundsMs)}`,
      'give fewer --calls, --rounds, --workloads or --backends: a study is refused beyond a week',
    );
  }
  const specs = new Map(cells.map(({ cell }) => [JSON.stringify(cell.trial.workload), cell.trial.workload]));
  const plan: Plan = {
    profile: request.profileName,
    seed: request.seed,
    rounds: request.rounds,
    warmupRounds: request.warmupRounds,
    timeBudgetMs: request.timeBudgetMs,
    ...(request.untilHalfWidth === undefined ? {} : { untilHalfWidth: request.untilHalfWidth }),
    bufferBytes: request.bufferBytes,
    inFlight: request.inFlight,
    filter,
    placement: settings.placement ?? null,
    idle: request.idle,
    wakeups: [...request.wakeups],
    ...(request.detail === undefined ? {} : { detail: request.detail }),
    ...(settings.match === undefined ? {} : { match: [...settings.match] }),
    ...(request.cpuBill === null ? {} : { cpuBill: request.cpuBill }),
    user: settings.user ?? null,
    backends: [...usable],
    workloads: [...specs.values()] as WorkloadSpec[],
    cells: cells.map(({ cell }) => cell),
  };
  const absent = without.map(({ first, second }) => {
    const cannot = [first.id, second.id].filter((id) => !usable.includes(id));
    return `no cell of ${pairId(first.id, second.id)}: ${cannot.join(' and ')} cannot run here`;
  });
  return { plan, predictedRoundsMs, predictedRoundMs, notes: [...notes, ...absent] };
}

/** Throws TypeError: names were checked before. */
export function definitionOf(id: string, backends: readonly BackendDefinition[]): Contestant {
  for (const backend of backends) {
    for (const variant of backend.variants) {
      if (variantId(backend.name, variant.name) === id) return { id, backend, variant };
    }
  }
  throw new TypeError(`no backend is registered as '${id}'`);
}
