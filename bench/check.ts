/** One line of `npm run bench -- --check`: a figure with its interval, its bound, and whether it holds. */
export interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** null where the figure is a count or a single measurement. */
  readonly low: number | null;
  readonly high: number | null;
  /** As text, e.g. `≤ 2 (upper end)`. */
  readonly bound: string;
  readonly pass: boolean;
  /** What a reader must know beside it. */
  readonly note?: string;
}

export interface CheckContext {
  /** Seeds the order of everything that is interleaved. */
  readonly seed: number;
  /** A folder of the check's own, empty. Gone when the bench has ended, by a signal as well; SIGKILL leaves it. */
  readonly scratch: string;
  /** Progress, a line each, to standard error. */
  say(text: string): void;
}

export interface Check {
  readonly name: string;
  readonly title: string;
  /**
   * Starts foreign tools or bare workloads beside trials: a guard then keeps the audit context off all of them, as it
   * does off every trial's target, so that one ratio compares one state.
   */
  readonly startsForeign?: boolean;
  run(context: CheckContext): Promise<Line[]>;
}

/** A count that must be met exactly. */
export function exactly(name: string, value: number, wanted: number, unit: string, note?: string): Line {
  const line = { name, value, unit, low: null, high: null, bound: `= ${wanted}`, pass: value === wanted };
  return note === undefined ? line : { ...line, note };
}
