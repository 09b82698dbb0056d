/** "Did you mean …?" for names a user mistyped. */
import { nearest } from './syscalls/nearest.ts';

/** Text of a mend for an unknown name: the nearest one where there is one, and all of them. */
export function meantOr(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const all = `known: ${known.join(', ')}`;
  return near === null ? all : `did you mean ${near}? (${all})`;
}
