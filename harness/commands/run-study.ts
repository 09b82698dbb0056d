/** A study with the machine to itself, from its request to what a person or a program reads; or the plan of one. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { writeReports } from '../../reports/index.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { cannotError, EXIT } from '../errors.ts';
import { findHost, type Host } from '../host/host.ts';
import { readEnvironment } from '../machine/environment.ts';
import { resolveRequest } from '../plan/request.ts';
import type { Settings } from '../plan/settings.ts';
import { JOINT_PROGRAM, runJointTrial } from '../reference/joint-process.ts';
import { probeOn } from '../session/probe.ts';
import { watchForStop } from '../stop.ts';
import { calibrate } from '../study/calibration.ts';
import { lockStudy } from '../study/lock.ts';
import { blockProgress, lineProgress, type Progress, silentProgress } from '../study/progress.ts';
import {
  type NewStudy,
  prepareStudy,
  resumeStudy,
  type StudyOutcome,
  type StudyRun,
  type StudyServices,
  startStudy,
} from '../study/study.ts';
import { checkOutputFolder, newStudyDir } from '../study/study-files.ts';
import { checkCpuQuota } from '../trial/cpu-quota.ts';
import { CPU_BILL, IDLE_BUSY } from '../trial/idle.ts';
import { checkAwake } from '../trial/idle-check.ts';
import { TRIAL_PROGRAM } from '../trial/trial-process.ts';
import { checkCommand, checkUser } from './check-target.ts';
import { type CommandContext, freshSeed, planContext, printJson, resultsDir, shownPath } from './context.ts';
import { showPlan, summaryOf } from './show-plan.ts';

const WIDTH_OF_A_LOG = 120;

/** Flags that say nothing about the study. */
export interface Besides {
  readonly out: string | undefined;
  readonly dryRun: boolean;
  readonly claims: boolean;
}

/** Checks all that was asked before anything is touched. Resolves to the exit code. */
export async function startNew(
  settings: Settings,
  { out, dryRun, claims }: Besides,
  around: CommandContext,
): Promise<number> {
  const context = planContext();
  const host = await findHost();
  const asUser = settings.user ?? host.invoker;
  const request = resolveRequest(asUser === null ? settings : { ...settings, user: asUser }, context, freshSeed());
  if (settings.command) checkCommand(settings.command);
  if (settings.user !== undefined) await checkUser(settings.user, host);
  if (out !== undefined) checkOutputFolder(out);
  if (request.idle === 'busy') await checkAwake(IDLE_BUSY);
  if (request.cpuBill !== null) await checkAwake(CPU_BILL);
  if (request.starvations.some(({ kind }) => kind === 'quota')) await checkCpuQuota(host);
  if (dryRun) {
    const prepared = await prepareStudy(request, context, probeOn(host));
    await showPlan(prepared, context, around);
    return EXIT.ok;
  }
  return locked(around, host, claims, async (run) => {
    if (host.invoker !== null) {
      run.progress.note(`trials run through sudo; files and targets belong to ${host.invoker}`);
    }
    const prepared = await prepareStudy(request, context, run.services.probe);
    for (const row of prepared.rows) {
      if (row.answer === 'yes') continue;
      const mend = row.mend === null ? '' : `\n  mend: ${row.mend}`;
      run.progress.note(
        `${row.variant} ${row.answer === 'no' ? 'cannot run here' : 'may not run here'}: ${row.reason}${mend}`,
      );
    }
    for (const { workload, reason, mend } of request.absentWorkloads) {
      run.progress.note(`${workload} cannot run here: ${reason}\n  mend: ${mend}`);
    }
    for (const note of prepared.notes) run.progress.note(`note: ${note}`);
    run.progress.note(summaryOf(prepared));
    const dir = out === undefined ? newStudyDir(resultsDir, new Date(), request.profileName) : resolve(out);
    const asked: NewStudy = {
      prepared,
      request,
      context,
      dir,
      resultsDir: dirname(dir) === resultsDir ? resultsDir : null,
      command: around.argv,
    };
    return startStudy(asked, run);
  });
}

/** The same of a study that was begun. */
export async function goOn(dir: string, around: CommandContext): Promise<number> {
  return locked(around, await findHost(), false, (run) => resumeStudy(dir, run));
}

function servicesOn(host: Host): StudyServices {
  return {
    probe: probeOn(host),
    readEnvironment,
    calibrate,
    joint: (spec, stop) => runJointTrial({ entry: JOINT_PROGRAM, host }, spec, stop),
    write: async (dir, study, trials) => writeReports(dir, study, trials),
  };
}

/** Takes the lock, hears the signals, runs the study, says what came of it. */
async function locked(
  around: CommandContext,
  host: Host,
  claims: boolean,
  study: (run: StudyRun) => Promise<StudyOutcome>,
): Promise<number> {
  if (!existsSync(TRIAL_PROGRAM))
    throw cannotError(`${shownPath(TRIAL_PROGRAM)} is missing: the project is not built`, 'npm run build');
  const lock = await lockStudy(`tracebench ${around.argv.join(' ')}`);
  const progress = progressFor(around);
  const stop = watchForStop((reason) => {
    process.stderr.write(`tracebench: ${reason.text} again: ended at once; trials recorded so far are kept\n`);
    // The trial dies of the end of its standard input, and its guard restores what it held.
    around.exitNow(reason.exitCode);
  });
  try {
    const { backends } = planContext();
    const outcome = await study({
      program: { entry: TRIAL_PROGRAM, host },
      backends,
      services: servicesOn(host),
      progress,
      stop,
    });
    await show(outcome, claims, around);
    return outcome.exitCode;
  } finally {
    stop.dispose();
    await lock.release();
  }
}

function progressFor(around: CommandContext): Progress {
  if (around.quiet) return silentProgress();
  return process.stderr.isTTY ? blockProgress(process.stderr) : lineProgress(process.stderr);
}

async function show({ study, dir, files }: StudyOutcome, claims: boolean, around: CommandContext): Promise<void> {
  if (around.json) {
    await printJson(around, study);
  } else {
    const text = renderTerminal(study, {
      width: process.stdout.columns || WIDTH_OF_A_LOG,
      stream: process.stdout,
      claims: claims || study.plan.profile === 'full',
    });
    await around.print(`${text.trimEnd()}\n`);
  }
  if (around.quiet) return;
  const names = files.map((file) => basename(file)).join(', ');
  process.stderr.write(`\nfiles: ${shownPath(dir)}/ (${names})\n`);
  if (!study.complete) {
    process.stderr.write(`${study.incompleteReason}; go on with: ./tracebench run --resume ${dir}\n`);
  }
}
