/** The full profile: predicted, begun, killed in its first round, resumed, finished. As long as it is predicted, over an hour. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { z } from 'zod';
import { loadStudy } from '../../harness/compare/load.ts';
import { EXIT } from '../../harness/errors.ts';
import { projectRoot } from '../../harness/paths.ts';
import { isUnbalanced } from '../../harness/result-figures.ts';
import { TRIALS_FILE } from '../../harness/study/study-files.ts';
import { type Check, exactly } from '../check.ts';

const PROGRAM = join(projectRoot, 'tracebench');
/** Kept: nobody measures it twice to read it. Replaced by the next. */
const OUT = join(projectRoot, 'results', 'bench-full-profile');
/** All its cells, in the least rounds that have an interval; its ten take as much longer as they are more. */
const PROFILE = ['run', '--profile', 'full', '--rounds', '6'];
/** Into the warm-up round: what is there already must not be run again. */
const KILLED_AFTER = 100;
const LOOK_MS = 200;
const LONGEST_MS = 4 * 3_600_000;
const PREDICTION_WITHIN = 1.5;

const dryRunSchema = z.object({ predictedMs: z.number().positive() });

export const fullProfile: Check = {
  name: 'full-profile',
  title: 'the full profile is predicted, resumes after SIGKILL, and finishes',
  run: async ({ seed, say }) => {
    rmSync(OUT, { recursive: true, force: true });
    const seeded = [...PROFILE, '--seed', String(seed)];
    const { stdout } = await execa(PROGRAM, [...seeded, '--dry-run', '--json'], { stdin: 'ignore' });
    const { predictedMs } = dryRunSchema.parse(JSON.parse(stdout));
    say(`full-profile: predicted ${minutes(predictedMs)} min`);

    const began = performance.now();
    const killed = execa(PROGRAM, [...seeded, '--quiet', '--out', OUT], { reject: false, stdio: 'ignore' });
    let ended = false;
    void killed.finally(() => {
      ended = true;
    });
    while (linesOf(OUT).length < KILLED_AFTER) {
      if (ended)
        throw new Error(
          `the study ended by itself with ${(await killed).exitCode} after ${linesOf(OUT).length} trials`,
        );
      await sleep(LOOK_MS);
    }
    killed.kill('SIGKILL');
    await killed;
    const before = linesOf(OUT);
    say(`full-profile: killed after ${before.length} trials, resuming`);

    const resume = ['run', '--quiet', '--resume', OUT];
    const { exitCode, stderr } = await execa(PROGRAM, resume, {
      reject: false,
      stdin: 'ignore',
      stdout: 'ignore',
      timeout: LONGEST_MS,
    });
    const tookMs = performance.now() - began;
    /* A failed trial or two of thousands is a line below; a study that did not come to its end has no result. */
    if (exitCode !== EXIT.ok && exitCode !== EXIT.invalid && exitCode !== EXIT.runError)
      throw new Error(`--resume exited with ${exitCode}: ${stderr.slice(-400)}`);

    const { study, trials } = loadStudy(OUT);
    const after = linesOf(OUT);
    // Of all cells, the soaked ones as well, which have no row of their own in the study.
    const failed = trials.filter((trial) => trial.status === 'failed');
    const unbalanced = trials.filter((trial) => trial.status === 'completed' && isUnbalanced(trial.accounting));
    const joint = study.joint.filter(({ status }) => status === 'failed');
    const cells = `${study.cells.length} cells, ${study.plan.warmupRounds} + ${study.plan.rounds} rounds; ${OUT}`;
    const ratio = tookMs / predictedMs;
    return [
      {
        name: 'full-profile: time it took / time predicted',
        value: ratio,
        unit: '×',
        low: null,
        high: null,
        bound: `within × ${PREDICTION_WITHIN} either way`,
        pass: ratio <= PREDICTION_WITHIN && ratio >= 1 / PREDICTION_WITHIN,
        note: `${minutes(predictedMs)} min predicted, ${minutes(tookMs)} taken; ${cells}`,
      },
      exactly('full-profile: complete after SIGKILL and --resume', study.complete ? 1 : 0, 1, 'studies', cells),
      exactly(
        'full-profile: trials of before the kill that were run again or changed',
        before.filter((line, i) => after[i] !== line).length,
        0,
        'trials',
      ),
      exactly(
        'full-profile: failed trials',
        failed.length,
        0,
        `of ${trials.length}`,
        failed.map(({ spec, error }) => `${spec.cellId}, round ${spec.round}: ${error.message}`).join('; '),
      ),
      exactly(
        'full-profile: trials whose books do not balance',
        unbalanced.length,
        0,
        `of ${trials.length}`,
        unbalanced.map(({ spec }) => `${spec.cellId}, round ${spec.round}`).join('; '),
      ),
      exactly(
        'full-profile: joint trials that failed',
        joint.length,
        0,
        `of ${study.joint.length}`,
        joint
          .map((trial) => (trial.status === 'failed' ? `${trial.spec.variant}: ${trial.error.message}` : ''))
          .join('; '),
      ),
    ];
  },
};

const minutes = (ms: number): string => (ms / 60_000).toFixed(1);

/** Whole lines only: a kill may cut the last. */
function linesOf(out: string): string[] {
  try {
    return readFileSync(join(out, TRIALS_FILE), 'utf8').split('\n').slice(0, -1);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
