/** The three sizes of a study. */
import type { PROFILES } from './settings.ts';

export const DEFAULT_BUFFER = '8MiB';
/** Many enough for a collector that looks five thousand times a second, few enough for a mechanism of 7 KiB a call. */
export const DEFAULT_IN_FLIGHT = 10_000;

export type ProfileName = (typeof PROFILES)[number];

export interface Profile {
  /** Which variants of each backend, when --backends does not say. */
  readonly variants: 'default' | 'all';
  /** Which stamped workloads, when --workloads does not say; null: all. */
  readonly workloads: readonly string[] | null;
  /**
   * Calls in flight of the cells whose buffer is sized in calls, when --in-flight does not say; null: no such cells. Of stamped
   * workloads: an application is not made to fill a buffer, so a second size of it would tell little for its time.
   */
  readonly inFlight: number | null;
  /** The least number of measured rounds: 6 is the least that has an interval. */
  readonly rounds: number;
  readonly warmupRounds: number;
  /** Rounds go on beyond the least number while this lasts; null: they do not. */
  readonly timeBudgetMs: number | null;
  /** No trial's section is planned longer, not even to stress a buffer: the number of calls is cut instead. */
  readonly sectionCapMs: number;
  /** Then to this: what stresses nothing need only be long enough to be timed well. */
  readonly cutSectionMs: number;
  /** Of an open loop, when --section does not say. */
  readonly pacedSectionMs: number;
  /** Soaked cells of default variants, when --cpu-bill does not ask for those of all. */
  readonly cpuBill: boolean;
}

export const profiles: Readonly<Record<ProfileName, Profile>> = {
  quick: {
    variants: 'default',
    workloads: ['null', 'file', 'exec'],
    inFlight: null,
    rounds: 6,
    warmupRounds: 1,
    timeBudgetMs: 50_000,
    sectionCapMs: 700,
    cutSectionMs: 200,
    pacedSectionMs: 1000,
    cpuBill: false,
  },
  ci: {
    variants: 'default',
    workloads: ['null', 'file', 'rdwr', 'mixed', 'exec'],
    inFlight: null,
    rounds: 12,
    warmupRounds: 1,
    timeBudgetMs: 240_000,
    sectionCapMs: 1000,
    cutSectionMs: 500,
    pacedSectionMs: 1000,
    cpuBill: false,
  },
  full: {
    variants: 'all',
    workloads: null,
    inFlight: DEFAULT_IN_FLIGHT,
    rounds: 10,
    warmupRounds: 1,
    timeBudgetMs: null,
    sectionCapMs: 3000,
    cutSectionMs: 500,
    pacedSectionMs: 2000,
    cpuBill: true,
  },
};
