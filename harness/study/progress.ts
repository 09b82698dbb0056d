/**
 * What a study shows while it runs, on standard error. Nothing is drawn while a trial runs: on a machine of two CPUs
 * a redraw is a disturbance, so the block is redrawn when a trial has ended and before the next one starts.
 */
import { formatDuration, formatShare } from '../notation.ts';
import { withoutSoaked } from '../plan/soaked-cells.ts';
import type { Interval, Plan, TrialResult } from '../result.ts';
import { ratioInterval } from '../statistics/order-interval.ts';
import type { Widest } from './precision.ts';

export interface Progress {
  /** A line for people that stays. */
  note(text: string): void;
  begin(plan: Plan): void;
  /** `trials`: how many this round still has to run; 0 when all were recorded by an earlier run. */
  roundStarted(info: { round: number; warmup: boolean; trials: number }): void;
  trialEnded(trial: TrialResult): void;
  /** `figures`: time of the work by cell of the round's completed trials, for their ratios. `widest`: null where no precision was asked for. */
  roundEnded(info: {
    round: number;
    warmup: boolean;
    figures: ReadonlyMap<string, number>;
    widest: Widest | null;
  }): void;
  end(): void;
}

/** The stream's properties that matter here; process.stderr has them. */
export interface Screen {
  write(text: string): unknown;
  readonly columns?: number;
  readonly rows?: number;
}

export function silentProgress(): Progress {
  return { note() {}, begin() {}, roundStarted() {}, trialEnded() {}, roundEnded() {}, end() {} };
}

/** Slowdown of each traced cell against its baseline, paired by round, as it stands. */
class Standing {
  readonly #plan: Plan;
  readonly #pairs = new Map<string, [number, number][]>();

  constructor(plan: Plan) {
    this.#plan = withoutSoaked(plan);
  }

  add(figures: ReadonlyMap<string, number>): void {
    for (const { cellId, baselineCellId } of this.#plan.cells) {
      const traced = figures.get(cellId);
      const bare = baselineCellId === null ? undefined : figures.get(baselineCellId);
      if (traced === undefined || bare === undefined) continue;
      const pairs = this.#pairs.get(cellId) ?? [];
      pairs.push([traced, bare]);
      this.#pairs.set(cellId, pairs);
    }
  }

  /** In the plan's order; null for a cell without a pair yet. */
  *cells(): Iterable<{ cellId: string; slowdown: Interval | null; ratios: readonly number[] }> {
    for (const { cellId, baselineCellId } of this.#plan.cells) {
      if (baselineCellId === null) continue;
      const pairs = this.#pairs.get(cellId) ?? [];
      const ratios = pairs.map(([traced, bare]) => traced / bare);
      yield { cellId, slowdown: pairs.length === 0 ? null : ratioInterval(pairs), ratios };
    }
  }
}

/** One line a round, for logs. */
export function lineProgress(out: Screen, now: () => number = Date.now): Progress {
  let standing: Standing;
  let plan: Plan;
  const beganAt = now();
  let failed = 0;
  let trials = 0;
  return {
    note: (text) => void out.write(`${text}\n`),
    begin(next) {
      plan = next;
      standing = new Standing(next);
    },
    roundStarted(info) {
      failed = 0;
      trials = info.trials;
    },
    trialEnded(trial) {
      if (trial.status === 'completed') return;
      failed++;
      out.write(`${failureLine(trial)}\n`);
    },
    roundEnded({ round, warmup, figures, widest }) {
      if (!warmup) standing.add(figures);
      const middle = [...standing.cells()]
        .filter(({ slowdown }) => slowdown !== null)
        .map(({ cellId, slowdown }) => `${cellId} ${slowdown?.estimate.toFixed(2)} ×`);
      const what = trials === 0 ? 'already recorded' : `${trials - failed} of ${trials} trials`;
      const words = [`${roundName(plan, round)}: ${what}`, formatDuration(now() - beganAt), ...middle];
      if (widest !== null) words.push(widestText(widest, plan));
      out.write(`${words.join(', ')}\n`);
    },
    end() {},
  };
}

const BAR = 24;

