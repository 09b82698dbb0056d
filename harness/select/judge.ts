/**
 * Needs held against what was measured: each variant of a study accepted, refused or undecided, reason by reason, every
 * reason with the figure that it rests on. Pure; nothing is taken for granted that the study does not show.
 */
import { type Capabilities, type NeededPrivileges, PRIVILEGES } from '../backend.ts';
import { formatBytes, formatFigure } from '../notation.ts';
import type { Cell, Study } from '../result.ts';
import { isStarved } from '../summarise/starved.ts';
import { burstReason } from './burst.ts';
import { capacityReason, type MeasuredCapacities } from './capacity.ts';
import { loadOf, lost } from './load.ts';
import type { Needs, Reason } from './needs.ts';

export interface Judged {
  readonly variant: string;
  readonly outcome: 'accepted' | 'refused' | 'undecided';
  readonly reasons: readonly Reason[];
}

export interface Declared {
  readonly capabilities: Capabilities;
  readonly privileges: NeededPrivileges;
}

export interface SelectInput {
  readonly study: Study;
  /** Declared, by variant id. */
  readonly declared: ReadonlyMap<string, Declared>;
  /** null: none was given. */
  readonly capacities: MeasuredCapacities | null;
  /** As the workload is typed; the study's cells of any other are left out. */
  readonly workload: string;
  readonly needs: Needs;
}

/** One for every variant that the study was asked for, those that deliver nothing left out; in its order. */
export function judge(input: SelectInput): Judged[] {
  const { study, declared, capacities, workload, needs } = input;
  return study.backends.flatMap(({ variant, answer, reason }) => {
    const known = declared.get(variant);
    if (known === undefined || known.capabilities.delivers === 'nothing' || known.capabilities.events !== undefined)
      return [];
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
      (cell) => cell.workload.name === workload && cell.variant === variant && !isStarved(cell),
    );
    const untraced = study.cells.filter(({ cellId }) => cells.some(({ baselineCellId }) => baselineCellId === cellId));
    const reasons = [
      ...promised(known, needs),
      ...measured(cells, { needs, variant, capacities }),
      ...memory(cells, untraced, { needs, variant }),
    ];
    return [{ variant, outcome: outcomeOf(reasons), reasons }];
  });
}

function outcomeOf(reasons: readonly Reason[]): Judged['outcome'] {
  if (reasons.some(({ met }) => met === 'no')) return 'refused';
  return reasons.some(({ met }) => met === 'unknown') ? 'undecided' : 'accepted';
}

function promised({ capabilities: can, privileges }: Declared, needs: Needs): Reason[] {
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
  if (needs.privileges !== undefined) {
    const enough = PRIVILEGES.indexOf(privileges.least) <= PRIVILEGES.indexOf(needs.privileges);
    const text = privileges.least === 'none' ? privileges.what : `needs ${privileges.least}: ${privileges.what}`;
    say(`privileges ${needs.privileges}`, enough, text);
  }
  return reasons;
}

interface Measured {
  readonly needs: Needs;
  readonly variant: string;
  readonly capacities: MeasuredCapacities | null;
}

