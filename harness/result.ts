/**
 * What a study writes down: trials, cells, the study itself. These schemas are the contract between the experiment
 * and its readers (reports, compare, other people's scripts); the JSON Schema in reports/schema/ is generated from
 * them. Units are in the names; times are ns unless said, CLOCK_MONOTONIC where a point in time is meant.
 */
export * from './result/cell.ts';
export * from './result/environment.ts';
export * from './result/findings.ts';
export * from './result/interval.ts';
export * from './result/joint.ts';
export * from './result/plan.ts';
export * from './result/study.ts';
export * from './result/trial.ts';
export * from './result/trial-spec.ts';
