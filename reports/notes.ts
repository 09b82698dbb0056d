import type { Cell, Study } from '../harness/result.ts';
import { backendLabel } from '../harness/result-words.ts';
import { workload } from './format.ts';

export interface Note {
  readonly number: number;
  readonly code: string;
  /** What was said of which cells; the same words once. */
  readonly said: readonly { readonly text: string; readonly where: readonly string[] }[];
}

/** The flags of all cells, one number a code, in the order of the cells. */
export function notesOf(study: Study): { notes: Note[]; numbers: (cell: Cell) => string } {
  const notes = new Map<string, Map<string, string[]>>();
  for (const cell of study.cells) {
    for (const { code, text } of cell.flags) {
      const said = notes.get(code) ?? new Map<string, string[]>();
      notes.set(code, said);
      said.set(text, [...(said.get(text) ?? []), `${workload(cell.workload)} ${backendLabel(cell)}`]);
    }
  }
  const codes = [...notes.keys()];
  return {
    notes: [...notes].map(([code, said], i) => ({
      number: i + 1,
      code,
      said: [...said].map(([text, where]) => ({ text, where })),
    })),
    numbers: (cell) => {
      const own = new Set(cell.flags.map(({ code }) => codes.indexOf(code) + 1));
      return [...own].sort((a, b) => a - b).join(',');
    },
  };
}
