/** The verdict of a joint trial: what a collector's records are worth beside the reference's. Pure. */
import type { JointResult, JointSpec } from '../result.ts';
import { formatRecord } from '../trace/format.ts';
import type { LostCalls } from '../trace/loss.ts';
import { type ContentComparison, compareContents } from './compare.ts';
import { callsByName, type Witness } from './joint.ts';

export interface JointWitnesses {
  readonly counter: Witness;
  readonly reference: Witness;
  readonly other: Witness;
}

type Completed = Extract<JointResult, { status: 'completed' }>;

export function judgeJoint(spec: JointSpec, { counter, reference, other }: JointWitnesses): Completed {
  const issued = callsByName(counter.tally);
  const seen = callsByName(reference.tally);
  const counts = other.capabilities.delivers === 'counts' ? callsByName(other.tally) : null;
  const countDifferences = [...new Set([...issued.keys(), ...seen.keys(), ...(counts?.keys() ?? [])])]
    .sort()
    .map((name) => ({
      name,
      issued: issued.get(name) ?? 0,
      reference: seen.get(name) ?? 0,
      other: counts === null ? null : (counts.get(name) ?? 0),
    }))
    .filter((c) => c.issued !== c.reference || (c.other !== null && c.other !== c.issued));
  const lossy = [reference, other].some(({ lost: { max } }) => max !== 0);
  const content = counts === null ? compareContents(reference, other, spec.shown, lossy) : null;
  const reasons = [
    ...countReasons(countDifferences, { counter, reference, other }),
    ...contentReasons(content, reference, other),
  ];
  const lost = { counter: boundsOf(counter.lost), reference: boundsOf(reference.lost), other: boundsOf(other.lost) };
  return {
    status: 'completed',
    spec,
    issued: sum(issued),
    referenceCalls: sum(seen),
    otherCalls: sum(callsByName(other.tally)),
    countDifferences,
    lost,
    content: content === null ? null : written(content),
    verdict: verdictOf(reasons, content, [counter, reference, other]),
    reasons,
  };
}

function verdictOf(
  reasons: readonly string[],
  content: ContentComparison | null,
  witnesses: readonly Witness[],
): Completed['verdict'] {
  if (reasons.length > 0) return 'differs';
  if (content !== null && content.leftOut > 0) return 'not fully compared';
  return witnesses.some((w) => w.lost.max !== 0) ? 'equal but for admitted losses' : 'equal';
}

/** Disagreements about how many calls there were that no admitted loss explains. */
function countReasons(
  differences: Completed['countDifferences'],
  { counter, reference, other }: JointWitnesses,
): string[] {
  const reasons: string[] = [];
  const between = (a: Witness, b: Witness, pairs: readonly (readonly [string, number, number])[]): void => {
    const more = pairs.reduce((n, [, x, y]) => n + Math.max(0, x - y), 0);
    const fewer = pairs.reduce((n, [, x, y]) => n + Math.max(0, y - x), 0);
    if (more <= most(b.lost) && fewer <= most(a.lost)) return;
    const shown = pairs.filter(([, x, y]) => x !== y).map(([name, x, y]) => `${name} ${x} against ${y}`);
    reasons.push(`${a.variant} and ${b.variant} count differently: ${shown.slice(0, 5).join(', ')}`);
  };
  between(
    counter,
    reference,
    differences.map((d) => [d.name, d.issued, d.reference] as const),
  );
  if (other.capabilities.delivers === 'counts') {
    between(
      counter,
      other,
      differences.map((d) => [d.name, d.issued, d.other ?? 0] as const),
    );
  }
  return reasons;
}

function contentReasons(content: ContentComparison | null, reference: Witness, other: Witness): string[] {
  if (content === null) return [];
  const reasons: string[] = [];
  if (content.contents > 0) reasons.push(`${content.contents} calls have different contents`);
  if (content.onlyReference > most(other.lost)) {
    reasons.push(
      `${content.onlyReference} calls of ${reference.variant} are missing from ${other.variant}, which admits ${shownBound(other.lost)} lost`,
    );
  }
  if (content.onlyOther > most(reference.lost)) {
    reasons.push(
      `${content.onlyOther} calls of ${other.variant} are missing from ${reference.variant}, which admits ${shownBound(reference.lost)} lost`,
    );
  }
  return reasons;
}

const most = (lost: LostCalls): number => lost.max ?? Number.POSITIVE_INFINITY;
const boundsOf = ({ min, max }: LostCalls) => ({ min, max });
const shownBound = ({ min, max }: LostCalls): string => (min === max ? `${min}` : `${min} to ${max ?? 'any number'}`);
const sum = (calls: ReadonlyMap<string, number>): number => [...calls.values()].reduce((n, x) => n + x, 0);

function written(content: ContentComparison): Completed['content'] {
  const line = { timestamps: true, returns: true };
  return {
    ...content,
    fields: [...content.fields],
    notCompared: content.notCompared.map((n) => ({ ...n })),
    differences: content.differences.map(({ what, reference, other }) => ({
      what,
      reference: reference === null ? null : formatRecord(reference, line),
      other: other === null ? null : formatRecord(other, line),
    })),
  };
}
