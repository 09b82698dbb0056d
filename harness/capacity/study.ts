/** A capacity study from its request to its document: who takes part, the searches, the summary. */
import type { BackendDefinition, VariantDefinition } from '../backend.ts';
import { cannotError } from '../errors.ts';
import type { Machine } from '../machine/machine.ts';
import { BASELINE, definitionOf } from '../plan/variants.ts';
import { createRandom, type Random } from '../random.ts';
import type { BackendRow, CompletedTrial, Environment, Plan } from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';
import { spinnersText } from '../result-words.ts';
import { median } from '../statistics/describe.ts';
import type { StopWatch } from '../stop.ts';
import type { LossPoint } from './fit.ts';
import { type GridOptions, type GridSubject, predicted, runGrid } from './grid.ts';
import { pointOf, pointSpec } from './points.ts';
import {
  type Capacity,
  type CapacityStudy,
  capacityStudySchema,
  type GridResult,
  type SurfaceResult,
} from './result.ts';
import { runSearches, type Searched, type SearchRun, type Subject, type TrialTerms, Unusable } from './run.ts';
import { capacityOf } from './summarise.ts';
import { measureSurface, type PointPlan, type SurfaceOptions } from './surface.ts';

/** Beyond these the fitted queue is no description of the backend, and nothing is planned with it. */
export const LOSS_ERROR_MOST = 0.05;
export const BUFFER_ERROR_MOST = 0.25;

const LONGEST_PAUSE_MS = 5;
/** The session's own look at a collector that the kernel wakes. */
const KERNEL_WOKEN_MS = 100;

export interface CapacityRequest extends Pick<SearchRun, 'searches' | 'criteria' | 'sectionMs'> {
  readonly plan: Plan;
  /** One for every variant asked for, usable or not. */
  readonly rows: readonly BackendRow[];
  readonly backends: readonly BackendDefinition[];
  readonly machine: Machine;
  /** Measured after the searches; null: not asked for. */
  readonly surface: Omit<SurfaceOptions, 'random' | 'longestPauseMs'> | null;
  /** Measured after that; null: not asked for. */
  readonly grid: GridOptions | null;
}

export interface CapacityServices extends Pick<SearchRun, 'runTrial' | 'tried' | 'searched'> {
  /** Told of each point of a surface. */
  readonly point: (variant: string, point: LossPoint) => void;
  /** Told how many trials of the grid are done. */
  readonly gridTrial: (done: number, of: number) => void;
  readonly environment: Environment;
  readonly stop: StopWatch;
}

/** Throws (exit code 3) when nothing that was asked for delivers records here. */
export async function studyCapacity(asked: CapacityRequest, given: CapacityServices): Promise<CapacityStudy> {
  const { plan, searches, criteria, sectionMs } = asked;
  const { stop } = given;
  const subjects = subjectsOf(asked);
  const startedAt = new Date();
  const random = createRandom(plan.seed);
  const underSpinners: Pick<CompletedTrial, 'spinners'>[] = [];
  const services: CapacityServices = {
    ...given,
    runTrial: async (spec) => {
      const trial = await given.runTrial(spec);
      if (trial.status === 'completed') underSpinners.push({ spinners: trial.spinners });
      return trial;
    },
  };
  const found = await runSearches({ ...services, subjects, searches, criteria, sectionMs, random, stop: stop.signal });
  const surfaces = new Map<string, SurfaceResult>();
  for (const subject of asked.surface === null ? [] : random.shuffle(subjects)) {
    if (stop.signal.aborted) break;
    const searched = found.get(subject.variant) as Searched;
    const surface = await surfaceOf(subject, searched, asked, services, random);
    if (surface !== null) surfaces.set(subject.variant, surface);
  }
  const grids = await gridsOf(subjects, found, surfaces, asked, services, random);
  const reason = stop.reason();
  const spinners = spinnersText(underSpinners);
  return capacityStudySchema.parse({
    version: RESULT_VERSION,
    tool: 'tracebench',
    kind: 'capacity',
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    complete: reason === null,
    incompleteReason: reason?.text ?? null,
    environment: services.environment,
    workload: plan.workloads[0]?.name ?? '',
    seed: plan.seed,
    searches,
    criteria,
    sectionMs,
    bufferBytes: plan.bufferBytes,
    inFlight: plan.inFlight,
    idle: plan.idle,
    ...(spinners === null ? {} : { spinners }),
    backends: [...asked.rows],
    variants: subjects.map((subject) => {
      const definition = definitionOf(subject.variant, asked.backends).variant;
      const searched = found.get(subject.variant) as Searched;
      const row = capacityRow(subject, definition, searched, surfaces.get(subject.variant) ?? null);
      const grid = grids.get(subject.variant);
      return grid === undefined ? row : { ...row, grid };
    }),
  } satisfies CapacityStudy);
}

