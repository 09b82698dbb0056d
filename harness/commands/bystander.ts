/** `tracebench bystander`: flags → rounds of trials → table and files. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { bystanderLine, renderBystander, renderBystanderMarkdown } from '../../reports/bystander.ts';
import { writeFileAtomic } from '../atomic-file.ts';
import { studyBystander } from '../bystander/study.ts';
import { runBystanderTrial } from '../bystander/trial-process.ts';
import { readEnvironment } from '../environment.ts';
import { cannotError, EXIT, usageError } from '../errors.ts';
import { findHost } from '../host.ts';
import { IDLE_BUSY } from '../idle.ts';
import { checkAwake } from '../idle-check.ts';
import { lockStudy } from '../lock.ts';
import { refusePairs } from '../pairs.ts';
import { distDir } from '../paths.ts';
import { resolveRequest } from '../plan.ts';
import { probeOn } from '../probe.ts';
import { parseCount, parseList } from '../quantity.ts';
import { IDLE_POLICIES, type Settings } from '../settings.ts';
import { watchForStop } from '../stop.ts';
import { prepareStudy } from '../study.ts';
import { checkOutputFolder, newStudyDir } from '../study-files.ts';
import { type CommandContext, type Finish, planContext, printJson, resultsDir, shownPath } from './context.ts';

const SEEDS = 2 ** 31;
const BYSTANDER_FILE = 'bystander.json';
const REPORT_FILE = 'bystander.md';
const ROUNDS = 15;
/** Five blocks of them take some 10 ms. */
const CALLS = 10_000;
/** What the program takes. */
const MOST_CALLS = 10_000_000;

interface Asked {
  readonly settings: Settings;
  readonly rounds: number;
  readonly callsPerBlock: number;
  readonly out: string | undefined;
}

export function bystanderCommand(context: () => CommandContext, finish: Finish) {
  return new Command('bystander')
    .summary('what a process that nobody traces pays because somebody else is traced')
    .description(
      'Times bare system calls of a process outside the target’s tree: before a tracer is opened, while it is armed on a ' +
        'target that sleeps, while the target is busy (with three CPUs or more), and after it is gone; in an old process and ' +
        'in ones forked in each phase.',
    )
    .option('--backends <list>', 'backends or variants (default: all defaults)')
    .option('--rounds <n>', 'each has every backend; 6 is the least that has intervals', count('--rounds'), ROUNDS)
    .option('--calls <n>', 'in a block; a reading is the best of five', count('--calls'), CALLS)
    .addOption(new Option('--idle <policy>', 'busy keeps every CPU awake').choices(IDLE_POLICIES))
    .option('--seed <n>', 'of the order (default: a fresh one, recorded)', (text) => parseCount(text, '--seed', 0))
    .option('--out <dir>', 'new folder for the files (default: results/TIME-bystander)')
    .action(async ({ backends, rounds, calls, out, idle, seed }) => {
      if (calls > MOST_CALLS) {
        throw usageError(`--calls ${calls} is more than ${MOST_CALLS}`, `give fewer; ${CALLS} is the default`);
      }
      const settings: Settings = {
        backends: backends === undefined ? undefined : parseList(backends, '--backends'),
        workloads: ['null'],
        idle,
        seed,
      };
      finish(await measure({ settings, rounds, callsPerBlock: calls, out }, context()));
    });
}

function count(flag: string) {
  return (text: string): number => parseCount(text, flag, 1);
}

async function measure({ settings, rounds, callsPerBlock, out }: Asked, around: CommandContext): Promise<number> {
  const entry = join(distDir, 'harness', 'bystander-trial.js');
  if (!existsSync(entry))
    throw cannotError(`${shownPath(entry)} is missing: the project is not built`, 'npm run build');
  if (out !== undefined) checkOutputFolder(out);
  const host = await findHost();
  const context = planContext();
  const request = resolveRequest({ ...settings, user: host.invoker ?? undefined }, context, randomInt(SEEDS));
  refusePairs(request.pairs, 'bystander');
  if (request.idle === 'busy') await checkAwake(IDLE_BUSY);
  const say = (text: string): void => {
    if (!around.quiet) process.stderr.write(`${text}\n`);
  };

  const lock = await lockStudy(`tracebench ${around.argv.join(' ')}`);
  const stop = watchForStop((reason) => around.exitNow(reason.exitCode));
  try {
    const { plan, rows, notes } = await prepareStudy(request, context, probeOn(host));
    for (const note of notes) say(`note: ${note}`);
    for (const { variant, answer, reason } of rows) if (answer === 'no') say(`${variant} cannot run here: ${reason}`);
    const { backends, machine } = context;
    const study = await studyBystander(
      { plan, rows, backends, cpus: machine.cpus, rounds, callsPerBlock },
      {
        environment: await readEnvironment(),
        stop,
        runTrial: (spec) => runBystanderTrial({ entry, host }, spec, stop.signal),
        tried: (subject, trial) => say(`  ${bystanderLine(subject, trial)}`),
      },
    );
    const dir = out === undefined ? newStudyDir(resultsDir, new Date(study.startedAt), 'bystander') : resolve(out);
    mkdirSync(dir, { recursive: true });
    writeFileAtomic(join(dir, BYSTANDER_FILE), `${JSON.stringify(study, null, 2)}\n`);
    writeFileAtomic(join(dir, REPORT_FILE), renderBystanderMarkdown(study));
    if (around.json) await printJson(around, study);
    else await around.print(renderBystander(study));
    say(`\nfiles: ${shownPath(dir)}/ (${BYSTANDER_FILE}, ${REPORT_FILE})`);
    const failed = study.trials.some(({ status }) => status === 'failed');
    return stop.reason()?.exitCode ?? (failed ? EXIT.runError : EXIT.ok);
  } finally {
    stop.dispose();
    await lock.release();
  }
}
