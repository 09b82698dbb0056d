/** `tracebench capacity`: flags → searches → table and files. */
import { Command, Option } from '@commander-js/extra-typings';
import { capacityLines, renderCapacity, renderCapacityMarkdown } from '../../reports/capacity.ts';
import { renderFleet } from '../../reports/fleet.ts';
import { workloads } from '../../workloads/index.ts';
import { CAPACITY_FILE, readCapacity } from '../capacity/file.ts';
import { type GridOptions, gridSectionFor, predictedGridMs } from '../capacity/grid.ts';
import { type Demand, planFleet } from '../capacity/planner.ts';
import { holds } from '../capacity/search.ts';
import { studyCapacity } from '../capacity/study.ts';
import { EXIT, usageError } from '../errors.ts';
import { readEnvironment } from '../machine/environment.ts';
import { formatDuration } from '../notation.ts';
import { type Pace, parsePeak, parseRate } from '../plan/pace.ts';
import { IDLE_POLICIES, PLACEMENTS, type Settings } from '../plan/settings.ts';
import { definitionOf } from '../plan/variants.ts';
import { parseWakeup } from '../plan/wakeup.ts';
import { demandOf } from '../profile/demand.ts';
import { readProfile } from '../profile/file.ts';
import { parseBytes, parseCount, parseDurationMs, parseList, parseShare } from '../quantity.ts';
import { ACHIEVED_LEAST } from '../summarise/flags.ts';
import { runTrial, TRIAL_PROGRAM } from '../trial/trial-process.ts';
import { type CommandContext, countOf, type Finish, printJson, shownPath } from './context.ts';
import { leaveDocument, runOwnStudy } from './own-study.ts';

const SEARCHES = 7;
const LOSS = 0.001;
const RESOLUTION = 0.05;
const LEAST_PER_S = 1000;
const SECTION_MS = 1000;
/** 40 resamples have the ends of a 90 % interval. */
const SURFACE = { testPoints: 16, fitPoints: 24, resamples: 40 };
const GRID: GridOptions = { sectionMs: 500, repeats: 3 };
/** Shorter sections measure when the collector happened to look. */
const GRID_SECTION_LEAST_MS = 50;
/** A line of progress for so many of its trials. */
const GRID_SAID = 20;

interface Asked {
  readonly settings: Settings;
  readonly searches: number;
  readonly loss: number;
  readonly sectionMs: number;
  readonly surface: boolean;
  readonly grid: boolean;
  /** For the whole grid; undefined: as long as it takes. */
  readonly gridTimeMs: number | undefined;
  readonly out: string | undefined;
}

