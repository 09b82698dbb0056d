/**
 * A study from its request to its files: probe, calibrate, run the rounds, calibrate again, summarise, write. What it
 * calls on the machine comes in as `StudyServices`, so that the order of things can be tested without a tracer.
 */
import { basename } from 'node:path';
import { type AskedDetail, type BackendDefinition, variantId, type Wakeup } from '../backend.ts';
import { cannotError, EXIT, TracebenchError, usageError } from '../errors.ts';
import { type HostedProgram, TrialStopped } from '../host/hosted-process.ts';
import { fingerprint } from '../machine/environment.ts';
import type { PlanContext } from '../plan/context.ts';
import { notMeasured } from '../plan/not-measured.ts';
import { type ExpandedPlan, expandPlan } from '../plan/plan.ts';
import type { Request } from '../plan/request.ts';
import { BASELINE, definitionOf } from '../plan/variants.ts';
import { keepsOwnWakeup } from '../plan/wakeup.ts';
import { jointSpecs } from '../reference/plan.ts';
import { predictedJointMs } from '../reference/predict.ts';
import { COUNTER, jointRoles, REFERENCE } from '../reference/roles.ts';
import type {
  Accounting,
  BackendRow,
  Calibration,
  Environment,
  JointResult,
  JointSpec,
  Plan,
  Study,
  TrialResult,
} from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';
import { wakeupText } from '../result-words.ts';
import type { Probe } from '../session/probe.ts';
import type { StopWatch } from '../stop.ts';
import { summarise, type VariantTerms } from '../summarise/index.ts';
import type { Progress } from './progress.ts';
import { runRounds } from './runner.ts';
import { cannotWrite, pointLatest, StudyFiles, type StudyHead } from './study-files.ts';

/** Median half-width of the baselines' intervals above which a study's figures are called invalid (exit code 4). */
export const NOISE_BOUND = 0.2;

export interface StudyServices {
  readonly probe: Probe;
  readonly readEnvironment: () => Promise<Environment>;
  readonly calibrate: () => Promise<Calibration>;
  readonly joint: (spec: JointSpec, stop: AbortSignal) => Promise<JointResult>;
  /** Writes the reports; resolves with their names. */
  readonly write: (dir: string, study: Study, trials: readonly TrialResult[]) => Promise<string[]>;
}

export interface Prepared extends ExpandedPlan {
  /** One for every variant asked for, usable or not. */
  readonly rows: readonly BackendRow[];
  /** Of the reference check, after the rounds; 0: there is none; null as for the rounds. */
  readonly predictedJointMs: number | null;
  /** Of both. */
  readonly predictedMs: number | null;
}

/** Asks which variants can run here and expands the plan over them. Throws (exit 3) when what is required cannot. */
export async function prepareStudy(
  request: Request,
  context: PlanContext,
  probe: StudyServices['probe'],
): Promise<Prepared> {
  const rows: BackendRow[] = [];
  const cannotWake = new Map<string, string[]>();
  // One after another: two probes at once would find each other's facilities busy.
  for (const id of new Set([...request.variants, ...request.required])) {
    const answers: BackendRow[] = [];
    for (const wakeup of wakeupsAsked(request, id, context.backends)) {
      const row = await probe(id, wakeup, detailAsked(request, id));
      answers.push(row);
      if (row.answer === 'no' && wakeup !== undefined)
        cannotWake.set(id, [...(cannotWake.get(id) ?? []), wakeupText(wakeup)]);
    }
    // A variant can run when it can with one of the policies asked for.
    rows.push((answers.find(({ answer }) => answer !== 'no') ?? answers[0]) as BackendRow);
  }
  const refused = rows.filter((row) => row.answer === 'no');
  const fatal = refused.find((row) => request.required.includes(row.variant) || row.variant === BASELINE);
  if (fatal) {
    const why = `${fatal.variant} is required and cannot run here: ${fatal.reason ?? 'no reason given'}`;
    throw cannotError(why, fatal.mend ?? './tracebench doctor says what each backend needs');
  }
  const asked = rows.filter((row) => request.variants.includes(row.variant));
  const usable = asked.filter((row) => row.answer !== 'no').map((row) => row.variant);
  if (request.settings.backends && usable.length === 1 && asked.length > 1) {
    const reasons = refused.map((row) => `${row.variant}: ${row.reason ?? 'no reason given'}`).join('; ');
    throw cannotError(
      `none of the backends asked for can run here (${reasons})`,
      refused[0]?.mend ?? './tracebench doctor',
    );
  }
  const expanded = expandPlan(request, usable, context, cannotWake);
  const joint = predictedJointMs(plannedJoint(expanded.plan, asked, context.backends), context);
  const { predictedRoundsMs: rounds } = expanded;
  const predictedMs = rounds === null || joint === null ? null : rounds + joint;
  return { ...expanded, rows: asked, predictedJointMs: joint, predictedMs };
}

