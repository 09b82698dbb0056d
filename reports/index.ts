/** The files of a study, whole or not at all. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Study, TrialResult } from '../harness/result.ts';
import { cellsCsv, trialsCsv } from './csv.ts';
import { resultJson } from './json.ts';
import { renderMarkdown } from './markdown.ts';

/** Texts by file name. result.json comes last: where it is, the others are. */
export function renderFiles(study: Study, trials: readonly TrialResult[]): Map<string, string> {
  return new Map([
    ['trials.csv', trialsCsv(trials)],
    ['cells.csv', cellsCsv(study)],
    ['summary.md', renderMarkdown(study)],
    ['result.json', resultJson(study)],
  ]);
}

/**
 * Writes all files of a study into `directory`, which is made if need be: each is written in full and flushed under
 * another name first, and only when all are is any renamed into place. Returns the paths. On an error (a full disk) what
 * stood there before still stands, no draft is left, and the error of node:fs is thrown.
 */
export function writeReports(directory: string, study: Study, trials: readonly TrialResult[]): string[] {
  const files = [...renderFiles(study, trials)].map(([name, text]) => ({
    path: join(directory, name),
    draft: join(directory, `.${name}.${process.pid}.part`),
    text,
  }));
  mkdirSync(directory, { recursive: true });
  try {
    for (const { draft, text } of files) writeFlushed(draft, text);
    for (const { draft, path } of files) renameSync(draft, path);
  } finally {
    for (const { draft } of files) rmSync(draft, { force: true });
  }
  return files.map(({ path }) => path);
}

function writeFlushed(path: string, text: string): void {
  const fd = openSync(path, 'w');
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
