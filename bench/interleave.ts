/** Rounds of contenders in shuffled order: what pairs every figure here. */
import { createRandom } from '../harness/random.ts';

export interface Contender {
  readonly name: string;
  measure(): Promise<number>;
}

/** By contender, one value a round, in round order; the first `warmup` rounds are thrown away. */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  warmup: number,
  seed: number,
  say: (text: string) => void,
): Promise<Map<string, number[]>> {
  const random = createRandom(seed);
  const values = new Map<string, number[]>(contenders.map((c) => [c.name, []]));
  for (let round = -warmup; round < rounds; round++) {
    for (const contender of random.shuffle(contenders)) {
      const value = await contender.measure();
      if (round >= 0) values.get(contender.name)?.push(value);
    }
    say(round < 0 ? 'warm-up round' : `round ${round + 1} of ${rounds}`);
  }
  return values;
}
