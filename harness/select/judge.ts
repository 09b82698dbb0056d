/**
 * Needs held against what was measured: each variant of a study accepted, refused or undecided, reason by reason, every
 * reason with the figure that it rests on. Pure; nothing is taken for granted that the study does not show.
 */
import type { Capabilities } from '../backend.ts';
import type { Cell, Study } from '../result.ts';
import { ACHIEVED_LEAST } from '../summarise/flags.ts';
import { isStarved } from '../summarise/starved.ts';

/** What somebody wants of a tracer. Absent: it does not matter. */
export interface Needs {
  /** Calls a second that it must hold. */
  readonly ratePerS?: number | undefined;
  /** Share of the calls that may be lost. */
  readonly lossFraction: number;
  readonly detail: 'enter' | 'full' | 'paths';
  /** p99 from the call to its record being readable. */
  readonly latencyNs?: number | undefined;
  /** Time that a call may take longer. */
  readonly addedNs?: number | undefined;
  /** Share of one CPU that the collector may take. */
  readonly collectorCpu?: number | undefined;
  /** The workload may be made to wait. */
  readonly mayBlock: boolean;
  /** It must go on tracing across a set-uid exec. */
  readonly followsSetuid: boolean;
}

export interface Reason {
  readonly need: string;
  /** unknown: the study does not show it; `text` then has the command that would. */
  readonly met: 'yes' | 'no' | 'unknown';
  readonly text: string;
  /** The cell whose figure decided it; null: a declared capability, or nothing measured. */
  readonly cellId: string | null;
}

export interface Judged {
  readonly variant: string;
  readonly outcome: 'accepted' | 'refused' | 'undecided';
  readonly reasons: readonly Reason[];
}

export interface SelectInput {
  readonly study: Study;
  /** Declared, by variant id. */
  readonly capabilities: ReadonlyMap<string, Capabilities>;
  /** As the workload is typed; the study's cells of any other are left out. */
  readonly workload: string;
  readonly needs: Needs;
}

/** One for every variant that the study was asked for, those that deliver nothing left out; in its order. */
export function judge(input: SelectInput): Judged[] {
  const { study, capabilities, workload } = input;
  return study.backends.flatMap(({ variant, answer, reason }) => {
    const can = capabilities.get(variant);
    if (can === undefined || can.delivers === 'nothing' || can.events !== undefined) return [];
    if (answer === 'no') {
      const why = `cannot run here: ${reason ?? 'no reason given'}`;
      return [
        {
          variant,
          outcome: 'refused' as const,
          reasons: [{ need: 'runs here', met: 'no' as const, text: why, cellId: null }],
        },
      ];
    }
    const cells = study.cells.filter(
      (cell) => cell.variant === variant && cell.workload.name === workload && !isStarved(cell),
    );
    const reasons = [...declared(can, input.needs), ...measured(cells, input.needs, variant)];
    return [{ variant, outcome: outcomeOf(reasons), reasons }];
  });
}

function outcomeOf(reasons: readonly Reason[]): Judged['outcome'] {
  if (reasons.some(({ met }) => met === 'no')) return 'refused';
  return reasons.some(({ met }) => met === 'unknown') ? 'undecided' : 'accepted';
}

function declared(can: Capabilities, needs: Needs): Reason[] {
  const reasons: Reason[] = [];
  const say = (need: string, isMet: boolean, text: string): void => {
    reasons.push({ need, met: isMet ? 'yes' : 'no', text, cellId: null });
  };
  if (needs.detail === 'paths') {
    const { paths } = can;
    say('detail paths', 'read' in paths, 'read' in paths ? `strings are read at ${paths.read}` : paths.none);
  } else {
    const given = can.detail ?? can.delivers;
    say(`detail ${needs.detail}`, given === 'full' || given === needs.detail, `its records are ${given}`);
  }
  if (!needs.mayBlock) {
    const blocks = can.regime === 'blocks';
    say(
      'does not block',
      !blocks,
      blocks
        ? 'the workload waits for the collector'
        : `when slow it ${can.regime === 'drops' ? 'drops' : 'loses nothing'}`,
    );
  }
  if (needs.followsSetuid)
    say('follows set-uid', can.followsSetuid, can.followsSetuid ? 'does' : 'goes blind at a set-uid exec');
  return reasons;
}

