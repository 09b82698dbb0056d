/** In what two studies differ that their figures may differ for, and what cannot be claimed across it. */
import { usageError } from '../errors.ts';
import type { Environment, Study } from '../result.ts';
import type { CellPair } from './match.ts';
import type { Difference, Quantity } from './result.ts';

const MACHINE: readonly (keyof Environment)[] = [
  'arch',
  'cpuModel',
  'cpusOnline',
  'virtualisation',
  'container',
  'clocksource',
  'governor',
];
const KERNEL: readonly (keyof Environment)[] = ['kernelRelease', 'kernelVersion', 'hz', 'lockdown'];
const TERMS = ['bufferBytes', 'inFlight', 'filter', 'placement', 'idle', 'wakeups', 'detail', 'user'] as const;

/** Quantities that a difference takes the meaning from. */
const NOT_CLAIMED: Readonly<Record<Difference['kind'], readonly Quantity[]>> = {
  // Another machine's nanoseconds say nothing about this one's; ratios, shares and multiples of the round trip remain.
  machine: ['time', 'added'],
  kernel: [],
  // The context alone makes a bare call 1.4–1.8 times as dear, and so every ratio to it smaller.
  audit: ['time', 'slowdown'],
  terms: [],
};

export function differencesOf(base: Study, next: Study, pairs: readonly CellPair[]): Difference[] {
  const found: Difference[] = [];
  const differ = (kind: Difference['kind'], what: string, left: unknown, right: unknown): void => {
    const [a, b] = [said(left), said(right)];
    if (a !== b) found.push({ kind, what, base: a, next: b });
  };
  const [before, after] = [base.environment, next.environment];
  for (const key of MACHINE) differ('machine', key, before[key], after[key]);
  for (const key of KERNEL) differ('kernel', key, before[key], after[key]);
  // The mark "(as booted)" goes and comes with debugfs, the model does not.
  differ('kernel', 'preemption', before.preemption.split(' ')[0], after.preemption.split(' ')[0]);
  for (const name of new Set([...Object.keys(before.mitigations), ...Object.keys(after.mitigations)])) {
    differ('kernel', `mitigation of ${name}`, before.mitigations[name] ?? null, after.mitigations[name] ?? null);
  }
  for (const key of TERMS) differ('terms', key, base.plan[key] ?? null, next.plan[key] ?? null);
  for (const [what, states] of auditStates(pairs)) differ('audit', what, states.base, states.next);
  return found;
}

/** By what a reader can act on: all cells of one pair of states as one difference. */
function auditStates(pairs: readonly CellPair[]): Map<string, { base: string; next: string }> {
  const byStates = new Map<string, { cells: string[]; base: string; next: string }>();
  for (const { base, next } of pairs) {
    const states = { base: base.terms.auditContext, next: next.terms.auditContext };
    if (base.trials.completed === 0 || next.trials.completed === 0 || states.base === states.next) continue;
    const known = byStates.get(JSON.stringify(states)) ?? { cells: [], ...states };
    known.cells.push(next.cellId);
    byStates.set(JSON.stringify(states), known);
  }
  return new Map(
    [...byStates.values()].map(({ cells, ...states }) => [
      `audit context of ${cells.length > 3 ? `${cells.slice(0, 3).join(', ')} and ${cells.length - 3} more` : cells.join(', ')}`,
      states,
    ]),
  );
}

function said(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

export function notClaimed(differences: readonly Difference[]): Set<Quantity> {
  return new Set(differences.flatMap(({ kind }) => NOT_CLAIMED[kind]));
}

const NAMES: Readonly<Record<Difference['kind'], string>> = {
  machine: 'another machine',
  kernel: 'another kernel',
  audit: 'another audit state',
  terms: 'other terms',
};

/** Throws: figures of different states are not compared unless it was asked for. */
export function refuse(differences: readonly Difference[]): never {
  const kinds = [...new Set(differences.map(({ kind }) => kind))];
  const what = differences.map(({ what, base, next }) => `${what}: ${base} in BASE, ${next} in NEW`).join('; ');
  const terms = kinds.every((kind) => kind === 'terms');
  throw usageError(
    `BASE and NEW are of ${kinds.map((kind) => NAMES[kind]).join(' and ')} (${what})`,
    terms
      ? 'run NEW with the flags of BASE, or add --across to compare all the same, with the difference printed at the head'
      : 'run both in one state, or add --across: then the differences stand at the head, and only what carries over is claimed',
  );
}
