/** Soaked trials of a cell → its CPU bill: ns of CPU per call, and what is added to the soaked baseline's, round by round. */
import type { Cell, CompletedTrial } from '../result.ts';
import { quantile } from '../statistics/describe.ts';
import { type CellTrials, inOrder, intervalOver, pairByRound, values } from './rounds.ts';

type Bill = Omit<NonNullable<Cell['cpuBill']>, 'deliveredFraction'>;
type Part = keyof Bill['perCall'];
/** Kernel threads named. */
const NAMED = 3;

const PARTS: Readonly<Record<Part, (bill: NonNullable<CompletedTrial['cpuBill']>) => number>> = {
  workload: (bill) => bill.workloadNs,
  collector: (bill) => bill.drainNs,
  otherThreads: (bill) => bill.otherThreadsNs,
  kernelThreads: (bill) => bill.kernelThreads.reduce((sum, { cpuNs }) => sum + cpuNs, 0),
  unattributed: (bill) => bill.unattributedNs,
  total: (bill) => bill.totalNs,
};

/**
 * `noise`: half of how far the idle machine's busy share lay apart before nine of ten soaked trials of the study, as noiseOf
 * has it; null where that is not known.
 */
export function cpuBillOf(soaked: CellTrials, baseline: CellTrials | null, noise: number | null): Bill | null {
  const trials = inOrder(soaked);
  if (trials.length + soaked.failed.length === 0) return null;
  const perCall = (part: Part) => (trial: CompletedTrial) => {
    const calls = trial.section?.calls ?? 0;
    return trial.cpuBill === undefined || calls === 0 ? null : PARTS[part](trial.cpuBill) / calls;
  };
  const parts = <Value>(of: (part: Part) => Value) =>
    Object.fromEntries((Object.keys(PARTS) as Part[]).map((part) => [part, of(part)])) as Record<Part, Value>;
  const windows = values(soaked, (trial) => {
    const { cpuBill, section } = trial;
    return cpuBill === undefined || !section?.calls ? null : (cpuBill.windowNs * cpuBill.cpus) / section.calls;
  });
  return {
    trials: { completed: trials.length, failed: soaked.failed.length },
    perCall: parts((part) => intervalOver(values(soaked, perCall(part)))),
    added:
      baseline === null
        ? null
        : parts((part) => intervalOver(pairByRound(soaked, baseline, perCall(part)).map(([own, bare]) => own - bare))),
    kernelThreads: busiest(trials),
    noiseNsPerCall: noise === null || windows.length === 0 ? null : noise * quantile(windows, 0.5),
  };
}

/** Half of the range in which nine of ten soaked trials saw the share of an idle machine that they did not get. */
export function soakerNoise(trials: readonly CompletedTrial[]): number | null {
  const shares = trials.flatMap(({ cpuBill }) => (cpuBill === undefined ? [] : [cpuBill.idleBusyFraction]));
  return shares.length < 2 ? null : (quantile(shares, 0.95) - quantile(shares, 0.05)) / 2;
}

/** Those that ran most over all rounds; a worker's CPU and number are left out, since others do its work next time. */
function busiest(trials: readonly CompletedTrial[]): string[] {
  const times = new Map<string, number>();
  for (const { name, cpuNs } of trials.flatMap(({ cpuBill }) => cpuBill?.kernelThreads ?? [])) {
    const kind = name.replace(/\/.*$/, '');
    times.set(kind, (times.get(kind) ?? 0) + cpuNs);
  }
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, NAMED)
    .map(([kind]) => kind);
}
