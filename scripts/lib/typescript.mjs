// dist/ from the TypeScript sources.
import { existsSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from './child.mjs';
import { at, ROOT } from './project.mjs';
import { SetupError, say } from './report.mjs';
import { filesUnder, fingerprint, isDone, markDone } from './stamps.mjs';

const FOLDERS = ['harness', 'backends', 'native', 'workloads', 'reports', 'bench'];
export const TSC = at('node_modules', 'typescript', 'bin', 'tsc');

export async function typescript() {
  const sources = FOLDERS.flatMap((folder) => filesUnder(folder, /\.ts$/));
  const print = fingerprint([...sources, at('tsconfig.json'), at('package-lock.json')]);
  if (isDone('typescript', print)) return;
  const started = Date.now();
  const expected = sources.filter((path) => !path.endsWith('.d.ts')).map(compiled);
  // tsc trusts its own notes over the disk: without its outputs the notes must go too.
  if (!expected.every((path) => existsSync(path))) rmSync(at('build', 'dist.tsbuildinfo'), { force: true });
  const result = await run(process.execPath, [TSC, '-p', at('tsconfig.json'), '--pretty', 'false']);
  if (result.code !== 0) {
    throw new SetupError('compiling TypeScript failed', {
      why: result.error?.message ?? `${result.stdout}${result.stderr}`.trim().split('\n').slice(0, 30).join('\n'),
      mend: 'mend the errors above and run the command again',
    });
  }
  removeOrphans(new Set(expected));
  markDone('typescript', print, expected);
  say(`typescript: built (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

const compiled = (source) => at('dist', relative(ROOT, source).replace(/\.ts$/, '.js'));

/** A module whose source is gone must not be importable any more. */
function removeOrphans(expected) {
  for (const path of filesUnder('dist', /\.js$/, { skip: new Set() })) {
    if (expected.has(path)) continue;
    for (const suffix of ['.js', '.js.map', '.d.ts', '.d.ts.map']) {
      rmSync(path.replace(/\.js$/, suffix), { force: true });
    }
  }
}
