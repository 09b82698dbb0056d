/** `tracebench run`: flags → settings → study → what a person or a program reads. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { writeReports } from '../../reports/index.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { cannotError, EXIT, usageError } from '../errors.ts';
import { findHost, type Host } from '../host/host.ts';
import { readEnvironment } from '../machine/environment.ts';
import { formatBytes, formatDuration, formatShare } from '../notation.ts';
import type { PlanContext } from '../plan/context.ts';
import { parseBurst, parseRate } from '../plan/pace.ts';
import { resolveRequest } from '../plan/request.ts';
import {
  ASKED_DETAILS,
  IDLE_POLICIES,
  mergeSettings,
  PLACEMENTS,
  PROFILES,
  readPlanFile,
  type Settings,
} from '../plan/settings.ts';
import { parseStarvation } from '../plan/starvation.ts';
import { definitionOf } from '../plan/variants.ts';
import { parseWakeup } from '../plan/wakeup.ts';
import { parseBytes, parseCount, parseDurationMs, parseHalfWidth, parseList, parsePercent } from '../quantity.ts';
import { JOINT_PROGRAM, runJointTrial } from '../reference/joint-process.ts';
import type { Plan } from '../result.ts';
import { wakeupText } from '../result-words.ts';
import { probeOn } from '../session/probe.ts';
import { watchForStop } from '../stop.ts';
import { calibrate } from '../study/calibration.ts';
import { lockStudy } from '../study/lock.ts';
import { blockProgress, lineProgress, type Progress, silentProgress } from '../study/progress.ts';
import { MOST_ROUNDS } from '../study/runner.ts';
import {
  type NewStudy,
  type Prepared,
  prepareStudy,
  resumeStudy,
  type StudyOutcome,
  type StudyRun,
  type StudyServices,
  startStudy,
} from '../study/study.ts';
import { checkOutputFolder, isComplete, newestStudy, newStudyDir, PLAN_FILE } from '../study/study-files.ts';
import { checkCpuQuota } from '../trial/cpu-quota.ts';
import { CPU_BILL, IDLE_BUSY } from '../trial/idle.ts';
import { checkAwake } from '../trial/idle-check.ts';
import { TRIAL_PROGRAM } from '../trial/trial-process.ts';
import { checkCommand, checkUser } from './check-target.ts';
import {
  type CommandContext,
  columns,
  type Finish,
  freshSeed,
  planContext,
  printJson,
  resultsDir,
  shownPath,
} from './context.ts';

const WIDTH_OF_A_LOG = 120;

function servicesOn(host: Host): StudyServices {
  return {
    probe: probeOn(host),
    readEnvironment,
    calibrate,
    joint: (spec, stop) => runJointTrial({ entry: JOINT_PROGRAM, host }, spec, stop),
    write: async (dir, study, trials) => writeReports(dir, study, trials),
  };
}

export function runCommand(context: () => CommandContext, finish: Finish) {
  return new Command('run')
    .summary('a study: workloads under backends, round by round, with its tables and files')
    .description(
      'Runs a study. Flags win over the plan file, the plan file over the profile. Words after -- are a command that ' +
        'becomes an application workload (the only one, unless --workloads names others).',
    )
    .usage('[options] [-- CMD …]')
    .addOption(new Option('--profile <name>', 'quick: a minute; ci: five; full: every variant').choices(PROFILES))
    .option('--plan <file>', 'YAML or JSON with the long names of these options as keys (rounds: 12, backends: [ebpf])')
    .option(
      '--backends <list>',
      'backends or variants: ebpf,ptrace/seccomp, ebpf/*, all; ebpf+perf: both at once; none alone: an A/A study',
    )
    .option('--workloads <list>', 'stamped workloads and applications: null,threads:4,nginx')
    .option('-e, --events <list>', 'system calls traced, by name or class: openat,execve or %file; default all')
    .option('-r, --rounds <n>', 'measured rounds; 6 is the least that has an interval', (text) =>
      parseCount(text, '--rounds', 1),
    )
    .option('--buffer <size>', 'buffer budget over all CPUs (default: 8MiB)', (text) => parseBytes(text, '--buffer'))
    .option(
      '--in-flight <calls>',
      'a second cell for each backend with a buffer: room for so many calls (full: 10000)',
      (text) => parseCount(text, '--in-flight', 1),
    )
    .addOption(new Option('--placement <where>', "collector's CPU against the workload's").choices(PLACEMENTS))
    .addOption(
      new Option('--idle <policy>', 'busy keeps every CPU awake during trials (default: native)').choices(
        IDLE_POLICIES,
      ),
    )
    .option(
      '--wakeup <policies>',
      "timer:200 (µs), adaptive, watermark:4096 (bytes) instead of each backend's own; of several, a cell for each",
      (text) => parseList(text, '--wakeup').map((policy) => parseWakeup(policy, '--wakeup')),
    )
    .option(
      '--starve <ways>',
      'cells more with a collector kept from its work: stall:50ms (once), quota:20% (of one CPU)',
      (text) => parseList(text, '--starve').map((way) => parseStarvation(way, '--starve')),
    )
    .option('--rate <rates>', 'open loop: calls a second, evenly spaced: 1k,10k,0.1M; a cell for each', (text) =>
      parseList(text, '--rate').map((rate) => parseRate(rate, '--rate')),
    )
    .option('--burst <bursts>', 'open loop: 1000/10ms, a thousand calls at full speed every ten milliseconds', (text) =>
      parseList(text, '--burst').map((burst) => parseBurst(burst, '--burst')),
    )
    .option('--section <time>', "length of an open loop's section (default: 1s; full: 2s)", (text) =>
      parseDurationMs(text, '--section'),
    )
    .addOption(
      new Option('--detail <detail>', 'paths: the strings of path arguments besides what each backend gives').choices(
        ASKED_DETAILS,
      ),
    )
    .option(
      '--match <shares>',
      'selectivity: 0,1,10,100 % of the calls pass a filter, a cell for each (workload selective)',
      (text) => parseList(text, '--match').map((share) => parsePercent(share, '--match')),
    )
    .option(
      '--cpu-bill',
      'a second cell beside each, with a soaker on every CPU: who had how much CPU time per call (full: default variants)',
    )
    .option('--no-cpu-bill', 'none, whatever the profile')
    .option('--calls <n>', 'stamped calls of every trial instead of as many as each cell needs', (text) =>
      parseCount(text, '--calls', 1),
    )
    .option('--seed <n>', 'of the order and of seeded workloads (default: a fresh one, recorded)', (text) =>
      parseCount(text, '--seed', 0),
    )
    .option('--user <name>', 'credentials of the target')
    .option(
      '--max-time <time>',
      'go on with further rounds until then; refused when the asked rounds need more',
      (text) => parseDurationMs(text, '--max-time'),
    )
    .option(
      '--until-half-width <share>',
      'go on until every slowdown is known to ± this (2%), or the time is spent',
      (text) => parseHalfWidth(text, '--until-half-width'),
    )
    .option('--deadline <time>', 'a trial whose target runs longer is ended', (text) =>
      parseDurationMs(text, '--deadline'),
    )
    .option('--require <list>', 'backends and applications without which nothing is run (exit code 3)')
    .option('--out <dir>', 'new folder for the files (default: results/TIME-PROFILE)')
    .option('--resume [dir]', 'go on with an unfinished study (default: the newest unfinished)')
    .option('--claims', 'show what people repeat beside what was measured (always in summary.md; full: always)')
    .option('--dry-run', 'print the expanded plan and the predicted time, run nothing')
    .action(async (options) => {
      const around = context();
      const { plan, out, resume, dryRun, claims, ...flags } = options;
      if (resume !== undefined) {
        refuseBesidesResume(options, around.rest);
        finish(await resumed(resume === true ? newestUnfinished() : resolve(resume), around));
        return;
      }
      const settings = mergeSettings(plan === undefined ? {} : readPlanFile(plan), {
        ...flags,
        backends: flags.backends === undefined ? undefined : parseList(flags.backends, '--backends'),
        workloads: flags.workloads === undefined ? undefined : parseList(flags.workloads, '--workloads'),
        events: flags.events === undefined ? undefined : parseList(flags.events, '--events'),
        require: flags.require === undefined ? undefined : parseList(flags.require, '--require'),
        command: around.rest === null ? undefined : [...around.rest],
      } as Settings);
      finish(await fresh(settings, { out, dryRun: dryRun === true, claims: claims === true }, around));
    });
}

/** Flags that say nothing about the study. */
interface Besides {
  readonly out: string | undefined;
  readonly dryRun: boolean;
  readonly claims: boolean;
}

