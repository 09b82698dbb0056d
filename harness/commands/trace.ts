/** `tracebench trace -- CMD`: any command seen through any backend. */
import { Command, Option } from '@commander-js/extra-typings';
import { findVariant } from '../../backends/index.ts';
import { usageError } from '../errors.ts';
import { findHost } from '../host/host.ts';
import { DEFAULT_BUFFER } from '../plan/profiles.ts';
import { parseBytes, parseList } from '../quantity.ts';
import { REFERENCE } from '../reference/roles.ts';
import { probeVariant } from '../session/probe.ts';
import { runTrace } from '../trace/index.ts';
import { checkCommand, checkUser } from './check-target.ts';
import type { CommandContext, Finish } from './context.ts';
import { runOnBehalf } from './on-behalf.ts';
import { traceByAll } from './trace-all.ts';

export function traceCommand(context: () => CommandContext, finish: Finish) {
  return new Command('trace')
    .summary('a command through one backend, as strace would show it; ends with its exit code')
    .usage('[options] -- CMD …')
    .option('--backend <variant>', 'who traces (default: ebpf)')
    .option('--all', 'every backend at once on the same process, side by side')
    .option('-e, --events <list>', 'system calls shown, by name or class: openat,execve or %file; default all')
    .addOption(
      new Option('--detail <detail>', 'what a line must hold (default: what the backend delivers)').choices([
        'enter',
        'full',
        'paths',
      ] as const),
    )
    .option('-c, --summary-only', 'counts by system call instead of lines')
    .option('-o, --output <file>', 'write there instead of standard error')
    .option(
      '--buffer <size>',
      'buffer budget over all CPUs',
      (text) => parseBytes(text, '--buffer'),
      parseBytes(DEFAULT_BUFFER, '--buffer'),
    )
    .option('--user <name>', 'credentials of the command')
    .option('-t, --timestamps', 'CLOCK_MONOTONIC before each call')
    .action(async (options) => {
      const around = context();
      if (around.rest === null) throw usageError('there is no command to trace', './tracebench trace -- CMD …');
      const backend = options.backend ?? REFERENCE;
      if (findVariant(backend).variant.tool !== undefined) {
        throw usageError(`${backend} is a whole tool: it is measured, and traces by itself`, './tracebench run --help');
      }
      if (findVariant(backend).variant.capabilities.events !== undefined) {
        throw usageError(
          `${backend} traces a function of the workload \`function\`, and no system calls`,
          `./tracebench run --backends ${backend} --workloads function`,
        );
      }
      checkCommand(around.rest);
      const host = await findHost();
      if (options.user !== undefined) await checkUser(options.user, host);
      if (options.all) refuseBesidesAll(options);
      // What works with our own rights is not done with root's.
      if (host.invoker !== null && (options.all || (await probeVariant(backend)).answer !== 'yes')) {
        finish(await runOnBehalf(host, around.argv));
        return;
      }
      if (options.all) {
        finish(
          await traceByAll(
            {
              argv: around.rest,
              events: options.events === undefined ? null : parseList(options.events, '-e'),
              output: options.output ?? null,
              bufferBytes: options.buffer,
              user: options.user ?? around.behalf?.user ?? null,
            },
            around,
          ),
        );
        return;
      }
      finish(
        await runTrace({
          backend,
          filter: options.events === undefined ? null : parseList(options.events, '-e'),
          summary: options.summaryOnly ?? false,
          output: options.output ?? null,
          openAs: around.behalf?.as ?? ((open) => open()),
          json: around.json,
          ...(options.detail === undefined ? {} : { detail: options.detail }),
          argv: [...around.rest],
          bufferBytes: options.buffer,
          user: options.user ?? around.behalf?.user ?? null,
          timestamps: options.timestamps ?? false,
        }),
      );
    });
}

/** Lines of a single backend have no place beside each other. */
function refuseBesidesAll(options: Readonly<Record<string, unknown>>): void {
  const single = ['backend', 'detail', 'timestamps'].find((key) => options[key] !== undefined);
  if (single === undefined) return;
  throw usageError(`--all shows every backend's counts and takes no --${single}`, 'leave one of the two out');
}