export function capacityCommand(context: () => CommandContext, finish: Finish) {
  return new Command('capacity')
    .summary('the highest rate that each backend holds without loss, by search')
    .description(
      'Offers calls at rates of its choosing and searches for the highest one at which the workload keeps 99 % of its ' +
        'schedule and no more than the tolerated share is lost; several times, so that the answer has an interval. Where ' +
        'nothing is lost at full speed, the answer is at least that speed; for a backend that makes the workload wait it is ' +
        'what that lets through.',
    )
    .option('--backends <list>', 'backends or variants that deliver records (default: all defaults)')
    .option('--workload <name>', 'stamped workload', 'null')
    .option('--searches <n>', 'of each variant; 6 is the least that has an interval', countOf('--searches'), SEARCHES)
    .option('--loss <share>', 'tolerated, 0.1% or 0.001', (text) => parseShare(text, '--loss'), LOSS)
    .option('--section <time>', 'of a trial, at least', (text) => parseDurationMs(text, '--section'), SECTION_MS)
    .option('--buffer <size>', 'buffer budget over all CPUs (default: 8MiB)', (text) => parseBytes(text, '--buffer'))
    .option('--in-flight <calls>', 'buffers that hold so many calls, instead of --buffer', countOf('--in-flight'))
    .option('--wakeup <policy>', "timer:200 (µs), adaptive or watermark:4096 instead of each backend's own", (text) =>
      parseWakeup(text, '--wakeup'),
    )
    .addOption(new Option('--placement <where>', "collector's CPU against the workload's").choices(PLACEMENTS))
    .addOption(new Option('--idle <policy>', 'busy keeps every CPU awake').choices(IDLE_POLICIES))
    .option('--surface', 'also the loss of bursts over buffer sizes, and a queue model fitted to it and tested')
    .option('--grid', 'also a table of the loss over rates, bursts and calls in flight, each point three times')
    .option('--grid-time <time>', 'with --grid: all of it in about so long, by shorter sections', (text) =>
      parseDurationMs(text, '--grid-time'),
    )
    .option('--seed <n>', 'of the order (default: a fresh one, recorded)', (text) => parseCount(text, '--seed', 0))
    .option('--out <dir>', 'new folder for the files (default: results/TIME-capacity)')
    .option('--plan <dir>', 'measures nothing: from the capacities measured there, what the demand below needs')
    .option('--rate <calls>', 'with --plan: calls a second of one host, on average: 200k', (text) =>
      parseRate(text, '--rate'),
    )
    .option(
      '--burst <peak:time>',
      'with --plan: what the average comes in, 1M:100ms; without it evenly spaced',
      (text) => parsePeak(text, '--burst'),
    )
    .option('--profile <path>', 'with --plan: rate and burst of a real system, instead of --rate and --burst')
    .option('--hosts <n>', 'with --plan (default: 1)', countOf('--hosts'))
    .option('--cores <n>', 'with --plan: of each host (default: as measured)', countOf('--cores'))
    .action(async ({ backends, workload, wakeup, searches, loss, section, surface, grid, gridTime, out, ...more }) => {
      const { plan, rate, burst, profile, hosts, cores, ...terms } = more;
      const demanded: Demanded = { rate, burst, profile, hosts, cores };
      if (plan !== undefined) {
        await planOn(plan, { ...demanded, loss }, context());
        return;
      }
      refuseDemand(demanded);
      if (terms.inFlight !== undefined && terms.buffer !== undefined) {
        throw usageError('--buffer and --in-flight both say how large the buffers are', 'give one of them');
      }
      if (gridTime !== undefined && grid !== true) {
        throw usageError('--grid-time bounds a grid, and none was asked for', 'give --grid as well');
      }
      const settings: Settings = {
        ...terms,
        backends: backends === undefined ? undefined : parseList(backends, '--backends'),
        workloads: [workload],
        wakeup: wakeup === undefined ? undefined : [wakeup],
      };
      const measured = { surface: surface === true, grid: grid === true, gridTimeMs: gridTime };
      finish(await search({ settings, searches, loss, sectionMs: section, ...measured, out }, context()));
    });
}

interface Demanded {
  readonly rate: Pace | undefined;
  readonly burst: Demand['burst'] | undefined;
  readonly profile: string | undefined;
  readonly hosts: number | undefined;
  readonly cores: number | undefined;
}

/** A demand is planned for, not measured. */
function refuseDemand(demanded: Demanded): void {
  const given = Object.entries(demanded).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw usageError(
    `--${given[0]} belongs to a demand, and --plan does not say by which measured capacities it is to be met`,
    'measure first (./tracebench capacity --surface), then give --plan results/TIME-capacity',
  );
}

async function planOn(
  path: string,
  { rate, burst, profile, hosts, cores, loss }: Demanded & { loss: number },
  around: CommandContext,
): Promise<void> {
  if (profile !== undefined && (rate !== undefined || burst !== undefined)) {
    throw usageError('--profile says what comes, and so do --rate and --burst', 'give one of the two');
  }
  const demandFor =
    profile !== undefined
      ? (workload: string) => profiledDemand(profile, workload)
      : rate !== undefined
        ? () => ({ ratePerS: rate.ratePerS, burst: burst ?? null })
        : null;
  if (demandFor === null) {
    throw usageError('--plan needs a demand', 'give --rate, calls a second of one host: 200k; or --profile');
  }
  const study = readCapacity(path, '--plan');
  const demand: Demand = {
    ...demandFor(study.workload),
    cpus: cores ?? study.environment.cpusOnline,
    hosts: hosts ?? 1,
    lossFraction: loss,
  };
  if (burst && burst.peakPerS < demand.ratePerS) {
    throw usageError(
      `--burst: the peak of ${burst.peakPerS} calls a second is below the average of ${demand.ratePerS}`,
      'give the peak that is reached while a burst lasts',
    );
  }
  const answers = planFleet(study, demand);
  if (around.json) await printJson(around, { demand, answers });
  else await around.print(renderFleet(answers, demand, study));
}

