/** Detail `paths`: which variants have it, and what is said where one has not. Nothing falls back to less. */
import type { AskedDetail, Capabilities, VariantDefinition } from '../backend.ts';
import { usageError } from '../errors.ts';

export const NO_PATHS_MEND = 'leave --detail paths out, or choose a variant that reads them: ./tracebench list';

/** Why a variant cannot give what is asked; null: it can. */
export function whyNotDetail(capabilities: Capabilities, detail: AskedDetail | undefined): string | null {
  if (detail === undefined || 'read' in capabilities.paths) return null;
  return `it reads no strings: ${capabilities.paths.none}`;
}

/** Throws a usage error where a variant cannot give what is asked. */
export function checkDetail(id: string, variant: VariantDefinition, detail: AskedDetail | undefined): void {
  const why = whyNotDetail(variant.capabilities, detail);
  if (why !== null) throw usageError(`${id} cannot: ${why}`, NO_PATHS_MEND);
}
