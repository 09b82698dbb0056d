/** A study's own rounds, parted at random into two studies between which nothing changed, or one thing that is known. */
import type { LoadedStudy } from '../../harness/compare/load.ts';
import type { Random } from '../../harness/random.ts';
import type { TrialResult } from '../../harness/result.ts';

/** Rounds stay whole: what was measured in one keeps its baseline. */
export function parted(study: LoadedStudy, random: Random): readonly [LoadedStudy, LoadedStudy] {
  const rounds = [...new Set(study.trials.filter(({ spec }) => !spec.warmup).map(({ spec }) => spec.round))];
  const half = new Set(random.shuffle(rounds).slice(0, rounds.length >> 1));
  const part = (name: string, wanted: (round: number) => boolean): LoadedStudy => ({
    path: name,
    study: { ...study.study, studyId: name },
    trials: study.trials.filter(({ spec }) => !spec.warmup && wanted(spec.round)),
  });
  return [part('one half', (round) => half.has(round)), part('the other', (round) => !half.has(round))];
}

/** The same study with the section of one cell so many times as long. */
export function slowed(study: LoadedStudy, cellId: string, factor: number): LoadedStudy {
  const trials = study.trials.map((trial): TrialResult => {
    if (trial.status === 'failed' || trial.spec.cellId !== cellId || trial.section === null) return trial;
    return { ...trial, section: { ...trial.section, durationNs: trial.section.durationNs * factor } };
  });
  return { ...study, trials };
}