function profiledDemand(path: string, measured: string): ReturnType<typeof demandOf> {
  const workload = workloads.find(({ name }) => name === measured) ?? { name: measured, stamped: [] };
  return demandOf(readProfile(path, '--profile'), shownPath(path), workload);
}

/** Throws a usage error for a time in which no grid is to be had. */
function gridOptionsFor(variants: number, timeMs: number | undefined): GridOptions {
  if (timeMs === undefined) return GRID;
  const sectionMs = Math.min(GRID.sectionMs, gridSectionFor(timeMs, variants, GRID.repeats));
  if (sectionMs >= GRID_SECTION_LEAST_MS) return { ...GRID, sectionMs };
  const least = predictedGridMs(variants, { ...GRID, sectionMs: GRID_SECTION_LEAST_MS });
  throw usageError(
    `--grid-time ${formatDuration(timeMs)}: a grid of ${variants} backends takes about ${formatDuration(least)} with the shortest sections, ${GRID_SECTION_LEAST_MS} ms`,
    'give more time, or fewer --backends',
  );
}

async function search(asked: Asked, around: CommandContext): Promise<number> {
  const own = { name: 'capacity', program: TRIAL_PROGRAM, settings: asked.settings, out: asked.out } as const;
  const { searches, sectionMs } = asked;
  return runOwnStudy(own, around, async ({ hosted, context, prepared: { plan, rows }, stop, say }) => {
    const { backends, machine } = context;
    const buffered = plan.backends.filter((id) => definitionOf(id, backends).variant.buffer !== null).length;
    const grid = asked.grid && buffered > 0 ? gridOptionsFor(buffered, asked.gridTimeMs) : null;
    if (grid !== null) {
      const about = formatDuration(predictedGridMs(buffered, grid));
      say(`the grid takes about ${about} after the searches: sections of ${formatDuration(grid.sectionMs)}`);
    } else if (asked.grid) say('no grid: nothing here has a buffer');
    const criteria = {
      lossFraction: asked.loss,
      achievedLeast: ACHIEVED_LEAST,
      resolution: RESOLUTION,
      leastPerS: LEAST_PER_S,
    };
    const surface = asked.surface ? SURFACE : null;
    const study = await studyCapacity(
      { plan, rows, backends, machine, searches, criteria, sectionMs, surface, grid },
      {
        environment: await readEnvironment(),
        stop,
        runTrial: (spec) => runTrial(hosted, spec, stop.signal),
        tried: (variant, n, one) => {
          say(`  ${variant} ${n + 1}: ${capacityLines.attempt(one)}: ${holds(one, criteria) ? 'held' : 'not held'}`);
        },
        point: (variant, one) => say(`  ${variant}: ${capacityLines.point(one)}`),
        gridTrial: (done, of) => {
          if (done % GRID_SAID === 0 || done === of) say(`  grid: ${done} of ${of} trials`);
        },
        searched: (variant, n, done) =>
          say(`${variant} ${n + 1} of ${searches}: ${capacityLines.outcome(done.outcome)}`),
      },
    );
    const rendered = { markdown: renderCapacityMarkdown(study), terminal: renderCapacity(study) };
    await leaveDocument({ document: study, fileName: CAPACITY_FILE, ...rendered }, own, around, say);
    const stopped = stop.reason();
    if (stopped !== null) return stopped.exitCode;
    return study.variants.some(({ capacity }) => capacity === null) ? EXIT.invalid : EXIT.ok;
  });
}
