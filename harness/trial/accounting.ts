/** A collector's books of one trial, from its report and the workload's truth (oracle.ts judges). */
import { findVariant } from '../../backends/index.ts';
import type { SessionReport } from '../../native/index.ts';
import type { Accounting } from '../result.ts';
import { syscallNumber } from '../syscalls/index.ts';
import { judgeCounts, judgeRecords, type KindTruth } from './oracle.ts';

/** `kinds`: null for an application, whose whole run is counted, for it has no section. */
export function accountingOf(
  id: string,
  report: SessionReport,
  kinds: readonly KindTruth[] | null,
  filter: readonly number[] | null,
): Accounting {
  const { variant } = findVariant(id);
  const delivers = variant.capabilities.delivers;
  if (delivers === 'nothing') return { delivers };
  const { counters } = kinds === null ? report.run : report.section;
  const markNr = syscallNumber('getppid');
  const expectsMarks = kinds !== null && (filter === null || filter.includes(markNr));
  if (delivers === 'counts') {
    return judgeCounts({
      kinds: kinds ?? [],
      counts: kinds === null ? [] : (report.section.counts ?? []),
      foreign: kinds === null ? 0 : report.section.foreignCounts,
      counters,
      relation: variant.loss,
      markNr,
      expectsMarks,
    });
  }
  return judgeRecords({
    kinds: kinds ?? [],
    ledger: report.ledger,
    counters,
    relation: variant.loss,
    expectsMarks,
  });
}
