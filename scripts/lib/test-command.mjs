// Every check of the project, in order of cost. A failing one does not hide those after it.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { checkForm } from './c-form.mjs';
import { run, shellCode } from './child.mjs';
import { at } from './project.mjs';
import { EXIT_FAILED, runMain, say } from './report.mjs';
import { setup } from './setup.mjs';
import { nativeCounts, vitestCounts } from './test-counts.mjs';
import { takeTestTemp } from './test-temp.mjs';
import { TSC } from './typescript.mjs';

/** Where vitest's own report and the sums over all runners end up. */
const VITEST_REPORT = at('build', 'test', 'vitest.json');
const SUMMARY = at('build', 'test', 'summary.json');

const BIOME = at('node_modules', '@biomejs', 'biome', 'bin', 'biome');
const VITEST = at('node_modules', 'vitest', 'vitest.mjs');

const node = (...args) => run(process.execPath, args, { output: 'inherit' });

/** A static check that is good does not count: the sums are those of the test runners. */
const checked = (ok) => ({ ok, passed: 0, failed: ok ? 0 : 1, skipped: 0 });
const form = async () => {
  const outcome = await checkForm();
  return { ...checked(outcome !== 'bad'), skipped: outcome === 'skipped' ? 1 : 0 };
};

const CHECKS = [
  { name: 'lint', run: async () => checked((await node(BIOME, 'check', '--error-on-warnings', '.')).code === 0) },
  { name: 'form of C and C++', run: form },
  { name: 'types', run: async () => checked((await node(TSC, '-p', at('tsconfig.test.json'))).code === 0) },
  { name: 'native tests, plain and under each sanitizer', run: native },
  { name: 'vitest', run: vitest },
];

export function main(argv) {
  return runMain(async () => {
    await setup('test');
    takeTestTemp();
    mkdirSync(at('build', 'test'), { recursive: true });
    for (const stale of [VITEST_REPORT, SUMMARY]) rmSync(stale, { force: true });

    const results = [];
    for (const check of CHECKS) {
      say(`test: ${check.name}`);
      results.push({ name: check.name, ...(await check.run(argv)) });
    }
    const sum = (field) => results.reduce((total, result) => total + result[field], 0);
    const summary = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), checks: results };
    writeFileSync(SUMMARY, `${JSON.stringify(summary, null, 2)}\n`);

    const bad = results.filter((result) => !result.ok);
    for (const result of bad) say(`test: FAILED: ${result.name}`);
    say(`test: ${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`);
    return bad.length > 0 ? EXIT_FAILED : 0;
  });
}

/** All three builds of all suites in one make, so that no CPU waits for the slowest of a part. */
async function native() {
  const flags = ['--no-print-directory', '--keep-going', '--output-sync=target', `-j${cpus().length}`];
  const args = ['-C', at('native', 'test'), ...flags, 'test', 'test-asan', 'test-tsan'];
  return nativeCounts(await run('make', args, { output: 'tee' }));
}

async function vitest(argv) {
  const report = ['--reporter=default', '--reporter=json', `--outputFile.json=${VITEST_REPORT}`];
  const result = await node(VITEST, 'run', ...report, ...argv);
  return vitestCounts(VITEST_REPORT, shellCode(result.code, result.signal));
}
