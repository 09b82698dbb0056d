// Installs the packages of whole tools that are measured beside the backends. Which, `tracebench setup` says.
import { installCommand, installMissing, wayToInstall } from './apt.mjs';
import { withServicesKept } from './kept-services.mjs';
import { EXIT_MACHINE, EXIT_USAGE, runMain, SetupError, say } from './report.mjs';

export const main = (args) => runMain(() => installContestants(args));

/** @param args [--dry-run] PACKAGE=WHAT IT IS FOR … */
async function installContestants(args) {
  const dryRun = args.includes('--dry-run');
  const needs = args
    .filter((word) => word !== '--dry-run')
    .map((word) => {
      const [name, why] = word.split('=', 2);
      if (!/^[a-z0-9][a-z0-9+.-]+$/.test(name)) {
        throw new SetupError(`'${name}' is no name of a package`, { code: EXIT_USAGE });
      }
      return { package: name, why: why ?? '', essential: true };
    });
  const command = installCommand(needs.map((need) => need.package));
  if (dryRun) {
    for (const need of needs) say(`packages:   ${need.package}: ${need.why}`);
    say(`packages: would be installed, services kept from starting, with: ${command}`);
    return 0;
  }
  const way = await wayToInstall();
  if (way.refused) {
    throw new SetupError('packages are not installed', {
      why: way.refused,
      mend: `run: ${command}\n(it starts the services of packages that have one, such as auditd)`,
      code: EXIT_MACHINE,
    });
  }
  await withServicesKept(way.prefix, () => installMissing(needs));
  say('packages: installed');
  return 0;
}
