/**
 * What the string of a path argument costs: detail `paths` against what the variant gives by itself, paired by round. Of each
 * backend one variant that reads strings, one that blocks where there is one: what is dropped costs no string.
 */
import { backends } from '../../backends/index.ts';
import { type AskedDetail, variantId } from '../../harness/backend.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { bcaMedian } from '../../harness/statistics/bootstrap.ts';
import { take } from '../a/cost.ts';
import type { Check, Line } from '../check.ts';
import { type Contender, interleave } from '../interleave.ts';
import { perCallNs, trial } from '../trials.ts';

const ROUNDS = 16;
/** Every fourth call of `file` is an openat, the only one with a string. */
const CALLS_PER_STRING = 4;
const CALLS = { blocks: 40_000, drops: 200_000, neither: 200_000 } as const;

/** Before the section the loader asks for the state of descriptors by an empty name, of which audit tells none. */
const MOST_FAILED = 8;

/** Trials whose books do not balance, or whose strings did not all come whole. */
type Unsound = string[];

function contender(id: string, calls: number, detail: AskedDetail | undefined, unsound: Unsound): Contender {
  const name = detail === undefined ? id : `${id}, ${detail}`;
  return {
    name,
    async measure() {
      const t = await trial({ variant: id, workload: 'file', calls, changes: detail === undefined ? {} : { detail } });
      const { accounting: a } = t;
      if (a.delivers !== 'records') throw new Error(`${id} delivered no records`);
      if (a.verdict !== 'reconciled') unsound.push(`${name}: ${a.verdict} (${a.reasons.join(', ')})`);
      const count = (of: string) => a.reported.find((c) => c.name === `paths_${of}`)?.count ?? 0;
      const whole = count('read') >= a.issued / CALLS_PER_STRING && count('cut') + count('left_out') === 0;
      if (detail !== undefined && !(whole && count('failed') <= MOST_FAILED)) {
        const [read, failed, cut, leftOut] = ['read', 'failed', 'cut', 'left_out'].map(count);
        unsound.push(`${name}: ${read} read, ${failed} failed, ${cut} cut, ${leftOut} left out`);
      }
      return perCallNs(t);
    },
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

export const pathsCost: Check = {
  name: 'paths-cost',
  title: 'what a string costs: detail paths against none on file, every backend that reads strings',
  async run({ seed, say }) {
    const ids: string[] = [];
    const unsound: Unsound = [];
    const contenders: Contender[] = [];
    for (const { name, variants } of backends) {
      const reading = variants.filter((v) => 'read' in v.capabilities.paths);
      const variant = reading.find((v) => v.capabilities.regime === 'blocks') ?? reading[0];
      if (variant === undefined) continue;
      const id = variantId(name, variant.name);
      const { answer, reason } = await probeVariant(id, undefined, 'paths');
      if (answer !== 'yes') {
        say(`paths-cost without ${id}: ${reason}`);
        continue;
      }
      const calls = CALLS[variant.capabilities.regime];
      ids.push(id);
      contenders.push(contender(id, calls, undefined, unsound), contender(id, calls, 'paths', unsound));
    }
    const values = await interleave(contenders, ROUNDS, 1, seed, (text) => say(`paths-cost ${text}`));
    const lines = ids.map((id): Line => {
      const full = take(values, id);
      const paths = take(values, `${id}, paths`);
      const interval = bcaMedian(
        paths.map((v, i) => (v - (full[i] as number)) * CALLS_PER_STRING),
        { seed },
      );
      const of = unsound.filter((text) => text.startsWith(`${id}:`) || text.startsWith(`${id},`));
      return {
        name: `paths-cost: a string under ${id}, ${ROUNDS} rounds`,
        value: interval?.estimate ?? Number.NaN,
        unit: 'ns/string',
        low: interval?.low ?? null,
        high: interval?.high ?? null,
        bound: 'reported; books ok, every string whole',
        pass: interval !== null && of.length === 0,
        note: [`${median(full).toFixed(0)} → ${median(paths).toFixed(0)} ns a call of file`, ...of].join('; '),
      };
    });
    return lines;
  },
};
