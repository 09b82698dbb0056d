/**
 * The folder of a study while it is made: plan.json is written first and says what is to be done and on which machine;
 * trials.ndjson grows by one flushed line a trial. From the two a study can be resumed. The reports are written
 * beside them at the end.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { symlinkAtomic, writeFileAtomic } from '../atomic-file.ts';
import { EXIT, TracebenchError, usageError } from '../errors.ts';
import {
  backendRowSchema,
  calibrationSchema,
  environmentSchema,
  planSchema,
  type TrialResult,
  trialResultSchema,
  workloadRowSchema,
} from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';

export const PLAN_FILE = 'plan.json';
export const TRIALS_FILE = 'trials.ndjson';

/** plan.json: what a study is, before its first trial. */
export const studyHeadSchema = z.object({
  version: z.literal(RESULT_VERSION),
  studyId: z.string(),
  startedAt: z.string(),
  command: z.array(z.string()).describe('arguments it was started with'),
  environment: environmentSchema,
  calibrationBefore: calibrationSchema,
  backends: z.array(backendRowSchema),
  absentWorkloads: z.array(workloadRowSchema),
  notMeasured: z.array(z.object({ what: z.string(), command: z.string() })),
  plan: planSchema,
});
export type StudyHead = z.infer<typeof studyHeadSchema>;

export class StudyFiles {
  readonly dir: string;
  #file: number;
  #size: number;

  private constructor(dir: string, size: number) {
    this.dir = dir;
    this.#file = openSync(join(dir, TRIALS_FILE), 'a');
    this.#size = size;
  }

  /** Makes the folder, which must be new or empty. */
  static create(dir: string, head: StudyHead): StudyFiles {
    try {
      mkdirSync(dir, { recursive: true });
      writeFileAtomic(join(dir, PLAN_FILE), `${JSON.stringify(head, null, 2)}\n`);
      return new StudyFiles(dir, 0);
    } catch (error) {
      throw cannotWrite(dir, error);
    }
  }

  /** Reads what is there, cuts off a line that was being written when the study died, and goes on behind it. */
  static resume(dir: string): { files: StudyFiles; head: StudyHead; trials: TrialResult[] } {
    const head = readHead(dir);
    const { trials, wholeBytes } = readTrials(dir);
    try {
      const files = new StudyFiles(dir, wholeBytes);
      ftruncateSync(files.#file, wholeBytes);
      return { files, head, trials };
    } catch (error) {
      throw cannotWrite(dir, error);
    }
  }

  /** One line, on the disk when this returns. On failure the file ends with the line before. */
  append(trial: TrialResult): void {
    const line = Buffer.from(`${JSON.stringify(trial)}\n`);
    try {
      for (let at = 0; at < line.length; ) at += writeSync(this.#file, line, at);
      fsyncSync(this.#file);
      this.#size += line.length;
    } catch (error) {
      ftruncateSync(this.#file, this.#size);
      throw cannotWrite(this.dir, error);
    }
  }

  close(): void {
    if (this.#file < 0) return;
    closeSync(this.#file);
    this.#file = -1;
  }
}

export function cannotWrite(dir: string, error: unknown): TracebenchError {
  if (error instanceof TracebenchError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  let mend = 'name a folder that this user may write with --out DIR';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    mend = existsSync(join(dir, PLAN_FILE))
      ? `free space there, then go on with: ./tracebench run --resume ${dir}`
      : 'free space there, or name another folder with --out DIR';
  }
  return new TracebenchError(EXIT.runError, `cannot write the study to ${dir}: ${message}`, { cause: error, mend });
}

/** An output folder that holds something is not overwritten. */
export function checkOutputFolder(dir: string): void {
  if (!existsSync(dir)) return;
  if (!statSync(dir).isDirectory()) throw usageError(`--out ${dir} is not a folder`, 'name a new folder');
  if (readdirSync(dir).length > 0) {
    const mend = existsSync(join(dir, PLAN_FILE))
      ? `name a new folder, or go on with the study in it: ./tracebench run --resume ${dir}`
      : 'name a new or an empty folder';
    throw usageError(`--out ${dir} is not empty`, mend);
  }
}

export function readHead(dir: string): StudyHead {
  const path = join(dir, PLAN_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(
      `${dir} holds no study: ${(error as Error).message}`,
      'name the folder of a study, as under results/',
    );
  }
  const result = studyHeadSchema.safeParse(parseJson(text));
  if (result.success) return result.data;
  throw usageError(
    `${path} was not written by this version:\n${z.prettifyError(result.error)}`,
    'start a new study, or use the version that began this one',
  );
}

/** `wholeBytes`: length of the file up to and including its last whole line. */
export function readTrials(dir: string): { trials: TrialResult[]; wholeBytes: number } {
  const path = join(dir, TRIALS_FILE);
  if (!existsSync(path)) return { trials: [], wholeBytes: 0 };
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const trials = whole
    .split('\n')
    .slice(0, -1)
    .map((line, i) => {
      const result = trialResultSchema.safeParse(parseJson(line));
      if (result.success) return result.data;
      throw usageError(
        `${path}, line ${i + 1} is not a trial:\n${z.prettifyError(result.error)}`,
        'it was changed or written by another version: start a new study',
      );
    });
  return { trials, wholeBytes: Buffer.byteLength(whole) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema says what was expected
  }
}

// ---------------------------------------------------------------- results/

/** `results/2026-11-20T13-40-53-quick`. */
export function newStudyDir(resultsDir: string, startedAt: Date, profile: string): string {
  const time = startedAt.toISOString().slice(0, 19).replaceAll(':', '-');
  for (let n = 1; ; n++) {
    const dir = join(resultsDir, `${time}-${profile}${n === 1 ? '' : `-${n}`}`);
    if (!existsSync(dir)) return dir;
  }
}

/** `results/latest` names the newest study. */
export function pointLatest(resultsDir: string, name: string): void {
  try {
    symlinkAtomic(name, join(resultsDir, 'latest'));
  } catch (error) {
    throw cannotWrite(resultsDir, error);
  }
}

/** The newest folder that holds `file` and that `wanted` accepts, or null. Folders are named by their time. */
export function newestStudy(
  resultsDir: string,
  file: string,
  wanted: (dir: string) => boolean = () => true,
): string | null {
  if (!existsSync(resultsDir)) return null;
  const names = readdirSync(resultsDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(resultsDir, entry.name, file)))
    .map((entry) => join(resultsDir, entry.name))
    .sort();
  return names.findLast(wanted) ?? null;
}

/** True when the reports are there and say that no trial is missing. */
export function isComplete(dir: string): boolean {
  const path = join(dir, 'result.json');
  if (!existsSync(path)) return false;
  const result = z.object({ complete: z.boolean() }).safeParse(parseJson(readFileSync(path, 'utf8')));
  return result.success && result.data.complete;
}
