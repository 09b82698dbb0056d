import { type Column, parseColumn } from './plain-table.ts';

/** `columns` as the terminal's tables name them, `left:head` or `right:head`. */
export function columnTable(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const parsed: Column[] = columns.map(parseColumn);
  return table(
    parsed.map(({ head }) => head.replace('\n', ' ')),
    parsed.map(({ align }) => align[0]).join(''),
    rows,
  );
}

/** `aligns`: one letter a column, l or r. */
export function table(head: readonly string[], aligns: string, rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(head),
    line([...aligns].map((a) => (a === 'r' ? '---:' : '---'))),
    ...rows.map((row) => line(row.map((cell) => text(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')))),
  ];
}

/** Text of others (commands, reasons) must not become markup. */
export function text(raw: string): string {
  return raw
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[<>*\\]/g, '\\$&')))
    .join('');
}