/** A block of lines on a terminal: how far the study is, and every cell's slowdown with its narrowing interval. */
export function blockProgress(out: Screen, now: () => number = Date.now): Progress {
  let standing: Standing | null = null;
  let plan: Plan;
  let drawn = 0;
  let round = { name: '', trials: 0, ended: 0 };
  let widestLine = '';
  const beganAt = now();

  const clear = () => {
    if (drawn > 0) out.write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };
  const draw = () => {
    if (standing === null) return;
    // A terminal that does not know its size calls it 0.
    const width = Math.max(40, out.columns || 80);
    const cells = [...standing.cells()];
    const name = Math.max(...cells.map(({ cellId }) => cellId.length), 8);
    const room = Math.max(1, (out.rows || 24) - (widestLine === '' ? 3 : 4));
    const lines = [
      `${round.name}  ${meter(round.ended, round.trials)}  trial ${round.ended} of ${round.trials}, ${formatDuration(now() - beganAt)}`,
      ...(widestLine === '' ? [] : [`  ${widestLine}`]),
      ...cells.slice(0, room).map((cell) => `  ${cell.cellId.padEnd(name)}  ${slowdownText(cell)}`),
    ];
    if (cells.length > room) lines.push(`  … and ${cells.length - room} cells more`);
    clear();
    out.write(lines.map((line) => `${line.slice(0, width - 1)}\n`).join(''));
    drawn = lines.length;
  };

  return {
    note(text) {
      clear();
      out.write(`${text}\n`);
      draw();
    },
    begin(next) {
      plan = next;
      standing = new Standing(next);
    },
    roundStarted(info) {
      round = { name: roundName(plan, info.round), trials: info.trials, ended: 0 };
      draw();
    },
    trialEnded(trial) {
      round.ended++;
      if (trial.status === 'failed') {
        clear();
        out.write(`${failureLine(trial)}\n`);
      }
      draw();
    },
    roundEnded({ warmup, figures, widest }) {
      if (!warmup) standing?.add(figures);
      widestLine = widest === null ? '' : widestText(widest, plan);
      draw();
    },
    end: clear,
  };
}

function roundName(plan: Plan, round: number): string {
  if (round < plan.warmupRounds) return `warm-up ${round + 1} of ${plan.warmupRounds}`;
  const n = round - plan.warmupRounds + 1;
  if (n > plan.rounds && plan.untilHalfWidth !== undefined)
    return `round ${n} (until ± ${formatShare(plan.untilHalfWidth)})`;
  if (n > plan.rounds) return `round ${n} (${plan.rounds} asked for, time is left)`;
  return `round ${n} of ${plan.rounds}`;
}

/** What the study is still waiting for; looked at with 99 % confidence. */
function widestText({ cellId, halfWidth }: Widest, plan: Plan): string {
  const width = halfWidth === null ? 'no interval yet' : `± ${(halfWidth * 100).toFixed(1)} %`;
  return `widest ${cellId} ${width} of ± ${formatShare(plan.untilHalfWidth ?? 0)} asked for`;
}

function failureLine(trial: TrialResult): string {
  if (trial.status === 'completed') return '';
  const { code, message, mend } = trial.error;
  return `failed: ${trial.spec.trialId}: ${code}: ${message}${mend === null ? '' : `\n  mend: ${mend}`}`;
}

function meter(part: number, whole: number): string {
  const filled = whole === 0 ? BAR : Math.round((part / whole) * BAR);
  return `[${'█'.repeat(filled)}${'·'.repeat(BAR - filled)}]`;
}

/** `2.13 ×  [2.05, 2.21]  ····├─●─┤····`, on an axis from the least to the greatest ratio seen. */
function slowdownText({ slowdown, ratios }: { slowdown: Interval | null; ratios: readonly number[] }): string {
  if (slowdown === null) return '…';
  const text = `${slowdown.estimate.toFixed(2)} ×`.padStart(9);
  const { low, high } = slowdown;
  const range = low === null || high === null ? 'no interval yet' : `[${low.toFixed(2)}, ${high.toFixed(2)}]`;
  const least = Math.min(...ratios);
  const span = Math.max(...ratios) - least;
  if (span === 0) return `${text}  ${range}`;
  const at = (value: number) => Math.round(((value - least) / span) * (BAR - 1));
  const [from, to] = [at(low ?? least), at(high ?? least + span)];
  const axis = Array.from({ length: BAR }, (_, i) => {
    if (i === at(slowdown.estimate)) return '●';
    if (i === from && low !== null) return '├';
    if (i === to && high !== null) return '┤';
    return i > from && i < to && low !== null ? '─' : '·';
  });
  return `${text}  ${range.padEnd(17)}  ${axis.join('')}`;
}
