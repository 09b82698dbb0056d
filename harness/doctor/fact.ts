/** A fact in three values: what the machine shows, or that it cannot be told, and why. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `value` null: it could not be told, for `reason`. */
export type Fact<T> = { readonly value: T; readonly reason: null } | { readonly value: null; readonly reason: string };

export function known<T>(value: T): Fact<T> {
  return { value, reason: null };
}

export function untold(reason: string): { readonly value: null; readonly reason: string } {
  return { value: null, reason };
}

const WHY: Readonly<Record<string, string>> = { EACCES: 'for root only', EPERM: 'for root only' };

/** A number of /proc/sys; `name` with slashes, as its path. */
export function sysctl(name: string, root = '/'): Fact<number> {
  const sys = join(root, 'proc/sys');
  let text: string;
  try {
    text = readFileSync(join(sys, name), 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    if (code !== 'ENOENT') return untold(WHY[code] ?? code);
    return untold(existsSync(sys) ? 'not in this kernel' : '/proc/sys is missing');
  }
  return /^-?\d+$/.test(text) ? known(Number(text)) : untold(`not a number: ${text.slice(0, 20)}`);
}
