/** A comparison for a CI summary: verdict, what changed, and the rest folded away. */
import type { StudyComparison } from '../harness/compare/result.ts';
import { COMPARE_COLUMNS, quietLine, type Row, rowsOf, settingsLine, studyLine, verdictLine } from './compare-words.ts';
import { markdownTable, text } from './markdown-table.ts';

export function renderCompareMarkdown(comparison: StudyComparison): string {
  const rows = rowsOf(comparison);
  const changed = rows.filter(({ outcome }) => outcome === 'regression' || outcome === 'improvement');
  const rest = rows.filter((row) => !changed.includes(row));
  const out = [`# ${verdictLine(comparison)}`, '', ...comparison.reasons.map((reason) => `- ${text(reason)}`), ''];
  for (const { kind, what, base, next } of comparison.differences) {
    out.push(`> **across ${kind}**: ${text(`${what}: ${base} in BASE, ${next} in NEW`)}`, '');
  }
  for (const remark of comparison.remarks) out.push(`> ${text(remark)}`, '');
  if (changed.length > 0) out.push('## Changed', '', ...drawn(changed), '');
  if (rest.length > 0) {
    out.push(
      `<details><summary>${rest.length} quantities without a change</summary>`,
      '',
      ...drawn(rest),
      '',
      '</details>',
      '',
    );
  }
  if (quietLine(comparison) !== '') out.push(quietLine(comparison), '');
  for (const [name, cells] of [
    ['BASE', comparison.onlyInBase],
    ['NEW', comparison.onlyInNext],
  ] as const) {
    if (cells.length === 0) continue;
    out.push(`## Only in ${name}`, '');
    out.push(...cells.map(({ cellId, why }) => `- \`${cellId}\`${why === null ? '' : `: ${text(why)}`}`), '');
  }
  out.push(
    settingsLine(comparison),
    '',
    `- ${text(studyLine('BASE', comparison.base))}`,
    `- ${text(studyLine('NEW', comparison.next))}`,
  );
  return `${out.join('\n').trimEnd()}\n`;
}

function drawn(rows: readonly Row[]): string[] {
  return markdownTable(
    COMPARE_COLUMNS,
    rows.map(({ words }) => words),
  );
}