async function fresh(settings: Settings, { out, dryRun, claims }: Besides, around: CommandContext): Promise<number> {
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

async function resumed(dir: string, around: CommandContext): Promise<number> {
  return locked(around, await findHost(), false, (run) => resumeStudy(dir, run));
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

function newestUnfinished(): string {
  const dir = newestStudy(resultsDir, PLAN_FILE, (candidate) => !isComplete(candidate));
  if (dir === null) {
    throw usageError(`there is no unfinished study under ${shownPath(resultsDir)}`, 'start one: ./tracebench run');
  }
  return dir;
}

/** A study goes on as it was planned: whatever else was typed would be ignored, so it is refused. */
function refuseBesidesResume(options: Readonly<Record<string, unknown>>, rest: readonly string[] | null): void {
  const others = Object.keys(options).filter((key) => key !== 'resume');
  if (others.length === 0 && rest === null) return;
  const what = rest === null ? `--${others[0]?.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}` : '-- CMD';
  throw usageError(
    `--resume goes on with the study's own plan and takes no ${what}`,
    'leave it out, or start a new study',
  );
}

function summaryOf({ plan, predictedMs }: Prepared): string {
  const count = plan.cells.length;
  const time = predictedMs === null ? 'of unknown length' : `about ${formatDuration(predictedMs)}`;
  const fits =
    plan.timeBudgetMs === null
      ? `up to ${MOST_ROUNDS} rounds`
      : `while they fit into ${formatDuration(plan.timeBudgetMs)}`;
  const until =
    plan.untilHalfWidth === undefined ? '' : `until every slowdown is known to ± ${formatShare(plan.untilHalfWidth)}, `;
  const more = plan.timeBudgetMs === null && until === '' ? '' : `, more ${until}${fits}`;
  return `${count} cells, ${plan.warmupRounds} + ${plan.rounds} rounds, ${time}${more}; seed ${plan.seed}`;
}

type PlannedTrial = Plan['cells'][number]['trial'];

function termsOf({ bufferBytes, inFlight, idle }: Plan): string {
  const calls = inFlight === null ? '' : ` and ${inFlight} calls in flight`;
  return `buffer ${formatBytes(bufferBytes)}${calls}, idle ${idle}`;
}

/** Of what has any. */
function bufferAndWakeup({ variant: id, bufferBytes, wakeup }: PlannedTrial, backends: PlanContext['backends']) {
  const { buffer, capabilities } = definitionOf(id, backends).variant;
  return [
    buffer === null ? '-' : formatBytes(bufferBytes),
    capabilities.delivers === 'records' ? wakeupText(wakeup) : '-',
  ];
}

async function showPlan(prepared: Prepared, context: PlanContext, around: CommandContext): Promise<void> {
  const { plan, predictedMs, predictedRoundMs, predictedJointMs, notes, rows } = prepared;
  if (around.json) {
    await printJson(around, { plan, predictedMs, predictedRoundMs, predictedJointMs, backends: rows, notes });
    return;
  }
  const cpus = (list: readonly number[] | null) => list?.join(',') ?? 'any';
  const table = plan.cells.map(({ cellId, baselineCellId, trial }) => [
    cellId,
    baselineCellId ?? '-',
    trial.workload.kind === 'stamped' ? String(trial.workload.calls) : '-',
    ...bufferAndWakeup(trial, context.backends),
    `${trial.placement} (${cpus(trial.workloadCpus)}/${cpus(trial.collectorCpus)})`,
    trial.auditContext,
  ]);
  const unusable = rows
    .filter((row) => row.answer !== 'yes')
    .map((row) => `${row.variant}: ${row.answer}: ${row.reason}\n`);
  await around.print(
    [
      `${summaryOf(prepared)}; ${termsOf(plan)}, ${context.machine.cpus.length} CPUs\n\n`,
      columns([['cell', 'baseline', 'calls', 'buffer', 'wake-up', 'placement (CPUs)', 'audit context'], ...table]),
      unusable.length > 0 ? `\nnot usable here:\n${unusable.join('')}` : '',
      notes.length > 0 ? `\n${notes.map((note) => `note: ${note}\n`).join('')}` : '',
      predictedMs === null
        ? '\na command takes as long as it takes: no prediction; nothing was run\n'
        : `\npredicted: ${formatDuration(predictedRoundMs ?? 0)} a round, ${formatDuration(predictedJointMs ?? 0)} the reference check, ${formatDuration(predictedMs)} in all; nothing was run\n`,
    ].join(''),
  );
}