/** Of the variants that are not known to be refused here; `rows` are those that were probed. */
function plannedJoint(plan: Plan, rows: readonly BackendRow[], backends: readonly BackendDefinition[]): JointSpec[] {
  const usable = new Set(termsOf(backends).keys());
  for (const row of rows) if (row.answer === 'no') usable.delete(row.variant);
  return jointSpecs(plan, usable, jointRoles(backends));
}

/** At least one; undefined: the variant's own. */
function wakeupsAsked(
  { wakeups }: Request,
  id: string,
  backends: readonly BackendDefinition[],
): readonly (Wakeup | undefined)[] {
  const { variant } = definitionOf(id, backends);
  return wakeups.length === 0 || keepsOwnWakeup(variant) !== null ? [undefined] : wakeups;
}

/** The baseline stays: without it nothing has a cost. */
function detailAsked({ detail }: Request, id: string): AskedDetail | undefined {
  return id === BASELINE ? undefined : detail;
}

export interface StudyRun {
  /** Runs one trial. */
  readonly program: HostedProgram;
  readonly backends: readonly BackendDefinition[];
  readonly services: StudyServices;
  readonly progress: Progress;
  readonly stop: StopWatch;
}

export interface StudyOutcome {
  readonly study: Study;
  readonly dir: string;
  readonly files: readonly string[];
  readonly exitCode: number;
}

export interface NewStudy {
  readonly prepared: Prepared;
  readonly request: Request;
  readonly context: PlanContext;
  readonly dir: string;
  /** Folder in which `latest` is to name the study; null: nowhere (`--out`). */
  readonly resultsDir: string | null;
  /** Arguments it was started with. */
  readonly command: readonly string[];
}

export async function startStudy(asked: NewStudy, run: StudyRun): Promise<StudyOutcome> {
  const began = Date.now();
  const environment = await run.services.readEnvironment();
  const calibrationBefore = await run.services.calibrate();
  stopBeforeFirstTrial(run.stop);
  const head: StudyHead = {
    version: RESULT_VERSION,
    studyId: basename(asked.dir),
    startedAt: new Date(began).toISOString(),
    command: [...asked.command],
    environment,
    calibrationBefore,
    backends: [...asked.prepared.rows],
    absentWorkloads: [...asked.request.absentWorkloads],
    notMeasured: notMeasured(asked.request, asked.prepared.rows, asked.context),
    plan: asked.prepared.plan,
  };
  const files = StudyFiles.create(asked.dir, head);
  if (asked.resultsDir !== null) pointLatest(asked.resultsDir, basename(asked.dir));
  return carryOut({ head, files, recorded: [], began, timeBudgetMs: head.plan.timeBudgetMs }, run);
}

/** Goes on with the study in `dir`; throws when this is another machine or another version than it began on. */
export async function resumeStudy(dir: string, run: StudyRun): Promise<StudyOutcome> {
  const began = Date.now();
  const { files, head, trials } = StudyFiles.resume(dir);
  try {
    checkSameMachine(dir, head.environment, await run.services.readEnvironment());
    run.progress.note(`going on with ${dir}: ${trials.length} trials are recorded`);
    stopBeforeFirstTrial(run.stop);
  } catch (error) {
    files.close();
    throw error;
  }
  // The time the study had was used or lost; what is owed are the rounds that were asked for. A precision that was asked
  // for is owed what the recorded trials left of its time.
  const spentMs = trials.reduce((sum, { wallMs }) => sum + wallMs, 0);
  const timeBudgetMs = head.plan.untilHalfWidth === undefined ? null : head.plan.timeBudgetMs;
  return carryOut({ head, files, recorded: trials, began: began - spentMs, timeBudgetMs }, run);
}

function stopBeforeFirstTrial(stop: StopWatch): void {
  const reason = stop.reason();
  if (reason !== null)
    throw new TracebenchError(reason.exitCode, `${reason.text} before the first trial; nothing was written`);
}

