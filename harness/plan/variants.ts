/** Backends, variants and pairs by the names that are typed. */
import { type BackendDefinition, variantId } from '../backend.ts';
import { usageError } from '../errors.ts';
import { meantOr } from '../suggest.ts';
import type { Contestant } from './cell-request.ts';
import { eachOnce } from './each-once.ts';
import { checkPair, type Pair, pairId, pairNames } from './pairs.ts';
import type { Profile } from './profiles.ts';

/** The backend whose cells are the baseline of all others. */
export const BASELINE = 'none';

function idsOf(backend: BackendDefinition): string[] {
  return backend.variants.map((variant) => variantId(backend.name, variant.name));
}

/** Those that are not whole tools: these are asked for by name. */
function withDefault(backends: readonly BackendDefinition[]): readonly BackendDefinition[] {
  return backends.filter((backend) => backend.variants[0]?.name === '');
}

/** A backend's name is its default variant, `ebpf/*` all of them, `all` every default. */
export function variantsNamed(name: string, backends: readonly BackendDefinition[]): string[] {
  if (name === 'all') return withDefault(backends).map((backend) => backend.name);
  const all = backends.find((backend) => name === `${backend.name}/*`);
  if (all) return idsOf(all);
  const known = backends.flatMap(idsOf);
  if (known.includes(name)) return [name];
  throw usageError(`there is no backend or variant '${name}'`, `${meantOr(name, known)}; see ./tracebench list`);
}

export function resolveVariants(
  asked: readonly string[] | undefined,
  profile: Profile,
  backends: readonly BackendDefinition[],
) {
  const known = backends.flatMap(idsOf);
  const wanted = new Set<string>([BASELINE]);
  if (asked) {
    // Of a pair each alone as well, which it is held against.
    for (const name of asked.flatMap((text) => pairNames(text) ?? [text]))
      for (const id of variantsNamed(name, backends)) wanted.add(id);
  } else {
    const usual = withDefault(backends);
    for (const id of profile.variants === 'all' ? usual.flatMap(idsOf) : usual.map(({ name }) => name)) wanted.add(id);
  }
  return known.filter((id) => wanted.has(id)); // in report order
}

/** Throws usage errors for two that cannot be at once. */
export function resolvePairs(asked: readonly string[], backends: readonly BackendDefinition[]): Pair[] {
  const pairs = asked.flatMap((name) => {
    const names = pairNames(name);
    if (names === null) return [];
    const [first, second] = names.map((text) => {
      const [id, ...more] = variantsNamed(text, backends);
      if (id !== undefined && more.length === 0) return definitionOf(id, backends);
      throw usageError(`${name}: ${text} is more than one variant`, 'name two variants: ebpf+perf');
    }) as [Contestant, Contestant];
    checkPair({ first, second });
    return [{ first, second }];
  });
  return eachOnce(pairs, ({ first, second }) => pairId(first.id, second.id));
}

/** Throws TypeError: names were checked before. */
export function definitionOf(id: string, backends: readonly BackendDefinition[]): Contestant {
  for (const backend of backends) {
    for (const variant of backend.variants) {
      if (variantId(backend.name, variant.name) === id) return { id, backend, variant };
    }
  }
  throw new TypeError(`no backend is registered as '${id}'`);
}
