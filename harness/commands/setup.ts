/** `tracebench setup`: what neither start nor test installs. */
import { join } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { execa } from 'execa';
import { contestants } from '../../backends/external/index.ts';
import { isInstalled } from '../contestants/probe.ts';
import { EXIT, usageError } from '../errors.ts';
import { projectRoot } from '../paths.ts';
import { type CommandContext, columns, type Finish, printJson } from './context.ts';

interface ToolState {
  readonly variant: string;
  readonly program: string;
  readonly package: string;
  readonly installed: boolean;
}

function toolStates(): ToolState[] {
  return contestants.map(({ name, program, package: of }) => ({
    variant: `external/${name}`,
    program,
    package: of,
    installed: isInstalled(program),
  }));
}

/** `PACKAGE=WHAT IT IS FOR`, each package once. */
export function packagesOf(missing: readonly Pick<ToolState, 'variant' | 'package'>[]): string[] {
  const packages = new Map<string, string[]>();
  for (const { package: name, variant } of missing) packages.set(name, [...(packages.get(name) ?? []), variant]);
  return [...packages].map(([name, variants]) => `${name}=${variants.join(', ')}`);
}

export function setupCommand(context: () => CommandContext, finish: Finish) {
  return new Command('setup')
    .summary('install the tools that are measured beside the backends')
    .option('--contestants', 'the packages of external/*, through apt, their services kept from starting')
    .option('--dry-run', 'say what would be installed, and how')
    .action(async ({ contestants: asked, dryRun }) => {
      const around = context();
      if (!asked) throw usageError('there is nothing to set up', './tracebench setup --contestants');
      const missing = toolStates().filter(({ installed }) => !installed);
      if (missing.length > 0) {
        const script = join(projectRoot, 'scripts', 'contestants.mjs');
        const words = [script, ...(dryRun ? ['--dry-run'] : []), ...packagesOf(missing)];
        const run = await execa(process.execPath, words, { reject: false, stdin: 'ignore', stdout: 2, stderr: 2 });
        if (run.failed) finish(run.exitCode ?? EXIT.runError);
      }
      const states = toolStates();
      if (around.json) {
        await printJson(around, { contestants: states });
        return;
      }
      const rows = states.map(({ variant, program, package: of, installed }) => [
        variant,
        installed ? 'installed' : 'missing',
        program,
        of,
      ]);
      await around.print(
        `${columns([['contestant', 'here', 'program', 'package'], ...rows])}whether they can trace here: ./tracebench doctor\n`,
      );
    });
}
