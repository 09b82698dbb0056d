/** Two collectors at once, `ebpf+perf`: of the first are the records, books and latency that its cell reports. */
import { usageError } from '../errors.ts';
import type { Contestant } from './cell-request.ts';

export interface Pair {
  readonly first: Contestant;
  readonly second: Contestant;
}

/** As it is typed. */
export function pairId(first: string, second: string): string {
  return `${first}+${second}`;
}

/** The two names of a pair; null: it names one backend or several. */
export function pairNames(name: string): readonly [string, string] | null {
  const [first, second, ...rest] = name.split('+');
  if (first === undefined || second === undefined) return null;
  if (rest.length === 0 && first !== '' && second !== '') return [first, second];
  throw usageError(`'${name}' is no pair of collectors`, 'name two variants: ebpf+perf');
}

/** For commands that measure collectors one at a time. Throws a usage error where pairs were asked for. */
export function refusePairs([pair]: readonly Pair[], command: string): void {
  if (pair === undefined) return;
  throw usageError(
    `${pairId(pair.first.id, pair.second.id)}: ${command} measures one collector at a time`,
    'name single backends; ./tracebench run takes pairs',
  );
}

/** Throws a usage error for two that cannot collect from one target at once. */
export function checkPair({ first, second }: Pair): void {
  const refuse = (why: string, mend: string): never => {
    throw usageError(`${pairId(first.id, second.id)}: ${why}`, mend);
  };
  if (first.id === second.id) refuse('a pair is of two different variants', 'a pair is for example ebpf+perf');
  for (const { id, variant } of [first, second]) {
    if (variant.tool !== undefined) refuse(`${id} is a whole tool, which is alone on its target`, 'name backends only');
    if (variant.capabilities.delivers === 'nothing') refuse(`${id} collects nothing`, `${id} is in every study anyway`);
  }
  const [one, other] = [first.backend.takesAlone, second.backend.takesAlone];
  if (one !== undefined && one === other) {
    refuse(`both take ${one}, which only one can have`, `measure each alone: --backends ${first.id},${second.id}`);
  }
}
