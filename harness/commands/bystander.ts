/** `tracebench bystander`: flags → rounds of trials → table and files. */
import { Command, Option } from '@commander-js/extra-typings';
import { bystanderLine, renderBystander, renderBystanderMarkdown } from '../../reports/bystander.ts';
import { studyBystander } from '../bystander/study.ts';
import { BYSTANDER_PROGRAM, runBystanderTrial } from '../bystander/trial-process.ts';
import { EXIT, usageError } from '../errors.ts';
import { readEnvironment } from '../machine/environment.ts';
import { IDLE_POLICIES, type Settings } from '../plan/settings.ts';
import { parseCount, parseList } from '../quantity.ts';
import { type CommandContext, countOf, type Finish } from './context.ts';
import { leaveDocument, runOwnStudy } from './own-study.ts';

const BYSTANDER_FILE = 'bystander.json';
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
    .option('--rounds <n>', 'each has every backend; 6 is the least that has intervals', countOf('--rounds'), ROUNDS)
    .option('--calls <n>', 'in a block; a reading is the best of five', countOf('--calls'), CALLS)
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

async function measure(asked: Asked, around: CommandContext): Promise<number> {
  const own = { name: 'bystander', program: BYSTANDER_PROGRAM, settings: asked.settings, out: asked.out } as const;
  const { rounds, callsPerBlock } = asked;
  return runOwnStudy(own, around, async ({ hosted, context, prepared: { plan, rows }, stop, say }) => {
    const { backends, machine } = context;
    const study = await studyBystander(
      { plan, rows, backends, cpus: machine.cpus, rounds, callsPerBlock },
      {
        environment: await readEnvironment(),
        stop,
        runTrial: (spec) => runBystanderTrial(hosted, spec, stop.signal),
        tried: (subject, trial) => say(`  ${bystanderLine(subject, trial)}`),
      },
    );
    const rendered = { markdown: renderBystanderMarkdown(study), terminal: renderBystander(study) };
    await leaveDocument({ document: study, fileName: BYSTANDER_FILE, ...rendered }, own, around, say);
    const failed = study.trials.some(({ status }) => status === 'failed');
    return stop.reason()?.exitCode ?? (failed ? EXIT.runError : EXIT.ok);
  });
}
