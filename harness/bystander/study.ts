/** A bystander study from its request to its document: who takes part, rounds in shuffled order, the summary. */
import type { BackendDefinition } from '../backend.ts';
import { usageError } from '../errors.ts';
import { BASELINE, definitionOf } from '../plan/variants.ts';
import { createRandom } from '../random.ts';
import type { BackendRow, Environment, Plan } from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';
import { orderInterval } from '../statistics/order-interval.ts';
import type { StopWatch } from '../stop.ts';
import {
  type BystanderRow,
  type BystanderSpec,
  type BystanderStudy,
  type BystanderTrial,
  bystanderStudySchema,
  type Place,
} from './result.ts';
import { completed, taxesOf } from './summarise.ts';

const DEADLINE_MS = 60_000;
/** Bystander, target and collector, a CPU each: with fewer, what the busy target takes is its CPU and not a tax. */
const BUSY_LEAST_CPUS = 3;

export interface BystanderRequest {
  /** Its cells say who takes part, and on which terms. */
  readonly plan: Plan;
  /** One for every variant asked for, usable or not. */
  readonly rows: readonly BackendRow[];
  readonly backends: readonly BackendDefinition[];
  readonly cpus: readonly number[];
  readonly rounds: number;
  readonly callsPerBlock: number;
}

export interface BystanderServices {
  /** Throws when the study is being ended. */
  readonly runTrial: (spec: BystanderSpec) => Promise<BystanderTrial>;
  /** Told of each trial. */
  readonly tried: (subject: string, trial: BystanderTrial) => void;
  readonly environment: Environment;
  readonly stop: StopWatch;
}

/** Beside the baseline itself, which is in every round. */
export const TWIN = `${BASELINE}, again`;

interface Subject {
  /** Its variant, or the twin's name. */
  readonly name: string;
  readonly spec: Omit<BystanderSpec, 'trialId' | 'round'>;
}

export async function studyBystander(asked: BystanderRequest, services: BystanderServices): Promise<BystanderStudy> {
  const { plan, rounds, callsPerBlock } = asked;
  const { stop } = services;
  const place = placeOn(asked.cpus);
  const subjects = subjectsOf(asked, place);
  const startedAt = new Date();
  const random = createRandom(plan.seed);
  const trials = new Map<string, BystanderTrial[]>(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds && !stop.signal.aborted; round++) {
    for (const { name, spec } of random.shuffle(subjects)) {
      const trial = await unlessStopped(stop, services.runTrial({ ...spec, trialId: `${name}#${round}`, round }));
      if (trial === null) break;
      trials.get(name)?.push(trial);
      services.tried(name, trial);
    }
  }
  const reason = stop.reason();
  const of = (name: string): BystanderTrial[] => trials.get(name) ?? [];
  const row = ({ name, spec: { variant, auditContext } }: Subject): BystanderRow =>
    taxesOf({ variant, auditContext }, of(name), of(BASELINE));
  const [, twin, ...traced] = subjects as [Subject, Subject, ...Subject[]];
  const untraced = completed(of(BASELINE));
  return bystanderStudySchema.parse({
    version: RESULT_VERSION,
    tool: 'tracebench',
    kind: 'bystander',
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    complete: reason === null,
    incompleteReason: reason?.text ?? null,
    environment: services.environment,
    seed: plan.seed,
    rounds,
    callsPerBlock,
    bufferBytes: plan.bufferBytes,
    idle: plan.idle,
    place,
    backends: [...asked.rows],
    untracedNs:
      untraced.length === 0
        ? null
        : {
            old: orderInterval(untraced.map((trial) => trial.old.before)),
            new: orderInterval(untraced.map((trial) => trial.new.before)),
          },
    twin: row(twin),
    variants: traced.map(row),
    trials: subjects.flatMap(({ name }) => of(name)),
  } satisfies BystanderStudy);
}

/** null: the study is being ended. */
async function unlessStopped(stop: StopWatch, trial: Promise<BystanderTrial>): Promise<BystanderTrial | null> {
  try {
    return await trial;
  } catch (error) {
    if (stop.signal.aborted) return null;
    throw error;
  }
}

/** Bystander at the top, where interrupts are rarest; collector at the bottom. */
export function placeOn(cpus: readonly number[]): Place {
  const bystander = cpus.at(-1) ?? 0;
  const others = cpus.slice(0, -1);
  return {
    bystander,
    collector: others[0] ?? bystander,
    target: others.at(-1) ?? bystander,
    busy: cpus.length >= BUSY_LEAST_CPUS,
  };
}

/** The baseline, the baseline once more, then each variant by its first cell. */
function subjectsOf({ plan, backends, callsPerBlock }: BystanderRequest, place: Place): Subject[] {
  const tool = plan.backends.find((id) => definitionOf(id, backends).variant.tool !== undefined);
  if (tool !== undefined)
    throw usageError(`${tool} is a whole tool: it takes part in timed trials only`, 'name backends or variants');
  const found = new Map<string, Subject>();
  for (const { trial } of plan.cells) {
    const { variant, bufferBytes, wakeup, idle, user } = trial;
    if (found.has(variant)) continue;
    // The baseline of audit's cells has a context too; here what audit does to others is held against none.
    const auditContext = variant === BASELINE || trial.auditContext !== 'present' ? 'absent' : 'present';
    const terms = { variant, bufferBytes, wakeup, auditContext, idle, user } as const;
    found.set(variant, {
      name: variant,
      spec: { ...terms, callsPerBlock, place, seed: plan.seed, deadlineMs: DEADLINE_MS },
    });
  }
  const baseline = found.get(BASELINE);
  if (baseline === undefined) throw new TypeError('a plan has its baseline');
  found.delete(BASELINE);
  return [baseline, { ...baseline, name: TWIN }, ...found.values()];
}
