/** A comparison for people at a terminal: what changed first, the verdict last. */
import { styleText } from 'node:util';
import type { StudyComparison } from '../harness/compare/result.ts';
import { COMPARE_COLUMNS, quietLine, rowsOf, settingsLine, studyLine, verdictLine } from './compare-words.ts';
import { plainTable } from './plain-table.ts';
import { type TerminalOptions, wrap } from './terminal.ts';

export function renderCompareTerminal(comparison: StudyComparison, options: TerminalOptions = {}): string {
  const width = options.width ?? 110;
  const stream = options.stream ?? process.stdout;
  const style = (format: Parameters<typeof styleText>[0], text: string) => styleText(format, text, { stream });
  const out: string[] = [];
  const say = (text: string, indent = '  ') => out.push(...wrap(text, width, indent));

  say(studyLine('BASE', comparison.base));
  say(studyLine('NEW ', comparison.next));
  for (const { kind, what, base, next } of comparison.differences) {
    say(`! across ${kind}: ${what}: ${base} in BASE, ${next} in NEW`);
  }
  for (const remark of comparison.remarks) say(`! ${remark}`);
  say(settingsLine(comparison));

  const columns = COMPARE_COLUMNS.map(({ head, align }) => ({ head: style('dim', head), align }));
  const rows = rowsOf(comparison).map(({ outcome, words }) => {
    const format = outcome === 'regression' ? 'red' : outcome === 'improvement' ? 'green' : 'reset';
    return words.map((word, i) => (i === words.length - 1 ? style(format, word) : word));
  });
  if (rows.length > 0) out.push('', plainTable(columns, rows));
  if (quietLine(comparison) !== '') out.push('', quietLine(comparison));
  for (const [name, cells] of [
    ['BASE', comparison.onlyInBase],
    ['NEW', comparison.onlyInNext],
  ] as const) {
    for (const { cellId, why } of cells) say(`only in ${name}: ${cellId}${why === null ? '' : ` (${why})`}`);
  }
  out.push('', style('bold', verdictLine(comparison)));
  for (const reason of comparison.reasons) say(`  ${reason}`, '    ');
  return `${out.join('\n')}\n`;
}
