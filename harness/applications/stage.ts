/**
 * What a workload runs on. A stamped one, or a command, runs by itself; an application of the catalogue has its stage set for it
 * (application-stage.ts, which is loaded when one is wanted: every trial's start would pay for it).
 */
import type { FigureOfMerit, WorkloadSpec } from '../result.ts';
import type { TargetEnd } from '../session/target.ts';
import type { Surroundings } from '../session/traced.ts';
import { argvOf } from '../trial/workload-command.ts';

export interface Stage {
  readonly argv: readonly string[];
  /** null: the target runs where the harness does, and nobody reads what it prints. */
  readonly surroundings: Surroundings | null;
  /** null where there is none to be had. Throws TracebenchError when the run was no run of the application: it failed, or printed nothing to read. */
  figureOf(end: Pick<TargetEnd, 'exitCode' | 'signal' | 'durationNs'>): FigureOfMerit | null;
}

export interface StageSettings {
  readonly workload: WorkloadSpec;
  readonly user: string | null;
  readonly workloadCpus: readonly number[] | null;
}

/** Runs `work` on the stage of a workload, and clears it away whatever becomes of the work. */
export async function onStage<Result>(
  settings: StageSettings,
  work: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const { stage, clear } = await setStage(settings);
  try {
    return await work(stage);
  } finally {
    await clear();
  }
}

export interface SetStage {
  readonly stage: Stage;
  /** Call it when the target is gone. */
  readonly clear: () => Promise<void>;
}

async function setStage(settings: StageSettings): Promise<SetStage> {
  const { workload } = settings;
  if (workload.kind === 'application' && workload.catalogued !== undefined) {
    const { setApplicationStage } = await import('./application-stage.ts');
    return setApplicationStage(settings);
  }
  const stage: Stage = { argv: argvOf(workload), surroundings: null, figureOf: () => null };
  return { stage, clear: async () => {} };
}
