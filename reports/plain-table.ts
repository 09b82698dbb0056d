import Table from 'cli-table3';

const CHARS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
}

/** `left:head` or `right:head`. */
export function parseColumn(text: string): Column {
  const [align, head = ''] = text.split(':', 2);
  return { align: align === 'left' ? 'left' : 'right', head };
}

/** A table without rules or trailing spaces: rows must survive a copy into a mail. */
export function plainTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map((c) => c.head),
    colAligns: columns.map((c) => c.align),
    chars: CHARS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
