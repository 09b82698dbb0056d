/** profile.json, read back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { usageError } from '../errors.ts';
import { type Profile, profileSchema } from './result.ts';

export const PROFILE_FILE = 'profile.json';

/** `path` is the file or its folder; `what` is how it was asked for. Throws a usage error for what is no profile of this version. */
export function readProfile(path: string, what: string): Profile {
  const file = path.endsWith('.json') ? path : join(path, PROFILE_FILE);
  const mend = 'name what ./tracebench profile has written';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${what}: ${(error as Error).message}`, mend);
  }
  try {
    return profileSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw usageError(`${what}: ${file} is no profile of this version: ${why}`, mend);
  }
}
