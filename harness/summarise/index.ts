/**
 * From trials to the study that is written down: cells, comparisons, noise, verdict. Pure: the same trials make the
 * same study, so a result can be summarised again from its plan and trials.ndjson.
 */
import { judgeClaims } from '../claims/judge.ts';
import { formatShare, percent } from '../notation.ts';
import { withoutSoaked } from '../plan/soaked-cells.ts';
import type { Interval, Study, TrialResult } from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';
import { spinnersText } from '../result-words.ts';
import { summariseCells, type VariantTerms } from './cells.ts';
import { runCommand } from './command.ts';
import { compareCells } from './comparisons.ts';
import { noiseOf } from './noise.ts';
import { disturbedRounds } from './outliers.ts';
import { selectivityOf } from './selectivity.ts';
import { isStarved } from './starved.ts';
import { verdictOf } from './verdict.ts';

export type { VariantTerms } from './cells.ts';

/** What the runner knows besides the trials; the rest of the study follows from it. */
export type StudyInput = Pick<
  Study,
  | 'studyId'
  | 'startedAt'
  | 'finishedAt'
  | 'complete'
  | 'incompleteReason'
  | 'plan'
  | 'environment'
  | 'calibration'
  | 'backends'
  | 'absentWorkloads'
  | 'notMeasured'
  | 'joint'
>;

export interface SummariseOptions {
  /** Declared terms of every variant the plan names, by variant id. */
  readonly variants: ReadonlyMap<string, VariantTerms>;
  /** Variant id of the reference collector. */
  readonly reference: string;
}

/**
 * Trials may come in any order, and none need be complete. Throws TypeError when the plan names a variant without
 * terms: a mistake of the caller, not of the trials.
 */
export function summarise(head: StudyInput, trials: readonly TrialResult[], options: SummariseOptions): Study {
  const plan = withoutSoaked(head.plan);
  const cells = summariseCells(plan, trials, options.variants, {
    cpusOnline: head.environment.cpusOnline,
    joint: head.joint,
  });
  const facts = {
    version: RESULT_VERSION,
    tool: 'tracebench',
    ...head,
    cells,
    comparisons: compareCells(plan, trials, options.variants),
    ...selectivityOf(plan, cells, trials, options.variants),
    noise: noiseOf(plan, cells, trials),
    claims: judgeClaims({
      plan,
      cells: cells.filter((cell) => !isStarved(cell)),
      trials,
      calibration: head.calibration.before,
    }),
  } as const;
  return {
    ...facts,
    verdict: verdictOf(facts, trials, options.reference),
    flags: studyFlags(head, cells, trials, disturbedRounds(plan, trials)),
  };
}

function studyFlags(
  head: StudyInput,
  cells: Study['cells'],
  trials: readonly TrialResult[],
  disturbed: ReturnType<typeof disturbedRounds>,
): Study['flags'] {
  const flags: Study['flags'] = [];
  const again = `\`${runCommand(head.plan, null)}\``;
  if (!head.complete) {
    flags.push({
      code: 'incomplete',
      text: `${head.incompleteReason ?? 'reason not recorded'}: the figures are of the rounds that were done; again with ${again}`,
    });
  }
  const wide = cells.filter(({ slowdown }) => slowdown !== null && isWider(slowdown, head.plan.untilHalfWidth));
  if (wide.length > 0) {
    flags.push({
      code: 'wider-than-asked',
      text: `the slowdown of ${wide.map(({ cellId }) => cellId).join(', ')} is not known to ± ${formatShare(head.plan.untilHalfWidth ?? 0)}: the time was spent first; give more with --max-time, or a quieter machine`,
    });
  }
  const failed = cells.reduce((n, c) => n + c.trials.failed + (c.cpuBill?.trials.failed ?? 0), 0);
  if (failed > 0)
    flags.push({
      code: 'failed-trials',
      text: `${failed} ${failed === 1 ? 'trial' : 'trials'} failed and left out: see the notes of the cells concerned`,
    });
  const differing = head.joint.filter((j) => j.status === 'completed' && j.verdict === 'differs');
  if (differing.length > 0) {
    const named = differing.map((j) => `${j.spec.variant} on ${j.spec.workload.name}`).join(', ');
    flags.push({
      code: 'reference-differs',
      text: `what ${named} delivered is not what the reference saw of the same process: see the reference check`,
    });
  }
  const drifting = cells.filter((c) => c.flags.some((f) => f.code === 'drift')).map((c) => c.workload.name);
  if (drifting.length > 0) {
    flags.push({
      code: 'drift',
      text: `the untraced time of ${drifting.join(', ')} moved during the study; trust ratios, not absolute times; again on a quiet machine`,
    });
  }
  if (disturbed.length > 0) {
    flags.push({
      code: 'disturbed-rounds',
      text: `${disturbed.map(({ round, cells: n }) => `round ${round} is an outlier in ${n} of ${cells.length} cells`).join(', ')}: the whole machine was busy with something else; end what ran then (a timer, a backup, another guest), then again with ${again}`,
    });
  }
  const spinners = spinnersText(trials.filter((trial) => trial.status === 'completed'));
  if (spinners !== null) flags.push({ code: 'spinners-in-session', text: spinners });
  const { before, after } = head.calibration;
  const steal = Math.max(before.stealFraction, after?.stealFraction ?? 0);
  if (steal > 0.01) {
    flags.push({
      code: 'steal',
      text: `the hypervisor took ${percent(steal)} of the machine during calibration; again when the host is quiet`,
    });
  }
  if (before.clockEntersKernel) {
    flags.push({
      code: 'clock-enters-kernel',
      text: `clocksource ${head.environment.clocksource} makes clock_gettime a system call: stamps add calls of their own; switch to a clocksource with a vDSO (tsc, kvm-clock)`,
    });
  }
  return flags;
}

function isWider({ estimate, low, high }: Interval, asked: number | undefined): boolean {
  if (asked === undefined) return false;
  return low === null || high === null || (high - low) / 2 / estimate > asked;
}