/** Trials of two machines, or of one before and after a change, do not belong into one study. */
function checkSameMachine(dir: string, then: Environment, now: Environment): void {
  const mend = 'start a new study: ./tracebench run';
  if (then.toolVersion !== now.toolVersion || then.gitRevision !== now.gitRevision) {
    const [old, current] = [then, now].map((e) => `${e.toolVersion} (${e.gitRevision ?? 'no revision'})`);
    throw usageError(`${dir} was begun by tracebench ${old}, this is ${current}`, mend);
  }
  if (fingerprint(then) === fingerprint(now)) return;
  const keys = Object.keys(then) as (keyof Environment)[];
  const differing = keys.filter((key) => JSON.stringify(then[key]) !== JSON.stringify(now[key]));
  const what = differing.map((key) => `${key}: ${JSON.stringify(then[key])} then, ${JSON.stringify(now[key])} now`);
  throw usageError(`${dir} was begun on a machine in another state (${what.join('; ')})`, mend);
}

interface Begun {
  readonly head: StudyHead;
  readonly files: StudyFiles;
  readonly recorded: readonly TrialResult[];
  readonly began: number;
  readonly timeBudgetMs: number | null;
}

async function carryOut({ head, files, recorded, began, timeBudgetMs }: Begun, run: StudyRun): Promise<StudyOutcome> {
  const { progress, stop, services } = run;
  try {
    progress.begin(head.plan);
    const { trials, complete } = await runRounds({
      plan: head.plan,
      program: run.program,
      recorded,
      record: (trial) => files.append(trial),
      progress,
      stop: stop.signal,
      timeBudgetMs,
      elapsedMs: () => Date.now() - began,
    });
    const after = complete ? await services.calibrate() : null;
    progress.end();
    const joint = complete ? await checkAgainstReference(head, run) : [];
    const reason = complete ? null : stop.reason();
    const study = summarise(
      {
        studyId: head.studyId,
        startedAt: head.startedAt,
        finishedAt: new Date().toISOString(),
        complete,
        incompleteReason: complete ? null : (reason?.text ?? 'the study was ended'),
        plan: head.plan,
        environment: head.environment,
        calibration: { before: head.calibrationBefore, after },
        backends: head.backends,
        absentWorkloads: head.absentWorkloads,
        notMeasured: head.notMeasured,
        joint,
      },
      trials,
      { variants: termsOf(run.backends), reference: REFERENCE },
    );
    const written = await services.write(files.dir, study, trials).catch((error: unknown) => {
      throw cannotWrite(files.dir, error);
    });
    return { study, dir: files.dir, files: written, exitCode: reason?.exitCode ?? exitCodeOf(study, trials) };
  } finally {
    progress.end();
    files.close();
  }
}

/** Untimed, after the rounds: whatever it costs, it costs no figure. */
async function checkAgainstReference({ plan, backends }: StudyHead, run: StudyRun): Promise<JointResult[]> {
  const rows = [...backends];
  const registered = termsOf(run.backends);
  for (const id of [REFERENCE, COUNTER]) {
    // Not asked for, so not probed yet.
    const known = rows.some((row) => row.variant === id);
    if (registered.has(id) && !known) rows.push(await run.services.probe(id));
  }
  const specs = plannedJoint(plan, rows, run.backends);
  if (specs.length > 0) run.progress.note(`reference check: ${specs.length} joint trials with ${REFERENCE} beside`);
  const results: JointResult[] = [];
  for (const spec of specs) {
    if (run.stop.signal.aborted) break;
    try {
      results.push(await run.services.joint(spec, run.stop.signal));
    } catch (error) {
      if (!(error instanceof TrialStopped)) throw error;
    }
  }
  return results;
}

function termsOf(backends: readonly BackendDefinition[]): Map<string, VariantTerms> {
  return new Map(
    backends.flatMap(({ name, variants }) =>
      variants.map((variant) => [variantId(name, variant.name), variant.capabilities] as const),
    ),
  );
}

/** 1: a trial failed; 4: the figures cannot be trusted; 0: neither. */
export function exitCodeOf(study: Study, trials: readonly TrialResult[]): number {
  if (trials.some((trial) => trial.status === 'failed')) return EXIT.runError;
  if (study.joint.some((joint) => joint.status === 'failed')) return EXIT.runError;
  const wrong = (books: Accounting | undefined): boolean =>
    books !== undefined && books.delivers !== 'nothing' && books.verdict === 'error';
  const books = trials.some(
    (trial) => trial.status === 'completed' && (wrong(trial.accounting) || wrong(trial.alongside?.accounting)),
  );
  const proportional = study.cells.every((cell) => cell.flags.every((flag) => flag.code !== 'not-proportional'));
  const quiet = study.noise === null || study.noise.baselineHalfWidth <= NOISE_BOUND;
  const confirmed = study.joint.every((joint) => joint.status === 'failed' || joint.verdict !== 'differs');
  return books || !proportional || !quiet || !confirmed ? EXIT.invalid : EXIT.ok;
}
