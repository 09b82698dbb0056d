/** `tracebench doctor`: what this machine can run and why not; its state; its repair. */
import { Command, Option } from '@commander-js/extra-typings';
import { canonicalJson, machineState, renderDoctor, repair, runDoctor } from '../doctor/index.ts';
import { findHost } from '../host/host.ts';
import { type CommandContext, type Finish, printJson } from './context.ts';
import { runOnBehalf } from './on-behalf.ts';

export function doctorCommand(context: () => CommandContext, finish: Finish) {
  return new Command('doctor')
    .summary('what this machine can run, why not, and how to mend it')
    .addOption(new Option('--state', 'one canonical JSON of everything a study may change').conflicts('repair'))
    .option('--repair', 'remove what a killed study left behind')
    .action(async (options) => {
      const around = context();
      if (options.state || options.repair) {
        // Another user's processes and audit's status show to root alone.
        const host = await findHost();
        if (host.invoker !== null) {
          finish(await runOnBehalf(host, around.argv));
          return;
        }
      }
      if (options.state) {
        await around.print(`${canonicalJson(await machineState())}\n`);
        return;
      }
      if (options.repair) {
        const done = await repair();
        if (around.json) await printJson(around, { repaired: done });
        else await around.print(done.length === 0 ? 'nothing was left behind\n' : `${done.join('\n')}\n`);
        return;
      }
      const report = await runDoctor({ json: around.json });
      if (around.json) await printJson(around, report);
      else await around.print(`${renderDoctor(report).trimEnd()}\n`);
    });
}
