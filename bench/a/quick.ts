/** The quick profile as a newcomer meets it: how long it takes, and how soon the second one starts. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '../../harness/paths.ts';
import { parseResult } from '../../reports/json.ts';
import type { Check } from '../check.ts';

const TIMEOUT_MS = 180_000;
const BUILD_TIMEOUT_MS = 600_000;

export const quickProfile: Check = {
  name: 'quick',
  title: 'the quick profile ≤ 60 s once built; a second npm start < 2 s before its first trial',
  async run({ say }) {
    /* What is timed is the second start, on a tree that is built. */
    await execa('npm', ['run', 'build', '--silent'], { cwd: projectRoot, timeout: BUILD_TIMEOUT_MS, stdin: 'ignore' });
    say('quick: npm start, about a minute');
    const out = mkdtempSync(join(tmpdir(), 'tracebench-quick-'));
    try {
      const started = Date.now();
      const { exitCode, stderr } = await execa(
        'npm',
        ['start', '--silent', '--', '--quiet', '--out', join(out, 'study')],
        {
          cwd: projectRoot,
          timeout: TIMEOUT_MS,
          reject: false,
          stdin: 'ignore',
        },
      );
      const seconds = (Date.now() - started) / 1000;
      if (exitCode !== 0) throw new Error(`npm start exited with ${exitCode}: ${stderr.slice(-400)}`);
      const study = parseResult(readFileSync(join(out, 'study', 'result.json'), 'utf8'));
      const first = readFileSync(join(out, 'study', 'trials.ndjson'), 'utf8').split('\n', 1)[0] ?? '';
      const firstTrialAt = Date.parse((JSON.parse(first) as { startedAt: string }).startedAt);
      const line = { unit: 's', low: null, high: null };
      return [
        {
          ...line,
          name: 'quick: npm start, whole',
          value: seconds,
          bound: '≤ 60',
          pass: study.complete && seconds <= 60,
        },
        {
          ...line,
          name: 'quick: npm start to its first trial, set-up, probes and calibration included',
          value: (firstTrialAt - started) / 1000,
          bound: '< 2',
          pass: firstTrialAt - started < 2000,
        },
        {
          ...line,
          name: 'quick: rounds',
          unit: 'rounds',
          value: Math.min(...study.cells.map((c) => c.trials.completed)),
          bound: '≥ 6',
          pass: study.cells.every((c) => c.trials.completed >= 6),
        },
      ];
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  },
};
