/** result.json, read back: by every command that starts from a study. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { usageError } from '../errors.ts';
import { type Study, studySchema } from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';

export const RESULT_FILE = 'result.json';

/** The study in the text of a result.json. Throws an Error that says what is wrong with it, for the caller to mend. */
export function parseResult(text: string): Study {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new Error(`not JSON: ${(cause as Error).message}`, { cause });
  }
  const version = typeof raw === 'object' && raw !== null && 'version' in raw ? raw.version : undefined;
  if (version !== RESULT_VERSION) {
    throw new Error(`not a tracebench result of version ${RESULT_VERSION}, but ${JSON.stringify(version) ?? 'none'}`);
  }
  const parsed = studySchema.safeParse(raw);
  if (!parsed.success) throw new Error(`not a whole result: ${z.prettifyError(parsed.error)}`, { cause: parsed.error });
  return parsed.data;
}

/** The finished study in `dir`; throws usage errors. */
export function readResult(dir: string): Study {
  const path = join(dir, RESULT_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(
      `${dir} holds no finished study: ${(error as Error).message}`,
      `name the folder of a finished study, or finish this one: ./tracebench run --resume ${dir}`,
    );
  }
  try {
    return parseResult(text);
  } catch (error) {
    throw usageError(`${path} is ${(error as Error).message}`, 'make a new study: ./tracebench run');
  }
}
