/**
 * Runs the rounds of a plan. Each trial is a process of its own; each round is one tinybench Bench whose tasks are
 * that round's cells in shuffled order, one iteration each, their durations the native ones.
 */
import { setMaxListeners } from 'node:events';
import { Bench, type FnReturnedObject } from 'tinybench';
import type { HostedProgram } from '../host/hosted-process.ts';
import { withoutSoaked } from '../plan/soaked-cells.ts';
import type { Plan, TrialResult, TrialSpec } from '../result.ts';
import { measuredNs } from '../result-figures.ts';
import { workTime } from '../summarise/rounds.ts';
import { runTrial } from '../trial/trial-process.ts';
import { Precision } from './precision.ts';
import type { Progress } from './progress.ts';
import { roundTrials } from './schedule.ts';

/** Beyond this a budget buys no further precision worth the name. */
export const MOST_ROUNDS = 1000;

export interface RoundsInput {
  readonly plan: Plan;
  /** Runs one trial. */
  readonly program: HostedProgram;
  /** Recorded by an earlier run of this study: not run again. */
  readonly recorded: readonly TrialResult[];
  /** Keeps a result; the study ends when it throws. */
  readonly record: (trial: TrialResult) => void;
  readonly progress: Progress;
  readonly stop: AbortSignal;
  /**
   * Whole rounds go on beyond the plan's while one more fits into this; null: they do not, but for a precision that the
   * plan asks for.
   */
  readonly timeBudgetMs: number | null;
  /** ms since the study began. */
  readonly elapsedMs: () => number;
}

export interface RoundsOutcome {
  /** Recorded ones included, in the order they ran. */
  readonly trials: readonly TrialResult[];
  /** All rounds that the plan asks for are there. */
  readonly complete: boolean;
}

/** A failed trial has no sample: its task ends as `errored`, and the round goes on. */
class TrialFailed extends Error {
  override readonly name = 'TrialFailed';
}

/** Throws what `record` throws, after the running round has been ended. */
export async function runRounds(input: RoundsInput): Promise<RoundsOutcome> {
  const { plan, progress, stop } = input;
  const trials = [...input.recorded];
  const done = new Set(trials.map((trial) => trial.spec.trialId));
  const least = plan.warmupRounds + plan.rounds;
  const precision = plan.untilHalfWidth === undefined ? null : new Precision(withoutSoaked(plan), plan.untilHalfWidth);
  let timed = { rounds: 0, ms: 0 };

  for (let round = 0; round < Math.max(least, MOST_ROUNDS); round++) {
    const specs = roundTrials(plan, round);
    const missing = specs.filter((spec) => !done.has(spec.trialId));
    if (missing.length > 0 && round >= least) {
      if (precision === null ? input.timeBudgetMs === null : precision.reached(round - plan.warmupRounds)) break;
      if (input.timeBudgetMs !== null && !lastsForAnother(input.timeBudgetMs, input.elapsedMs(), timed)) break;
    }
    const began = input.elapsedMs();
    progress.roundStarted({ round, warmup: round < plan.warmupRounds, trials: missing.length });
    if (missing.length > 0) await runRound(missing, input, trials);
    if (stop.aborted) return { trials, complete: false };
    if (missing.length === specs.length) timed = { rounds: timed.rounds + 1, ms: timed.ms + input.elapsedMs() - began };
    const warmup = round < plan.warmupRounds;
    const figures = figuresOf(trials, round);
    if (!warmup) precision?.add(figures);
    progress.roundEnded({ round, warmup, figures, widest: precision?.widest() ?? null });
  }
  return { trials, complete: true };
}

/** A further round fits when one as long as those so far would end within the budget. */
function lastsForAnother(budgetMs: number, elapsedMs: number, timed: { rounds: number; ms: number }): boolean {
  const roundMs = timed.rounds === 0 ? 0 : timed.ms / timed.rounds;
  return elapsedMs + roundMs <= budgetMs;
}

async function runRound(specs: readonly TrialSpec[], input: RoundsInput, trials: TrialResult[]): Promise<void> {
  // Whatever a trial may not end in: it ends the round, and is thrown once tinybench has let go.
  const fatal = new AbortController();
  const ended = AbortSignal.any([input.stop, fatal.signal]);
  // Every task of the bench listens to it; that is no leak.
  setMaxListeners(specs.length + 1, ended);
  const bench = new Bench({
    name: `round ${specs[0]?.round}`,
    iterations: 1,
    time: 0,
    warmup: false,
    signal: ended,
  });
  const oneTrial = async (spec: TrialSpec): Promise<TrialResult> => {
    const result = await runTrial(input.program, spec, input.stop);
    input.record(result);
    trials.push(result);
    input.progress.trialEnded(result);
    return result;
  };
  for (const spec of specs) {
    const task = async (): Promise<FnReturnedObject> => {
      const result = await oneTrial(spec).catch((error: unknown) => {
        fatal.abort(error);
        throw error;
      });
      const durationNs = measuredNs(result);
      if (durationNs === null) throw new TrialFailed();
      return { overriddenDuration: durationNs / 1e6 };
    };
    // async: without it tinybench would call the task once more to find out.
    bench.add(spec.cellId, task, { async: true });
  }
  await bench.run();
  if (input.stop.aborted) return;
  if (fatal.signal.aborted) throw fatal.signal.reason;
  checkRound(bench, specs, trials.slice(-specs.length));
}

/** What tinybench saw must be what was recorded: each task once, in the planned order, with the native duration. */
function checkRound(bench: Bench, specs: readonly TrialSpec[], results: readonly TrialResult[]): void {
  for (const [i, task] of bench.tasks.entries()) {
    const seen = task.result;
    const result = results[i];
    const where = `round ${specs[i]?.round}, trial ${i} (${task.name})`;
    if (result?.spec.trialId !== specs[i]?.trialId || result?.spec.cellId !== task.name) {
      throw new Error(`${where}: ${result?.spec.trialId ?? 'nothing'} was recorded in its place`);
    }
    const durationNs = result === undefined ? null : measuredNs(result);
    const agrees =
      durationNs === null
        ? seen.state === 'errored'
        : seen.state === 'completed' && seen.latency.samplesCount === 1 && seen.latency.mean === durationNs / 1e6;
    if (!agrees) throw new Error(`${where}: recorded with ${durationNs} ns, and tinybench has it as ${seen.state}`);
  }
}

/** Time of the work by cell of one round's completed trials, as the study will compare it. */
function figuresOf(trials: readonly TrialResult[], round: number): Map<string, number> {
  const figures = new Map<string, number>();
  for (const trial of trials) {
    const time = trial.status === 'completed' ? workTime(trial) : null;
    if (trial.spec.round === round && time !== null) figures.set(trial.spec.cellId, time);
  }
  return figures;
}
