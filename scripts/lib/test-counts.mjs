// How many tests passed, failed and were skipped, from each runner's own report.
import { readFileSync } from 'node:fs';

/** The last line of a native test program, perhaps after its name. */
const REPORT = /^(?:[\w -]+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm;

/**
 * A native test program ends with the line "N passed, N failed, N skipped"; a target may run several programs.
 * A target that fails without a failing test (it does not compile, a sanitizer stopped it) counts as one.
 */
export function nativeCounts({ code, stdout }) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let reports = 0;
  for (const match of stdout.matchAll(REPORT)) {
    reports += 1;
    counts.passed += Number(match[1]);
    counts.failed += Number(match[2]);
    counts.skipped += Number(match[3] ?? 0);
  }
  const ok = code === 0 && counts.failed === 0 && reports > 0;
  if (!ok && counts.failed === 0) counts.failed = 1;
  return { ok, ...counts };
}

/** vitest's JSON. A file that could not even be loaded has no failing test of its own: it counts as one. */
export function vitestCounts(path, code) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { ok: false, passed: 0, failed: 1, skipped: 0 };
  }
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const counts = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  const ok = code === 0 && counts.failed === 0;
  // An unhandled error outside any test fails the run and none of its tests.
  if (!ok && counts.failed === 0) counts.failed = 1;
  return { ok, ...counts };
}
