/** `tracebench list`: what there is to run, whether or not this machine can. */
import { Command } from '@commander-js/extra-typings';
import { backends } from '../../backends/index.ts';
import { workloads } from '../../workloads/index.ts';
import { variantId } from '../backend.ts';
import { type CommandContext, columns, printJson } from './context.ts';

export function listCommand(context: () => CommandContext) {
  return new Command('list').summary('backends with their variants, and workloads').action(async () => {
    const around = context();
    const variants = backends.flatMap((backend) =>
      backend.variants.map((variant) => ({
        id: variantId(backend.name, variant.name),
        title: backend.title,
        ...variant,
      })),
    );
    if (around.json) {
      await printJson(around, { backends: variants, workloads });
      return;
    }
    const variantRows = variants.map(({ id, capabilities: { delivers, detail, regime }, summary }) => [
      id,
      detail === null ? delivers : `${delivers}, ${detail}`,
      regime,
      summary,
    ]);
    await around.print(
      `${columns([['backend', 'delivers', 'when slow', 'what it is'], ...variantRows])}\n` +
        `${columns([['workload', 'what it does'], ...workloads.map(({ name, title }) => [name, title])])}\n` +
        'what of it this machine can run: ./tracebench doctor\n',
    );
  });
}