/** A cell of each variant that delivers records: the one whose buffer was sized in calls, where that was asked for. */
function subjectsOf({ plan, backends }: CapacityRequest): Subject[] {
  const subjects = new Map<string, Subject>();
  for (const { trial } of plan.cells) {
    const { variant } = trial;
    if (variant === BASELINE || definitionOf(variant, backends).variant.capabilities.delivers !== 'records') continue;
    if (!subjects.has(variant) || trial.inFlight !== null) subjects.set(variant, { variant, trial });
  }
  if (subjects.size === 0) {
    throw cannotError(
      'none of the backends asked for delivers records here',
      './tracebench doctor says what each needs',
    );
  }
  return [...subjects.values()];
}

/** null where nothing is buffered, and where it was not finished: then `searched.failures` or the stop says why. */
async function surfaceOf(
  { variant: id, trial }: Subject,
  searched: Searched,
  { surface, machine, backends }: CapacityRequest,
  { runTrial, stop, point: told }: CapacityServices,
  random: Random,
): Promise<SurfaceResult | null> {
  const { buffer } = definitionOf(id, backends).variant;
  const fullSpeedPerS = searched.searches[0]?.attempts[0]?.achievedPerS;
  if (surface === null || buffer === null || fullSpeedPerS === undefined) return null;
  const run = async (plan: PointPlan) => {
    const point = pointOf(await runTrial(pointSpec(trial, buffer, machine, plan, fullSpeedPerS)));
    told(id, point);
    return point;
  };
  try {
    const measured = await measureSurface(run, { ...surface, random, longestPauseMs: longestPauseMs(trial.wakeup) });
    const { lossError, bufferError, fitted, tested } = measured;
    const holds = lossError <= LOSS_ERROR_MOST && bufferError !== null && bufferError <= BUFFER_ERROR_MOST;
    return { ...measured, resampled: [...measured.resampled], fitted: [...fitted], tested: [...tested], holds };
  } catch (error) {
    if (stop.signal.aborted) return null;
    if (!(error instanceof Unusable)) throw error;
    searched.failures.push(`surface: ${error.message}`);
    return null;
  }
}

/** Of what buffers anything and was run at full speed; a queue that holds predicts. */
async function gridsOf(
  subjects: readonly Subject[],
  found: ReadonlyMap<string, Searched>,
  surfaces: ReadonlyMap<string, SurfaceResult>,
  { grid, machine, backends }: CapacityRequest,
  { runTrial, stop, gridTrial: told }: CapacityServices,
  random: Random,
): Promise<Map<string, GridResult>> {
  if (grid === null) return new Map();
  const buffered = subjects.flatMap(({ variant, trial }): GridSubject[] => {
    const { buffer } = definitionOf(variant, backends).variant;
    const fullSpeedPerS = found.get(variant)?.searches[0]?.attempts[0]?.achievedPerS;
    return buffer === null || fullSpeedPerS === undefined ? [] : [{ variant, trial, buffer, fullSpeedPerS }];
  });
  const run = { ...grid, subjects: buffered, machine, random, runTrial, stop: stop.signal, told };
  return new Map(
    [...(await runGrid(run))].map(([variant, { points, failures }]) => {
      const surface = surfaces.get(variant);
      return [variant, { ...grid, points: surface?.holds ? predicted(points, surface.fit) : points, failures }];
    }),
  );
}

/** A timer's, with as much again for a CPU that was asleep; what the kernel wakes sleeps until it does. */
function longestPauseMs(wakeup: TrialTerms['wakeup']): number {
  return wakeup.kind === 'timer' ? Math.max(LONGEST_PAUSE_MS, (2 * wakeup.value) / 1000) : KERNEL_WOKEN_MS;
}

function capacityRow(
  { variant, trial }: Subject,
  { buffer, capabilities: { regime } }: VariantDefinition,
  searched: Searched,
  surface: SurfaceResult | null,
): Capacity {
  return {
    variant,
    regime,
    buffer: buffer && { bytesPerCall: buffer.bytesPerCall, perCpu: buffer.perCpu, knob: buffer.knob ?? null },
    collectorNsPerCall: searched.collectorNsPerCall.length > 0 ? median(searched.collectorNsPerCall) : null,
    wakeup: trial.wakeup,
    placement: trial.placement,
    auditContext: trial.auditContext,
    geometry: searched.geometry,
    searches: searched.searches.map(({ outcome, attempts }) => ({ outcome, attempts: [...attempts] })),
    failures: searched.failures,
    surface,
    capacity: capacityOf(searched.searches, regime),
  };
}
