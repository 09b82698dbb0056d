/** Workloads by the names that are typed, each with its pace, its threads or its share of wanted calls. */
import { applicationWorkload } from '../../workloads/index.ts';
import { cannotError, usageError } from '../errors.ts';
import type { Machine } from '../machine/machine.ts';
import type { WorkloadRow } from '../result.ts';
import { meantOr } from '../suggest.ts';
import type { AskedWorkload, PlannedApplication, StampedWorkload } from './cell-request.ts';
import type { PlanContext } from './context.ts';
import { eachOnce } from './each-once.ts';
import { type Pace, paceText } from './pace.ts';
import type { Profile } from './profiles.ts';
import type { Settings } from './settings.ts';

/** Those that can run here, and applications that were asked for and cannot. */
export interface ResolvedWorkloads {
  readonly workloads: readonly AskedWorkload[];
  readonly absentWorkloads: readonly WorkloadRow[];
}

/** Throws (exit 3) when all that was asked for are applications that cannot run here. */
export function resolveWorkloads(settings: Settings, profile: Profile, context: PlanContext): ResolvedWorkloads {
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
