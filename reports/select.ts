/** The answer of `tracebench select`: who is accepted, who is not and why, each reason with its cell. */
import type { Judged } from '../harness/select/judge.ts';

const TITLES = [
  ['accepted', 'Accepted'],
  ['undecided', 'Not decided by this study'],
  ['refused', 'Refused'],
] as const;

const MARK = { yes: 'yes', no: 'NO', unknown: '?' } as const;

export function renderSelect(judged: readonly Judged[], where: string): string {
  const out: string[] = [];
  for (const [outcome, title] of TITLES) {
    const those = judged.filter((one) => one.outcome === outcome);
    if (those.length === 0) continue;
    out.push(`${title}: ${those.map(({ variant }) => variant).join(', ')}`);
    for (const { variant, reasons } of those) {
      out.push(`  ${variant}`);
      for (const { need, met, text, cellId, file } of reasons) {
        const from = cellId ?? file;
        out.push(`    ${MARK[met].padEnd(3)} ${need}: ${text}${from === undefined ? '' : ` (${from})`}`);
      }
    }
    out.push('');
  }
  if (!judged.some(({ outcome }) => outcome === 'accepted')) out.push('Nobody is accepted.', '');
  out.push(`Figures: cells of ${where}; how one came about: ./tracebench explain CELL --study ${where}`);
  return `${out.join('\n')}\n`;
}
