import type { Column } from './columns.ts';

export function markdownTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const oneLine = (text: string): string => text.replaceAll('\n', ' ');
  return [
    line(columns.map(({ head }) => oneLine(head))),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(row.map((cell) => oneLine(text(cell).replaceAll('|', '\\|'))))),
  ];
}

/** Text of others (commands, reasons) must not become markup. */
export function text(raw: string): string {
  return raw
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[<>*\\]/g, '\\$&')))
    .join('');
}
