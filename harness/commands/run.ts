/** `tracebench run`: its flags, and what of them excludes what. */
import { resolve } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { usageError } from '../errors.ts';
import { parseBurst, parseRate } from '../plan/pace.ts';
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
import { parseWakeup } from '../plan/wakeup.ts';
import { parseBytes, parseCount, parseDurationMs, parseHalfWidth, parseList, parsePercent } from '../quantity.ts';
import { isComplete, newestStudy, PLAN_FILE } from '../study/study-files.ts';
import { type CommandContext, type Finish, resultsDir, shownPath } from './context.ts';
import { goOn, startNew } from './run-study.ts';

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
        finish(await goOn(resume === true ? newestUnfinished() : resolve(resume), around));
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
      finish(await startNew(settings, { out, dryRun: dryRun === true, claims: claims === true }, around));
    });
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
