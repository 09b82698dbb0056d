/** What people repeat beside what was measured here: one entry a claim. */
import { addedInterval, joined, NOTHING, percent, ratioInterval } from '../harness/notation.ts';
import type { JudgedClaim, Study } from '../harness/result.ts';

export interface ClaimLine {
  readonly text: string;
  readonly source: string;
  readonly outcome: JudgedClaim['outcome'];
  /** `ebpf +189 ns [180, 195] (100 % delivered)`, one a variant; `-` where there is none. */
  readonly measured: string;
  readonly reason: string | null;
}

export const CLAIMS_TITLE = 'What people repeat, and what was measured here';

export function claimLines(study: Study): ClaimLine[] {
  return study.claims.map(({ text, source, outcome, figures, reason }) => ({
    text,
    source,
    outcome,
    measured: figures.map(measured).join('; ') || NOTHING,
    reason,
  }));
}

function measured({ what, unit, interval, delivered }: JudgedClaim['figures'][number]): string {
  const value = joined(unit === 'ns/call' ? addedInterval(interval) : ratioInterval(interval));
  const switches = unit === 'switches/call' ? ' half a pipe round trip' : '';
  const share = delivered === null ? '' : ` (${percent(delivered)} delivered)`;
  return `${what} ${value}${switches}${share}`;
}
