/** Fills a contestant's words and files. */
import type { Blank } from '../../backends/external/contestant.ts';

export type Blanks = Readonly<Record<Blank, string>>;

export function fillBlanks(text: string, blanks: Blanks): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in blanks ? blanks[name as Blank] : whole));
}