function measured(cells: readonly Cell[], needs: Needs, variant: string): Reason[] {
  const reasons: Reason[] = [];
  const { ratePerS } = needs;
  const at = ratePerS === undefined ? '' : ` --rate ${ratePerS}`;
  const run = `./tracebench run --backends ${variant}${at}`;
  const unknown = (need: string): void => {
    reasons.push({ need, met: 'unknown', text: `not measured: ${run}`, cellId: null });
  };
  const say = (need: string, isMet: boolean, text: string, { cellId }: Cell): void => {
    reasons.push({ need, met: isMet ? 'yes' : 'no', text, cellId });
  };

  // The rate: an open loop at least so fast, or a closed one that reached more.
  const loaded = ratePerS === undefined ? cells : cells.filter((cell) => loadOf(cell) >= ratePerS);
  const least = [...loaded].sort((a, b) => loadOf(a) - loadOf(b) || lost(a) - lost(b))[0];
  const need = `${ratePerS === undefined ? '' : `${short(ratePerS)} calls/s, `}loss ≤ ${short(needs.lossFraction * 100)} %`;
  if (least === undefined) {
    const fastest = [...cells].sort((a, b) => loadOf(b) - loadOf(a))[0];
    const blocked = fastest !== undefined && fastest.terms.regime === 'blocks' && ratePerS !== undefined;
    if (blocked) say(need, false, `lets ${short(loadOf(fastest))} calls/s through`, fastest);
    else unknown(need);
  } else {
    const sound = least.trials.reconciled === least.trials.completed;
    const said = `${short(lost(least) * 100)} % lost at ${short(loadOf(least))} calls/s${sound ? '' : ', and its books do not balance'}`;
    say(need, sound && lost(least) <= needs.lossFraction, said, least);
  }

  // Latency and CPU share mean something in an open loop only; the load nearest above the one wanted.
  const open = [...loaded].filter((cell) => cell.openLoop !== null).sort((a, b) => loadOf(a) - loadOf(b))[0];
  if (needs.latencyNs !== undefined) {
    const name = `p99 latency ≤ ${micro(needs.latencyNs)}`;
    const p99 = open?.latency?.p99Ns;
    if (open === undefined || p99 === undefined) unknown(name);
    else say(name, p99 <= needs.latencyNs, `${micro(p99)} at ${short(loadOf(open))} calls/s`, open);
  }
  if (needs.collectorCpu !== undefined) {
    const name = `collector ≤ ${short(needs.collectorCpu * 100)} % of a CPU`;
    const share = open?.openLoop?.collectorCpuFraction;
    if (open === undefined || !share) unknown(name);
    else
      say(
        name,
        (share.high ?? share.estimate) <= needs.collectorCpu,
        `${percents(share)} at ${short(loadOf(open))} calls/s`,
        open,
      );
  }
  if (needs.addedNs !== undefined) {
    const name = `added ≤ ${short(needs.addedNs)} ns a call`;
    const cell = [...cells]
      .filter(({ addedNsPerCall }) => addedNsPerCall !== null)
      .sort((a, b) => added(b) - added(a))[0];
    if (cell === undefined) unknown(name);
    else
      say(
        name,
        added(cell) <= needs.addedNs,
        `${short(cell.addedNsPerCall?.estimate ?? 0)} ns, upper end ${short(added(cell))}`,
        cell,
      );
  }
  return reasons;
}

/** Calls a second: what was offered where that was achieved, else what was; of a closed loop, as fast as it went. */
function loadOf({ openLoop, perCallNs, workload }: Cell): number {
  if (openLoop !== null) {
    const achieved = openLoop.achievedPerS.low ?? openLoop.achievedPerS.estimate;
    const offered = workload.kind === 'stamped' ? (workload.pace?.ratePerS ?? 0) : 0;
    return achieved >= ACHIEVED_LEAST * offered ? offered : achieved;
  }
  return perCallNs === null ? 0 : 1e9 / (perCallNs.high ?? perCallNs.estimate);
}

function lost({ deliveredFraction }: Cell): number {
  return 1 - (deliveredFraction ?? 0);
}

/** The upper end: what is promised must hold. */
function added({ addedNsPerCall }: Cell): number {
  return addedNsPerCall === null ? Number.POSITIVE_INFINITY : (addedNsPerCall.high ?? addedNsPerCall.estimate);
}

function short(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}

function micro(ns: number): string {
  return `${short(ns / 1000)} µs`;
}

function percents({ estimate, high }: { estimate: number; high: number | null }): string {
  return `${short(estimate * 100)} %${high === null ? '' : `, upper end ${short(high * 100)} %`}`;
}
