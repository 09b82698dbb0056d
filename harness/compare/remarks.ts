/** What a reader of a comparison must know before its figures, besides the differences it was made across. */
import type { Cell } from '../result.ts';
import type { LoadedStudy } from './load.ts';
import type { Matched } from './match.ts';

export function remarksOn(base: LoadedStudy, next: LoadedStudy, { pairs }: Matched): string[] {
  const remarks: string[] = [];
  const sides = [
    ['BASE', base.study],
    ['NEW', next.study],
  ] as const;
  if (base.study.studyId === next.study.studyId && base.study.startedAt === next.study.startedAt) {
    remarks.push(`BASE and NEW are the same study, ${base.study.studyId}: nothing can have changed`);
  }
  for (const [name, study] of sides) {
    if (!study.complete) {
      remarks.push(
        `${name} is incomplete (${study.incompleteReason ?? 'reason not recorded'}): its rounds so far are compared`,
      );
    }
    const failed = study.cells.filter(({ trials }) => trials.failed > 0);
    if (failed.length > 0) {
      remarks.push(
        `${name} has failed trials, left out of their rounds: ${failed.map(({ cellId, trials }) => `${cellId} ${trials.failed}`).join(', ')}`,
      );
    }
    const unknown = study.cells.some(({ terms, trials }) => trials.completed > 0 && terms.auditContext === 'unknown');
    if (unknown) {
      remarks.push(
        `in ${name} it is not known whether targets carried an audit context, which alone makes a call 1.4–1.8 × as dear: run as root to have it set`,
      );
    }
  }
  const [before, after] = [base.study.environment, next.study.environment];
  for (const key of ['toolVersion', 'gitRevision', 'nodeVersion', 'uid'] as const) {
    if (before[key] !== after[key])
      remarks.push(`${key}: ${before[key] ?? 'none'} in BASE, ${after[key] ?? 'none'} in NEW`);
  }
  for (const { base: left, next: right } of pairs) {
    const terms = termsChanged(left, right);
    if (terms.length > 0) remarks.push(`${right.cellId} ran on other terms: ${terms.join('; ')}`);
  }
  return remarks;
}

/** Of what each variant chooses by itself: what was asked for is compared study against study. */
function termsChanged(left: Cell, right: Cell): string[] {
  if (left.trials.completed === 0 || right.trials.completed === 0) return [];
  return (['detail', 'regime', 'placement', 'workloadCpus', 'collectorCpus', 'wakeup', 'geometry'] as const).flatMap(
    (term) => {
      const [a, b] = [left.terms[term], right.terms[term]].map((value) => JSON.stringify(value ?? null));
      return a === b ? [] : [`${term} ${a} in BASE, ${b} in NEW`];
    },
  );
}
