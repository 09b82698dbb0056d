/** The quick profile as a newcomer meets it: how long it takes, and how soon it starts once everything is built. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '../../harness/paths.ts';
import { readResult } from '../../harness/study/study-result.ts';
import type { Check, Line } from '../check.ts';

const TIMEOUT_MS = 300_000;
const BUILD_TIMEOUT_MS = 600_000;

interface Profile {
  readonly name: string;
  readonly options: readonly string[];
  readonly mostSeconds: number;
}

const PROFILES: readonly Profile[] = [
  { name: 'three backends', options: ['--backends', 'none,ebpf,ptrace'], mostSeconds: 60 },
  { name: 'all backends', options: [], mostSeconds: 120 },
];

export const quickProfile: Check = {
  name: 'quick',
  title: 'npm start once built: ≤ 60 s with three backends, ≤ 120 s with all, < 2 s to its first trial',
  async run({ scratch, say }) {
    // What is timed is the second start, on a tree that is built.
    await execa('npm', ['run', 'build', '--silent'], { cwd: projectRoot, timeout: BUILD_TIMEOUT_MS, stdin: 'ignore' });
    const lines: Line[] = [];
    for (const profile of PROFILES) {
      say(`quick: npm start, ${profile.name}, at most ${profile.mostSeconds} s`);
      lines.push(...(await timed(profile, scratch)));
    }
    return lines;
  },
};

async function timed({ name, options, mostSeconds }: Profile, scratch: string): Promise<Line[]> {
  const out = join(mkdtempSync(join(scratch, 'study-')), 'study');
  const started = Date.now();
  const { exitCode, stderr } = await execa('npm', ['start', '--silent', '--', '--quiet', '--out', out, ...options], {
    cwd: projectRoot,
    timeout: TIMEOUT_MS,
    reject: false,
    stdin: 'ignore',
  });
  const seconds = (Date.now() - started) / 1000;
  if (exitCode !== 0) throw new Error(`npm start exited with ${exitCode}: ${stderr.slice(-400)}`);
  const study = readResult(out);
  const first = readFileSync(join(out, 'trials.ndjson'), 'utf8').split('\n', 1)[0] ?? '';
  const toFirstTrial = (Date.parse((JSON.parse(first) as { startedAt: string }).startedAt) - started) / 1000;
  const line = { unit: 's', low: null, high: null };
  return [
    {
      ...line,
      name: `quick: npm start, ${name}, whole`,
      value: seconds,
      bound: `≤ ${mostSeconds}`,
      pass: study.complete && seconds <= mostSeconds,
    },
    {
      ...line,
      name: `quick: ${name}, to the first trial; set-up, probes and calibration included`,
      value: toFirstTrial,
      bound: '< 2',
      pass: toFirstTrial < 2,
    },
    {
      ...line,
      name: `quick: ${name}, rounds`,
      unit: 'rounds',
      value: Math.min(...study.cells.map((c) => c.trials.completed)),
      bound: '≥ 6',
      pass: study.cells.every((c) => c.trials.completed >= 6),
    },
  ];
}
