/** A/A: two cells that are the same must not be told apart. */
import { contains, ratioInterval } from '../../harness/statistics/order-interval.ts';
import type { Check } from '../check.ts';
import { interleave } from '../interleave.ts';
import { perCallNs, trial } from '../trials.ts';

const ROUNDS = 6;
const CELLS = [
  { variant: 'none', workload: 'null', calls: 200_000 },
  { variant: 'none', workload: 'file', calls: 100_000 },
  { variant: 'ebpf', workload: 'null', calls: 200_000 },
  { variant: 'ebpf', workload: 'file', calls: 100_000 },
  { variant: 'ptrace', workload: 'null', calls: 5_000 },
  { variant: 'none', workload: 'exec', calls: 600 },
] as const;
const REPEATS = 7;

export const sameAgainstSame: Check = {
  name: 'aa',
  title: 'A/A: ≥ 90 % of ≥ 40 intervals contain 1',
  async run({ seed, say }) {
    const halfWidths: number[] = [];
    let containing = 0;
    let intervals = 0;
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      for (const [i, cell] of CELLS.entries()) {
        const measure = async (): Promise<number> => perCallNs(await trial(cell));
        const contenders = [
          { name: 'left', measure },
          { name: 'right', measure },
        ];
        const values = await interleave(contenders, ROUNDS, 0, seed + repeat * CELLS.length + i, () => {});
        const left = values.get('left') ?? [];
        const right = values.get('right') ?? [];
        const interval = ratioInterval(left.map((v, r) => [v, right[r] as number] as const));
        intervals++;
        if (contains(interval, 1)) containing++;
        halfWidths.push(Math.log((interval.high ?? Number.NaN) / (interval.low ?? Number.NaN)) / 2);
      }
      say(`aa ${repeat + 1} of ${REPEATS}: ${containing} of ${intervals} intervals contain 1`);
    }
    halfWidths.sort((a, b) => a - b);
    const median = halfWidths[Math.floor(halfWidths.length / 2)] as number;
    return [
      {
        name: `aa: share of ${intervals} intervals (${ROUNDS} rounds) that contain 1`,
        value: containing / intervals,
        unit: '',
        low: null,
        high: null,
        bound: '≥ 0.9',
        pass: intervals >= 40 && containing / intervals >= 0.9,
      },
      {
        name: 'aa: half-width of the intervals, median (smallest … largest)',
        value: Math.expm1(median) * 100,
        unit: '%',
        low: Math.expm1(halfWidths[0] as number) * 100,
        high: Math.expm1(halfWidths.at(-1) as number) * 100,
        bound: 'reported',
        pass: true,
        note: 'a change smaller than twice the half-width of a cell cannot be seen in 6 rounds',
      },
    ];
  },
};
