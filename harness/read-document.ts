/** The documents that studies leave behind, read back for another command. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { usageError } from './errors.ts';

export interface DocumentTerms<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly fileName: string;
  /** What it should be: "capacity study". */
  readonly kind: string;
  readonly mend: string;
}

/** `path` is the file or its folder; `what` is how it was asked for. Throws a usage error for what is no such document of this version. */
export function readDocument<Schema extends z.ZodType>(
  path: string,
  what: string,
  { schema, fileName, kind, mend }: DocumentTerms<Schema>,
): z.output<Schema> {
  const file = path.endsWith('.json') ? path : join(path, fileName);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${what}: ${(error as Error).message}`, mend);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw usageError(`${what}: ${file} is no ${kind} of this version: ${why}`, mend);
  }
}
