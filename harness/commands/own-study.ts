/** What the commands have in common that measure with a document of their own: bystander and capacity. */
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeFileAtomic } from '../atomic-file.ts';
import { cannotError } from '../errors.ts';
import { findHost } from '../host/host.ts';
import type { HostedProgram } from '../host/hosted-process.ts';
import type { PlanContext } from '../plan/context.ts';
import { refusePairs } from '../plan/pairs.ts';
import { resolveRequest } from '../plan/request.ts';
import type { Settings } from '../plan/settings.ts';
import { probeOn } from '../session/probe.ts';
import { type StopWatch, watchForStop } from '../stop.ts';
import { lockStudy } from '../study/lock.ts';
import { type Prepared, prepareStudy } from '../study/study.ts';
import { checkOutputFolder, newStudyDir } from '../study/study-files.ts';
import { IDLE_BUSY } from '../trial/idle.ts';
import { checkAwake } from '../trial/idle-check.ts';
import { type CommandContext, freshSeed, planContext, printJson, resultsDir, shownPath } from './context.ts';

export interface OwnStudy {
  /** The command; of its files and folders as well. */
  readonly name: 'bystander' | 'capacity';
  /** Its trials run in this program of the build: the path. */
  readonly program: string;
  readonly settings: Settings;
  readonly out: string | undefined;
}

export interface Ground {
  /** What its trials run in. */
  readonly hosted: HostedProgram;
  readonly context: PlanContext;
  readonly prepared: Prepared;
  readonly stop: StopWatch;
  /** A line on standard error; nothing with --quiet. */
  readonly say: (text: string) => void;
}

/**
 * Checks what is asked before anything is touched, then measures with the machine to itself: under the study lock, and
 * watching for signals, both until `measure` is done. Resolves to the exit code that `measure` gives.
 */
export async function runOwnStudy(
  { name, program, settings, out }: OwnStudy,
  around: CommandContext,
  measure: (ground: Ground) => Promise<number>,
): Promise<number> {
  if (!existsSync(program))
    throw cannotError(`${shownPath(program)} is missing: the project is not built`, 'npm run build');
  if (out !== undefined) checkOutputFolder(out);
  const host = await findHost();
  const context = planContext();
  const request = resolveRequest({ ...settings, user: host.invoker ?? undefined }, context, freshSeed());
  refusePairs(request.pairs, name);
  if (request.idle === 'busy') await checkAwake(IDLE_BUSY);
  const say = (text: string): void => {
    if (!around.quiet) process.stderr.write(`${text}\n`);
  };

  const lock = await lockStudy(`tracebench ${around.argv.join(' ')}`);
  const stop = watchForStop((reason) => around.exitNow(reason.exitCode));
  try {
    const prepared = await prepareStudy(request, context, probeOn(host));
    for (const note of prepared.notes) say(`note: ${note}`);
    for (const { variant, answer, reason } of prepared.rows)
      if (answer === 'no') say(`${variant} cannot run here: ${reason}`);
    return await measure({ hosted: { entry: program, host }, context, prepared, stop, say });
  } finally {
    stop.dispose();
    await lock.release();
  }
}

export interface OwnDocument {
  readonly document: { readonly startedAt: string };
  readonly fileName: string;
  readonly markdown: string;
  readonly terminal: string;
}

/** Writes the document and its report, and prints either of them. */
export async function leaveDocument(
  { document, fileName, markdown, terminal }: OwnDocument,
  { name, out }: OwnStudy,
  around: CommandContext,
  say: Ground['say'],
): Promise<void> {
  const dir = out === undefined ? newStudyDir(resultsDir, new Date(document.startedAt), name) : resolve(out);
  const reportName = `${name}.md`;
  mkdirSync(dir, { recursive: true });
  writeFileAtomic(join(dir, fileName), `${JSON.stringify(document, null, 2)}\n`);
  writeFileAtomic(join(dir, reportName), markdown);
  if (around.json) await printJson(around, document);
  else await around.print(terminal);
  say(`\nfiles: ${shownPath(dir)}/ (${fileName}, ${reportName})`);
}
