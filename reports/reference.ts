/** The reference check in words: one entry for each variant, over all workloads of the study. */
import { count } from '../harness/notation.ts';
import type { JointResult, Study } from '../harness/result.ts';
import { workload } from './format.ts';

export interface ReferenceLine {
  readonly variant: string;
  /** `equal on null, file (1,234 calls: thread, number, …)`. */
  readonly text: string;
  /** Where it does not agree: reasons, then first differences in full. */
  readonly details: readonly string[];
}

export const REFERENCE_TITLE = 'Against the reference, on the same process, call by call, untimed';

export function referenceLines(study: Study): ReferenceLine[] {
  const byVariant = grouped(study.joint, (joint) => joint.spec.variant);
  return [...byVariant].map(([variant, joints]) => ({
    variant,
    text: [...grouped(joints, outcome)].map(([what, of]) => `${what} on ${places(of)}${amount(of)}`).join('; '),
    details: joints.flatMap(detailsOf),
  }));
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function outcome(joint: JointResult): string {
  return joint.status === 'failed' ? 'failed' : joint.verdict;
}

function places(joints: readonly JointResult[]): string {
  return [...new Set(joints.map((joint) => workload(joint.spec.workload)))].join(', ');
}

function amount(joints: readonly JointResult[]): string {
  const completed = joints.filter((joint) => joint.status === 'completed');
  const first = completed[0];
  if (first === undefined) return '';
  if (first.content === null) return ` (${count(sum(completed.map((joint) => joint.issued)))} calls counted)`;
  const calls = sum(completed.map((joint) => joint.content?.equal ?? 0));
  const missing = first.content.notCompared.map(({ field, why }) => `${field} (${why})`);
  const unseen = sum(completed.map((joint) => joint.content?.unseen ?? 0));
  return [
    ` (${count(calls)} equal in ${first.content.fields.join(', ')}`,
    missing.length > 0 ? `; not compared: ${missing.join(', ')}` : '',
    unseen > 0 ? `; ${count(unseen)} that it cannot see by its nature` : '',
    ')',
  ].join('');
}

function detailsOf(joint: JointResult): string[] {
  const place = workload(joint.spec.workload);
  if (joint.status === 'failed') return [`${place}: ${joint.error.message}`];
  const { reference, variant } = joint.spec;
  const shown = (joint.content?.differences ?? []).map((d) =>
    d.what === 'contents'
      ? `${place}: ${reference}: ${d.reference} | ${variant}: ${d.other}`
      : `${place}: only ${d.what === 'only-reference' ? `${reference}: ${d.reference}` : `${variant}: ${d.other}`}`,
  );
  return [...joint.reasons.map((reason) => `${place}: ${reason}`), ...(joint.reasons.length > 0 ? shown : [])];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
