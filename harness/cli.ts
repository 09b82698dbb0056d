/**
 * The command line. Everything below it returns or throws; here alone an exit code is made of that.
 *
 * Words after the first `--` are a command and never looked at as options.
 */
import { Command, CommanderError } from '@commander-js/extra-typings';
import { bystanderCommand } from './commands/bystander.ts';
import { capacityCommand } from './commands/capacity.ts';
import { compareCommand } from './commands/compare.ts';
import type { CommandContext } from './commands/context.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { listCommand } from './commands/list.ts';
import { ON_BEHALF, readLetter } from './commands/on-behalf.ts';
import { profileCommand } from './commands/profile.ts';
import { runCommand } from './commands/run.ts';
import { selectCommand } from './commands/select.ts';
import { setupCommand } from './commands/setup.ts';
import { traceCommand } from './commands/trace.ts';
import { BackendError, EXIT, TracebenchError } from './errors.ts';
import { toolVersion } from './machine/environment.ts';
import { NOISE_BOUND } from './study/study.ts';

const EXIT_CODES = `
Exit codes:
  0    fine
  1    a run error: a trial failed, or the files could not be written
  2    wrong flags, names or plan file
  3    the machine cannot do what was asked (--require, another study, not built)
  4    the measurement is invalid: an accounting error, time not proportional to
       the calls, or the baseline's half-width above ${NOISE_BOUND * 100} %; compare: too few
       rounds to judge anything
  99   compare: a regression; select: nobody meets the needs
  129, 130, 143   ended by SIGHUP, SIGINT, SIGTERM; what was measured is kept
  trace and profile pass the exit code of their command through

With --json exactly one document goes to standard output, on an error
{"error": {"exitCode", "code", "message", "mend"}}; all else to standard error.`;

async function main(typed: readonly string[]): Promise<number> {
  const { argv, behalf } = typed[0] === ON_BEHALF ? readLetter(typed[1] ?? '') : { argv: typed, behalf: null };
  const cut = argv.indexOf('--');
  const own = cut < 0 ? argv : argv.slice(0, cut);
  const rest = cut < 0 ? null : argv.slice(cut + 1);

  let exitCode: number = EXIT.ok;
  const finish = (code: number) => {
    exitCode = code;
  };
  const context = (): CommandContext => {
    const { json = false, quiet = false } = program.opts();
    return {
      json,
      quiet,
      rest,
      behalf,
      argv,
      print: (text) => write(process.stdout, text),
      exitNow: (code) => process.exit(code),
    };
  };
  const program = new Command('tracebench')
    .description(
      'Identical syscall-heavy workloads under several tracing mechanisms: throughput, overhead, latency, loss.',
    )
    .version(toolVersion())
    .option('--json', 'one JSON document on standard output')
    .option('--quiet', 'no progress')
    .addHelpText('after', EXIT_CODES);
  const commands = [
    doctorCommand(context, finish),
    listCommand(context),
    traceCommand(context, finish),
    runCommand(context, finish),
    capacityCommand(context, finish),
    bystanderCommand(context, finish),
    profileCommand(context, finish),
    selectCommand(context, finish),
    explainCommand(context),
    compareCommand(context, finish),
    setupCommand(context, finish),
  ];
  for (const command of commands) program.addCommand(command as unknown as Command);
  for (const command of [program, ...program.commands]) {
    command
      .exitOverride()
      .showSuggestionAfterError()
      .configureOutput({ outputError: () => {} });
    if (command !== program)
      command.addHelpText('after', '\nGlobal options: --json, --quiet (see ./tracebench --help)');
  }
  try {
    if (own.length === 0) throw new CommanderError(EXIT.usage, 'tracebench.noCommand', 'there is no command');
    if (rest !== null && !['run', 'trace', 'profile'].some((name) => own.includes(name))) {
      throw new CommanderError(EXIT.usage, 'tracebench.rest', 'only run, trace and profile take a command after --');
    }
    await program.parseAsync(own, { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, own);
  }
}

/** Says what went wrong, to people on standard error and with --json to programs on standard output. */
async function report(error: unknown, own: readonly string[]): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok; // --help and --version have been printed
  const { exitCode, code, message, mend } = described(error, own);
  await write(process.stderr, `tracebench: ${message}\n${mend === null ? '' : `mend: ${mend}\n`}`);
  if (own.includes('--json')) {
    await write(process.stdout, `${JSON.stringify({ error: { exitCode, code, message, mend } }, null, 2)}\n`);
  }
  return exitCode;
}

function described(
  error: unknown,
  own: readonly string[],
): { exitCode: number; code: string; message: string; mend: string | null } {
  if (error instanceof CommanderError) {
    const command = own.find((word) => !word.startsWith('-'));
    const help = command === undefined ? './tracebench --help' : `./tracebench ${command} --help`;
    const unknown = error.code === 'commander.unknownCommand' || error.code.startsWith('tracebench.');
    const message = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    return { exitCode: EXIT.usage, code: 'USAGE', message, mend: unknown ? './tracebench --help' : help };
  }
  if (error instanceof TracebenchError) {
    const code =
      Object.entries(EXIT)
        .find(([, value]) => value === error.exitCode)?.[0]
        .toUpperCase() ?? 'ENDED';
    return { exitCode: error.exitCode, code, message: error.message, mend: error.mend ?? null };
  }
  if (error instanceof BackendError) {
    const cannot = error.code === 'PROTOCOL' || error.code === 'INTERNAL' ? EXIT.runError : EXIT.cannot;
    return { exitCode: cannot, code: error.code, message: error.message, mend: error.mend ?? null };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exitCode: EXIT.runError,
    code: 'INTERNAL',
    message: `an error of tracebench itself: ${message}`,
    mend: null,
  };
}

/** Resolves when the stream has taken all of it: process.exit would cut a pipe short. */
function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => stream.write(text, () => resolve()));
}

// A reader that went away (`| head`) or a closed terminal is no error of ours; the study's files are what counts.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

process.exit(await main(process.argv.slice(2)));
