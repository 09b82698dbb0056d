/** `tracebench list`: what there is to run, whether or not this machine can. */

import { Command } from '@commander-js/extra-typings';
import { backendsAndTools } from '../../backends/index.ts';
import { columns } from '../../reports/columns.ts';
import { plainTable } from '../../reports/plain-table.ts';
import { applications } from '../../workloads/applications/index.ts';
import { workloads } from '../../workloads/index.ts';
import { lackOf } from '../applications/programs.ts';
import { type Capabilities, variantId } from '../backend.ts';
import { type CommandContext, printJson } from './context.ts';

/** Who reads no strings, by the reason. */
function withoutPaths(variants: readonly { readonly id: string; readonly capabilities: Capabilities }[]): string[][] {
  const byReason = new Map<string, string[]>();
  for (const { id, capabilities } of variants) {
    if ('read' in capabilities.paths) continue;
    const why = capabilities.paths.none;
    byReason.set(why, [...(byReason.get(why) ?? []), id]);
  }
  return [...byReason].map(([why, ids]) => [ids.join(' '), why]);
}

function leftTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return plainTable(columns(...heads.map((head) => `left:${head}`)), rows);
}

export function listCommand(context: () => CommandContext) {
  return new Command('list').summary('backends with their variants, workloads and applications').action(async () => {
    const around = context();
    const variants = backendsAndTools.flatMap((backend) =>
      backend.variants.map((variant) => ({
        id: variantId(backend.name, variant.name),
        title: backend.title,
        ...variant,
      })),
    );
    if (around.json) {
      const entries = applications.map((application) => ({ ...application, lack: lackOf(application) }));
      await printJson(around, { backends: variants, workloads, applications: entries });
      return;
    }
    const variantRows = variants.map(({ id, capabilities: { delivers, detail, paths, regime }, summary }) => [
      id,
      detail === null ? delivers : `${delivers}, ${detail}`,
      'read' in paths ? (paths.read === 'kernel' ? 'kernel copy' : `at ${paths.read}`) : '-',
      regime,
      summary,
    ]);
    await around.print(
      [
        leftTable(['backend', 'delivers', 'paths', 'when slow', 'what it is'], variantRows),
        leftTable(['no paths', 'why'], withoutPaths(variants)),
        leftTable(
          ['workload', 'what it does'],
          workloads.map(({ name, title }) => [name, title]),
        ),
        leftTable(
          ['application', 'figure of merit', 'what it does'],
          applications.map(({ name, figure, title }) => [name, figure.unit, title]),
        ),
        'what of it this machine can run: ./tracebench doctor\n',
      ].join('\n\n'),
    );
  });
}
