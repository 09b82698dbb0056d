/** The columns of a table, at the terminal and in Markdown alike. */
export interface Column {
  /** May have several lines. */
  readonly head: string;
  readonly align: 'left' | 'right';
}

/** `left:head` or `right:head` for each. */
export function columns(...texts: readonly string[]): Column[] {
  return texts.map((text) => {
    const at = text.indexOf(':');
    return { head: text.slice(at + 1), align: text.slice(0, at) === 'left' ? 'left' : 'right' };
  });
}