function measured(cells: readonly Cell[], { needs, variant, capacities }: Measured): Reason[] {
  const reasons: Reason[] = [];
  const { ratePerS } = needs;
  const searched =
    ratePerS === undefined ? null : capacityReason(capacities, variant, { ratePerS, lossFraction: needs.lossFraction });
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
  const need = `${ratePerS === undefined ? '' : `${formatFigure(ratePerS)} calls/s, `}loss ≤ ${formatFigure(needs.lossFraction * 100)} %`;
  if (least === undefined) {
    const fastest = [...cells].sort((a, b) => loadOf(b) - loadOf(a))[0];
    const blocked = fastest !== undefined && fastest.terms.regime === 'blocks' && ratePerS !== undefined;
    if (blocked) say(need, false, `lets ${formatFigure(loadOf(fastest))} calls/s through`, fastest);
    // A search beyond what the study offered is an answer of its own.
    else if (searched === null) unknown(need);
  } else {
    const sound = least.trials.reconciled === least.trials.completed;
    const said = `${formatFigure(lost(least) * 100)} % lost at ${formatFigure(loadOf(least))} calls/s${sound ? '' : ', and its books do not balance'}`;
    say(need, sound && lost(least) <= needs.lossFraction, said, least);
  }
  if (searched !== null) reasons.push(searched);
  if (needs.burst !== undefined) reasons.push(burstReason({ cells, needs, burst: needs.burst, variant, capacities }));

  // Latency and CPU share mean something in an open loop only; the load nearest above the one wanted.
  const open = [...loaded].filter((cell) => cell.openLoop !== null).sort((a, b) => loadOf(a) - loadOf(b))[0];
  if (needs.latencyNs !== undefined) {
    const name = `p99 latency ≤ ${micro(needs.latencyNs)}`;
    const p99 = open?.latency?.p99Ns;
    if (open === undefined || p99 === undefined) unknown(name);
    else say(name, p99 <= needs.latencyNs, `${micro(p99)} at ${formatFigure(loadOf(open))} calls/s`, open);
  }
  if (needs.collectorCpu !== undefined) {
    const name = `collector ≤ ${formatFigure(needs.collectorCpu * 100)} % of a CPU`;
    const share = open?.openLoop?.collectorCpuFraction;
    if (open === undefined || !share) unknown(name);
    else
      say(
        name,
        (share.high ?? share.estimate) <= needs.collectorCpu,
        `${percents(share)} at ${formatFigure(loadOf(open))} calls/s`,
        open,
      );
  }
  if (needs.addedNs !== undefined) {
    const name = `added ≤ ${formatFigure(needs.addedNs)} ns a call`;
    const cell = [...cells]
      .filter(({ addedNsPerCall }) => addedNsPerCall !== null)
      .sort((a, b) => added(b) - added(a))[0];
    if (cell === undefined) unknown(name);
    else
      say(
        name,
        added(cell) <= needs.addedNs,
        `${formatFigure(cell.addedNsPerCall?.estimate ?? 0)} ns, upper end ${formatFigure(added(cell))}`,
        cell,
      );
  }
  return reasons;
}

/** Kernel buffers, and what the trial's process has beyond that of an untraced trial, which holds Node and harness as well. */
function memory(
  cells: readonly Cell[],
  untraced: readonly Cell[],
  { needs: { memoryBytes }, variant }: Pick<Measured, 'needs' | 'variant'>,
): Reason[] {
  if (memoryBytes === undefined) return [];
  const need = `memory ≤ ${formatBytes(memoryBytes)}`;
  const taken = cells.flatMap((cell) => {
    const bare = untraced.find(({ cellId }) => cellId === cell.baselineCellId)?.collectorMaxRssBytes ?? null;
    const rss = cell.collectorMaxRssBytes ?? null;
    const { geometry } = cell.terms;
    if (bare === null || rss === null || geometry === null) return [];
    return [{ cell, buffer: geometry.bufferBytes, beside: Math.max(0, rss - bare) }];
  });
  const most = taken.sort((a, b) => b.buffer + b.beside - a.buffer - a.beside)[0];
  if (most === undefined) {
    return [{ need, met: 'unknown', text: `not measured: ./tracebench run --backends ${variant}`, cellId: null }];
  }
  const { cell, buffer, beside } = most;
  const text = `${formatBytes(buffer)} of kernel buffers, and a collector of ${formatBytes(beside)} beyond an untraced trial's process`;
  return [{ need, met: buffer + beside <= memoryBytes ? 'yes' : 'no', text, cellId: cell.cellId }];
}

/** The upper end: what is promised must hold. */
function added({ addedNsPerCall }: Cell): number {
  return addedNsPerCall === null ? Number.POSITIVE_INFINITY : (addedNsPerCall.high ?? addedNsPerCall.estimate);
}

function micro(ns: number): string {
  return `${formatFigure(ns / 1000)} µs`;
}

function percents({ estimate, high }: { estimate: number; high: number | null }): string {
  return `${formatFigure(estimate * 100)} %${high === null ? '' : `, upper end ${formatFigure(high * 100)} %`}`;
}
