/** `tracebench setup`: what neither start nor test installs. */

import { join } from 'node:path';
import { Command } from '@commander-js/extra-typings';
import { execa } from 'execa';
import { contestants } from '../../backends/external/index.ts';
import { columns } from '../../reports/columns.ts';
import { plainTable } from '../../reports/plain-table.ts';
import { applications } from '../../workloads/applications/index.ts';
import { findProgram, lackOf } from '../applications/programs.ts';
import { EXIT, usageError } from '../errors.ts';
import { projectRoot } from '../paths.ts';
import { type CommandContext, type Finish, printJson } from './context.ts';

/** What is measured beside the backends: a whole tool, or an application of the catalogue. */
export interface Measured {
  readonly name: string;
  readonly programs: readonly string[];
  readonly packages: readonly string[];
  readonly installed: boolean;
}

function tools(): Measured[] {
  return contestants.map(({ name, program, package: of }) => ({
    name: `external/${name}`,
    programs: [program],
    packages: [of],
    installed: findProgram(program) !== null,
  }));
}

function toMeasure(): Measured[] {
  return applications.map((application) => ({
    name: application.name,
    programs: application.programs,
    packages: application.packages,
    installed: lackOf(application) === null,
  }));
}

/** `PACKAGE=WHAT IT IS FOR`, each package once. */
export function packagesOf(missing: readonly Pick<Measured, 'name' | 'packages'>[]): string[] {
  const wanted = new Map<string, string[]>();
  for (const { packages, name } of missing) {
    for (const one of packages) wanted.set(one, [...(wanted.get(one) ?? []), name]);
  }
  return [...wanted].map(([name, whose]) => `${name}=${whose.join(', ')}`);
}

export function setupCommand(context: () => CommandContext, finish: Finish) {
  return new Command('setup')
    .summary('install the tools and applications that are measured beside the backends')
    .option('--contestants', 'their packages, through apt, their services kept from starting')
    .option('--dry-run', 'say what would be installed, and how')
    .action(async ({ contestants: asked, dryRun }) => {
      const around = context();
      if (!asked) throw usageError('there is nothing to set up', './tracebench setup --contestants');
      const missing = [...tools(), ...toMeasure()].filter(({ installed }) => !installed);
      // What lacks no package lacks what the build makes.
      const packages = packagesOf(missing);
      if (packages.length > 0) {
        const script = join(projectRoot, 'scripts', 'contestants.mjs');
        const words = [script, ...(dryRun ? ['--dry-run'] : []), ...packages];
        const run = await execa(process.execPath, words, { reject: false, stdin: 'ignore', stdout: 2, stderr: 2 });
        if (run.failed) finish(run.exitCode ?? EXIT.runError);
      }
      const found = { contestants: tools(), applications: toMeasure() };
      if (around.json) {
        await printJson(around, found);
        return;
      }
      const rows = [...found.contestants, ...found.applications].map(({ name, installed, programs, packages }) => [
        name,
        installed ? 'installed' : 'missing',
        programs.join(' '),
        packages.join(' ') || '-',
      ]);
      const heads = columns('left:contestant or application', 'left:here', 'left:programs', 'left:packages');
      await around.print(`${plainTable(heads, rows)}\nwhether tools can trace here: ./tracebench doctor\n`);
    });
}
