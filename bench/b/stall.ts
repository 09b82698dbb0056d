/** A collector that stands still for 100 ms: every dropping backend loses, and its books say how much. */
import { backends } from '../../backends/index.ts';
import { variantId } from '../../harness/backend.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { type Check, exactly, type Line } from '../check.ts';
import { trial } from '../trials.ts';

const STALL_MS = 100;
const CALLS = 1_000_003;
const ROUNDS = 3;

export const stall: Check = {
  name: 'stall',
  title: `with the collector stalled ${STALL_MS} ms every dropping backend loses, and every loss is reconciled`,
  async run({ say }) {
    const lines: Line[] = [];
    for (const { name, variants } of backends) {
      for (const variant of variants) {
        const id = variantId(name, variant.name);
        const { delivers, regime } = variant.capabilities;
        if (delivers !== 'records' || regime !== 'drops' || (await probeVariant(id)).answer !== 'yes') continue;
        let good = 0;
        const notes: string[] = [];
        for (let round = 0; round < ROUNDS; round++) {
          const changes = { stallMs: STALL_MS, stallAfterCalls: 1000 };
          const { accounting: a } = await trial({ variant: id, workload: 'null', calls: CALLS, changes });
          if (a.delivers !== 'records') throw new Error(`${id} delivered no records`);
          if (a.missing > 0 && a.verdict === 'reconciled') good++;
          const { min, max } = a.discrepancy;
          notes.push(
            `${a.missing} missing, discrepancy ${min === max ? min : `${min} to ${max}`}${a.reasons.length > 0 ? ` (${a.reasons.join(', ')})` : ''}`,
          );
        }
        say(`stall ${id}`);
        lines.push(
          exactly(
            `stall ${id}: trials that lost, and whose loss is reconciled`,
            good,
            ROUNDS,
            'trials',
            notes.join('; '),
          ),
        );
      }
    }
    return lines;
  },
};
