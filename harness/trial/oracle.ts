/**
 * The books of one trial: what the workload issued, what the ledger saw come, what the mechanism admits it lost: three
 * quantities measured independently, compared and never derived from one another (docs/method.md, "Accounting").
 */
import type { Counter, LossRelation } from '../backend.ts';
import type { Accounting, Verdict } from '../result.ts';

export interface KindTruth {
  readonly nr: number;
  readonly name: string;
  readonly class: 'stamped' | 'counted';
  readonly issued: number;
  /** Passes the trial's filter: only wanted calls can be missed. */
  readonly wanted: boolean;
}

export interface LedgerFacts {
  readonly complete: number;
  readonly partial: number;
  readonly duplicates: number;
  readonly reorders: number;
  readonly late: number;
  readonly neverIssued: number;
  readonly mismatches: number;
  readonly mismatchSamples: readonly string[];
  readonly births: number;
  readonly refused: number;
  readonly restarts: number;
  readonly undeclared: number;
  /** By kind, in the order of the truth. */
  readonly kindDelivered: readonly number[];
  readonly lossRuns: number;
  readonly longestLossRun: number;
  readonly lossDeciles: readonly number[];
  readonly startSeen: boolean;
  readonly endSeen: boolean;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** What the mechanism admits to have lost before the ledger could see it, of counters in one unit. */
function admitted(counters: readonly Counter[], unit: Counter['unit']): number {
  const losses = counters.filter((c) => c.unit === unit && (c.place === 'kernel' || c.place === 'decode'));
  return sum(losses.map((c) => c.count));
}

/** The same in calls: counted as such, or as records by the variant's relation. */
function admittedCalls(counters: readonly Counter[], relation: LossRelation): { min: number; max: number } {
  const calls = admitted(counters, 'call');
  const records = inCalls(admitted(counters, 'record'), relation);
  return { min: calls + records.min, max: calls + records.max };
}

/** `n` lost records as missing calls: one costs `min` … `max` records. */
export function inCalls(records: number, relation: LossRelation): { min: number; max: number } {
  if (records === 0) return { min: 0, max: 0 };
  const min = Math.ceil(records / relation.max);
  return { min, max: relation.min > 0 ? Math.max(min, Math.floor(records / relation.min)) : records };
}

function verdictOf(discrepancy: { min: number; max: number }, errors: readonly string[]): Verdict {
  if (errors.length > 0) return 'error';
  if (discrepancy.min > 0) return 'under-reported';
  if (discrepancy.max < 0) return 'over-reported';
  return 'reconciled';
}

type Bounds = { min: number; max: number };

/**
 * Missing less admitted. Nobody counted an application's calls: there what is admitted stands alone, with nothing that
 * it could differ from.
 */
function discrepancyOf(kinds: readonly KindTruth[], missing: number, admitted: Bounds): Bounds {
  if (kinds.length === 0) return { min: 0, max: 0 };
  return { min: difference(missing, admitted.max), max: difference(missing, admitted.min) };
}

/** A zero that is not −0, which JSON would print and tests would trip over. */
const difference = (a: number, b: number): number => a - b + 0;

export function judgeRecords(input: {
  readonly kinds: readonly KindTruth[];
  readonly ledger: LedgerFacts;
  readonly counters: readonly Counter[];
  readonly relation: LossRelation;
  /** START and END pass the filter, so they must be delivered or counted as lost. */
  readonly expectsMarks: boolean;
  /** Calls that may have been lost outside of the section, and which the counters cover as well; default 0. */
  readonly outsideMost?: number;
}): Extract<Accounting, { delivers: 'records' }> {
  const { kinds, ledger, counters, relation } = input;
  const issuedOf = (k: KindTruth): number => (k.wanted ? k.issued : 0);
  const issued = sum(kinds.filter((k) => k.class === 'stamped').map(issuedOf));
  const missing = issued - ledger.complete - ledger.partial;
  let missingCounted = 0;
  const errors: string[] = [];
  const allWanted = kinds.every((k) => k.wanted);

  kinds.forEach((kind, i) => {
    const delivered = ledger.kindDelivered[i] ?? 0;
    if (kind.class === 'counted') missingCounted += issuedOf(kind) - delivered;
    if (delivered > issuedOf(kind)) {
      errors.push(`${kind.name}: ${delivered} delivered, ${issuedOf(kind)} issued`);
    }
  });
  if (input.expectsMarks) {
    if (!ledger.startSeen) errors.push('START was made and not delivered');
    if (!ledger.endSeen) missingCounted += 1;
  }
  if (missing < 0) errors.push(`more stamps delivered than issued (${-missing})`);
  if (ledger.neverIssued > 0) errors.push(`${ledger.neverIssued} stamps were never issued`);
  if (ledger.mismatches > 0) errors.push(`${ledger.mismatches} calls differ from what was issued`);
  if (ledger.duplicates > 0) errors.push(`${ledger.duplicates} stamps delivered more than once`);
  if (ledger.undeclared > 0)
    errors.push(`${ledger.undeclared} calls in the section that the workload does not declare`);
  if (issued > 0 && ledger.complete + ledger.partial === 0) errors.push('calls were issued and none was delivered');

  const reported = counters.filter((c) => c.place !== 'bridge');
  const admittedInAll = admittedCalls(counters, relation);
  const reportedCalls = { ...admittedInAll, min: Math.max(0, admittedInAll.min - (input.outsideMost ?? 0)) };
  const discrepancy = discrepancyOf(kinds, missing + missingCounted, reportedCalls);
  const verdict = verdictOf(discrepancy, errors);
  const reasons = [...errors];
  if (verdict === 'under-reported')
    reasons.push(`at least ${discrepancy.min} calls are missing that no counter admits`);
  if (verdict === 'over-reported') reasons.push(`the counters admit at least ${-discrepancy.max} calls too many`);
  return {
    delivers: 'records',
    issued,
    complete: ledger.complete,
    partial: ledger.partial,
    missing,
    missingCounted,
    reported: [...reported],
    reportedCalls,
    discrepancy,
    duplicates: ledger.duplicates,
    reorders: ledger.reorders,
    late: ledger.late,
    neverIssued: ledger.neverIssued,
    mismatches: ledger.mismatches,
    mismatchSamples: [...ledger.mismatchSamples],
    births: ledger.births,
    refused: ledger.refused,
    restarts: ledger.restarts,
    lossRuns: allWanted
      ? { runs: ledger.lossRuns, longest: ledger.longestLossRun, deciles: [...ledger.lossDeciles] }
      : { runs: 0, longest: 0, deciles: new Array<number>(10).fill(0) },
    kinds: kinds.map((k, i) => ({
      nr: k.nr,
      name: k.name,
      class: k.class,
      issued: issuedOf(k),
      delivered: ledger.kindDelivered[i] ?? 0,
    })),
    verdict,
    reasons,
  };
}

export function judgeCounts(input: {
  readonly kinds: readonly KindTruth[];
  /** Calls counted in the section, by system call number. */
  readonly counts: readonly number[];
  readonly foreign: number;
  readonly counters: readonly Counter[];
  readonly relation: LossRelation;
  /** Numbers of START/END (getppid): END alone falls between the two snapshots. */
  readonly markNr: number;
  readonly expectsMarks: boolean;
}): Extract<Accounting, { delivers: 'counts' }> {
  const { kinds, counters, relation } = input;
  const errors: string[] = [];
  const counts = [...input.counts];
  /* START came before the first snapshot, END between the two. */
  if (input.expectsMarks) counts[input.markNr] = (counts[input.markNr] ?? 0) - 1;
  const rows = kinds.map((k) => ({
    nr: k.nr,
    name: k.name,
    class: k.class,
    issued: k.wanted ? k.issued : 0,
    delivered: counts[k.nr] ?? 0,
  }));
  const declared = new Set(kinds.map((k) => k.nr));
  const undeclared = counts.filter((n, nr) => n !== 0 && !declared.has(nr));
  if (undeclared.length > 0) errors.push(`${sum(undeclared)} calls in the section that the workload does not declare`);
  if (input.foreign > 0) errors.push(`${input.foreign} calls of another architecture in the section`);
  for (const row of rows) {
    if (row.delivered > row.issued) errors.push(`${row.name}: ${row.delivered} counted, ${row.issued} issued`);
  }
  const issued = sum(rows.map((r) => r.issued));
  const counted = sum(rows.map((r) => r.delivered));
  const missed = admittedCalls(counters, relation);
  const discrepancy = discrepancyOf(kinds, issued - counted, missed);
  if (issued > 0 && counted === 0) errors.push('calls were issued and none was counted');
  const verdict = verdictOf(discrepancy, errors);
  const reasons = [...errors];
  if (verdict === 'under-reported')
    reasons.push(`at least ${discrepancy.min} calls are missing that no counter admits`);
  if (verdict === 'over-reported') reasons.push(`the counters admit at least ${-discrepancy.max} calls too many`);
  return {
    delivers: 'counts',
    issued,
    counted,
    missed: missed.max,
    discrepancy,
    kinds: rows,
    verdict,
    reasons,
  };
}
