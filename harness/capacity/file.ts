/** capacity.json, read back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { usageError } from '../errors.ts';
import { type CapacityStudy, capacityStudySchema } from './result.ts';

export const CAPACITY_FILE = 'capacity.json';

/** `path` is the file or its folder; `what` is how it was asked for. Throws a usage error for what is no capacity study of this version. */
export function readCapacity(path: string, what: string): CapacityStudy {
  const file = path.endsWith('.json') ? path : join(path, CAPACITY_FILE);
  const mend = 'name the folder that ./tracebench capacity --surface has written';
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${what}: ${(error as Error).message}`, mend);
  }
  try {
    return capacityStudySchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw usageError(`${what}: ${file} is no capacity study of this version: ${why}`, mend);
  }
}
