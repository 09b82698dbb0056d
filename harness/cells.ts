/**
 * The cells of a plan: which workload with how many calls under which variant, and which baseline each is held
 * against. The number of calls belongs to the cell (cell-calls.ts); what is compared is compared per call with a baseline of
 * the same number of calls.
 */
import type { Placement, Wakeup } from './backend.ts';
import { bytesForCalls } from './buffer.ts';
import { callsFor, pacedCalls, predictedMs } from './cell-calls.ts';
import type { AskedWorkload, Budget, CellRequest, Contestant } from './cell-request.ts';
import { addedBy } from './costs.ts';
import { soakedCells } from './cpu-bill/cells.ts';
import { whyNotEvents } from './events.ts';
import type { Machine } from './machine.ts';
import { paceText } from './pace.ts';
import { type Pair, pairId } from './pairs.ts';
import type { Plan, Starvation, WorkloadSpec } from './result.ts';
import { starvationText, wakeupText } from './result-words.ts';
import { cannotStarve, starvationOf, starvedTrial } from './starvation.ts';
import { keepsOwnWakeup } from './wakeup.ts';

const DEADLINE_FACTOR = 10;
const DEADLINE_FLOOR_MS = 30_000;
/** Nobody knows how long a command runs. */
const APPLICATION_DEADLINE_MS = 600_000;

type PlanCell = Plan['cells'][number];

export interface ExpandedCell {
  readonly cell: PlanCell;
  /** Predicted length of the section; null for a command. */
  readonly sectionMs: number | null;
}

export function expandCells(request: CellRequest): { cells: ExpandedCell[]; notes: string[] } {
  const notes = new Set<string>();
  const cells: ExpandedCell[] = [];
  const without = new Map<string, string[]>();
  for (const note of notesOnTerms(request)) notes.add(note);
  for (const workload of request.workloads) {
    const baselines = new Baselines(request, workload);
    const traced: ExpandedCell[] = [];
    const leaveOut = (id: string, why: string): void => {
      const what = `on ${workload.spec.name}: ${why}`;
      without.set(what, [...(without.get(what) ?? []), id]);
    };
    for (const contestant of request.variants) {
      if (contestant.id === request.baseline.id) continue;
      const why = whyNotOn(request, workload, contestant);
      if (why !== null) {
        leaveOut(contestant.id, why);
        continue;
      }
      for (const budget of budgetsOf(request, workload, contestant)) {
        const spec = workloadSpec(request, workload, contestant, budget, notes);
        const place = placementOf(request, contestant, spec, notes);
        const baselineCellId = baselines.for(spec, place, needsAuditContext(request, contestant));
        const sized = budget.inFlight === null ? '' : `@${budget.inFlight}calls`;
        for (const wakeup of wakeupsOf(request, contestant)) {
          const woken = wakeup.isOneOfSeveral ? `+${wakeupText(wakeup.policy)}` : '';
          for (const starvation of starvationsOf(request, contestant, spec, notes)) {
            const starved = starvation === null ? '' : `~${starvationText(starvation)}`;
            traced.push(
              makeCell(request, workload, contestant, spec, place, {
                cellId: `${slug(spec)}/${contestant.id}${sized}${woken}${starved}`,
                baselineCellId,
                budget,
                wakeup: wakeup.policy,
                starvation,
                auditContext: needsAuditContext(request, contestant) ? 'present' : 'absent',
              }),
            );
          }
        }
      }
    }
    for (const pair of request.pairs) {
      const why = whyNotOn(request, workload, pair.first) ?? whyNotOn(request, workload, pair.second);
      if (why === null) traced.push(...pairCells(request, workload, pair, baselines, notes));
      else leaveOut(pairId(pair.first.id, pair.second.id), why);
    }
    if (traced.length === 0) traced.push(twin(request, workload, baselines, notes));
    baselines.addHalved();
    cells.push(...baselines.cells, ...traced);
    const billed = traced.filter(
      ({ cell: { trial } }) => starvationOf(trial) === null && trial.alongside === undefined,
    );
    const soaked = soakedCells([...baselines.cells, ...billed], (id) => isBilled(request, id));
    cells.push(...soaked.cells);
    for (const note of soaked.notes) notes.add(note);
  }
  for (const [what, ids] of without) notes.add(`no cell of ${ids.join(', ')} ${what}`);
  const marking = request.variants.filter((contestant) => needsAuditContext(request, contestant)).map(({ id }) => id);
  if (marking.length > 0) {
    notes.add(
      `${marking.join(', ')}: audit is enabled while these run; until the next boot tasks started later keep an audit context, ` +
        'which slows their calls with audit off again too; leave them out with --backends where that matters',
    );
  }
  const deadlineMs = request.deadlineMs ?? commonDeadlineMs(cells);
  for (const { cell } of cells) cell.trial.deadlineMs = deadlineMs;
  return { cells, notes: [...notes] };
}

/** Why a variant has no cell on a workload; null: it has one. */
function whyNotOn(
  { filter, user }: CellRequest,
  asked: AskedWorkload,
  { variant: { tool, capabilities } }: Contestant,
): string | null {
  const { events } = capabilities;
  const { spec, entry } = asked;
  const made = entry?.function === undefined ? undefined : 'function';
  const unlike = whyNotEvents(events, made);
  if (unlike !== null) return unlike;
  if (events === 'function' && filter !== null) return 'a filter of system calls (-e) says nothing of a function';
  if (tool === undefined) return null;
  if (filter !== null || asked.filter !== undefined) return 'it takes no filter (-e)';
  if (tool.launches && user !== null) return 'it starts its target itself, and not as another user';
  if (spec.kind === 'application') return tool.applications ? null : 'it is for stamped workloads';
  if (tool.workloads.includes(spec.name)) return null;
  return `its output does not show that workload's truth; that of ${tool.workloads.join(', ')} it does`;
}

/** A whole tool has CPU time of its own, which the bill of the trial process would not know. */
function isBilled({ variants, baseline, cpuBill }: CellRequest, id: string): boolean {
  const contestant = [baseline, ...variants].find((known) => known.id === id);
  if (cpuBill === null || contestant === undefined || contestant.variant.tool !== undefined) return false;
  return cpuBill === 'asked' || contestant.variant.name === '';
}

/** Each with the buffer and wake-up it has alone, as many calls as stress the one that needs more of them. */
function pairCells(
  request: CellRequest,
  workload: AskedWorkload,
  { first, second }: Pair,
  baselines: Baselines,
  notes: Set<string>,
): ExpandedCell[] {
  const marked = [first, second].some((contestant) => needsAuditContext(request, contestant));
  return budgetsOf(request, workload, first).flatMap((budget) => {
    const theirs = budgetsOf(request, workload, second);
    const other = theirs.find(({ inFlight }) => inFlight === budget.inFlight) ?? (theirs[0] as Budget);
    const spec = pairSpec(
      workloadSpec(request, workload, first, budget, notes),
      workloadSpec(request, workload, second, other, notes),
      { first, second },
    );
    const place = placementOf(request, first, spec, notes);
    const baselineCellId = baselines.for(spec, place, marked);
    const sized = budget.inFlight === null ? '' : `@${budget.inFlight}calls`;
    const policies = wakeupsOf(request, second).map(({ policy }) => policy);
    return wakeupsOf(request, first).map((wakeup) => {
      const woken = wakeup.isOneOfSeveral ? `+${wakeupText(wakeup.policy)}` : '';
      const same = policies.find((policy) => wakeupText(policy) === wakeupText(wakeup.policy));
      const { cell } = makeCell(request, workload, first, spec, place, {
        cellId: `${slug(spec)}/${pairId(first.id, second.id)}${sized}${woken}`,
        baselineCellId,
        budget,
        wakeup: wakeup.policy,
        starvation: null,
        auditContext: marked ? 'present' : 'absent',
      });
      cell.trial.alongside = {
        variant: second.id,
        bufferBytes: other.bytes,
        wakeup: same ?? policies[0] ?? second.variant.wakeup,
        collectorCpus: secondPlace(request, place, second),
      };
      const added = addedBy(first.variant) + addedBy(second.variant);
      return { cell, sectionMs: predictedMs(workload, spec, added) };
    });
  });
}

/** Whoever stops the workload decides how many calls can be made in time; else whoever has more to fill. */
function pairSpec(one: WorkloadSpec, other: WorkloadSpec, { first, second }: Pair): WorkloadSpec {
  if (one.kind !== 'stamped' || other.kind !== 'stamped') return one;
  if (first.variant.capabilities.regime === 'blocks') return one;
  if (second.variant.capabilities.regime === 'blocks') return other;
  return one.calls >= other.calls ? one : other;
}

/** Where it runs alone, as far as the CPUs that the first left the workload allow. */
function secondPlace(request: CellRequest, { workloadCpus }: Place, { variant }: Contestant): number[] | null {
  const wanted = request.placement ?? variant.placement;
  if (workloadCpus === null || wanted === 'free') return null;
  const rest = request.machine.cpus.filter((cpu) => !workloadCpus.includes(cpu));
  return wanted === 'same' || rest.length === 0 ? workloadCpus : rest.slice(-1);
}

/** Equal bytes for all; where something is buffered and it was asked for, equal calls as well. */
function budgetsOf(request: CellRequest, { spec }: AskedWorkload, { variant }: Contestant): Budget[] {
  const inFlight = spec.kind === 'stamped' ? request.inFlight : request.applicationsInFlight;
  const inBytes = { bytes: request.bufferBytes, inFlight: null };
  if (variant.buffer === null || inFlight === null) return [inBytes];
  return [inBytes, { bytes: bytesForCalls(variant.buffer, inFlight, request.machine), inFlight }];
}

/** The policies that a variant's cells run with; its own where nothing else means anything to it. */
function wakeupsOf(
  { wakeups, cannotWake }: CellRequest,
  { id, variant }: Contestant,
): { policy: Wakeup; isOneOfSeveral: boolean }[] {
  if (wakeups.length === 0 || keepsOwnWakeup(variant) !== null)
    return [{ policy: variant.wakeup, isOneOfSeveral: false }];
  const cannot = cannotWake.get(id) ?? [];
  return wakeups
    .filter((policy) => !cannot.includes(wakeupText(policy)))
    .map((policy) => ({ policy, isOneOfSeveral: wakeups.length > 1 }));
}

/** null, the collector let work, comes first: what the others are held against. */
function starvationsOf(
  { starvations }: CellRequest,
  { id, variant }: Contestant,
  workload: WorkloadSpec,
  notes: Set<string>,
): (Starvation | null)[] {
  const why = workload.kind === 'application' ? 'an application has no section' : cannotStarve(variant);
  if (starvations.length > 0 && why !== null)
    notes.add(`no cell of ${id} on ${workload.name} with a starved collector: ${why}`);
  return why === null ? [null, ...starvations] : [null];
}

/** What was asked for and means nothing to some of those it was asked of. */
function notesOnTerms({ variants, baseline, inFlight, wakeups, starvations, cannotWake }: CellRequest): string[] {
  const notes: string[] = [];
  const traced = variants.filter(({ id }) => id !== baseline.id);
  for (const { id, variant } of wakeups.length === 0 ? [] : traced) {
    const why = keepsOwnWakeup(variant);
    if (why !== null) notes.push(`${id} keeps its own wake-up: ${why}`);
    const cannot = cannotWake.get(id) ?? [];
    if (cannot.length > 0) notes.push(`${id} has no cell with wake-up ${cannot.join(', ')}: it cannot be woken so`);
  }
  if (starvations.length > 0 && traced.length === 0) notes.push('no starved cell: nothing here collects');
  if (inFlight !== null && traced.every(({ variant }) => variant.buffer === null)) {
    notes.push(`no cell of ${inFlight} calls in flight: nothing here has a buffer`);
  }
  return notes;
}

/** One for all, so that cells differ in nothing they need not differ in. */
function commonDeadlineMs(cells: readonly ExpandedCell[]): number {
  const longest = Math.max(
    ...cells.map(({ sectionMs }) => (sectionMs === null ? APPLICATION_DEADLINE_MS : sectionMs * DEADLINE_FACTOR)),
  );
  return Math.max(DEADLINE_FLOOR_MS, Math.ceil(longest));
}

/** Nothing but the baseline: an A/A study, whose intervals must contain 1 and whose spread is the noise floor. */
function twin(request: CellRequest, workload: AskedWorkload, baselines: Baselines, notes: Set<string>): ExpandedCell {
  const budget = { bytes: request.bufferBytes, inFlight: null };
  const spec = workloadSpec(request, workload, request.baseline, budget, notes);
  const place = baselinePlace(request.machine, placementOf(request, request.baseline, spec, notes));
  const baselineCellId = baselines.for(spec, place, false);
  const { wakeup } = request.baseline.variant;
  const head = {
    cellId: `${baselineCellId}+twin`,
    baselineCellId,
    budget,
    wakeup,
    starvation: null,
    auditContext: 'absent',
  } as const;
  return makeCell(request, workload, request.baseline, spec, place, head);
}

/** The baseline's workload runs where the traced one does; the trial process keeps out of its way. */
function baselinePlace({ cpus }: Machine, { workloadCpus }: Place): Place {
  if (workloadCpus === null) return { placement: 'free', workloadCpus: null, collectorCpus: null };
  const rest = cpus.filter((cpu) => !workloadCpus.includes(cpu));
  return rest.length > 0
    ? { placement: 'other', workloadCpus, collectorCpus: rest.slice(-1) }
    : { placement: 'same', workloadCpus, collectorCpus: workloadCpus };
}

interface Place {
  readonly placement: Placement;
  readonly workloadCpus: number[] | null;
  readonly collectorCpus: number[] | null;
}

/** The untraced cells of one workload: one for every number of calls, set of CPUs and audit state in use. */
class Baselines {
  readonly cells: ExpandedCell[] = [];
  readonly #byKey = new Map<string, string>();
  readonly #request: CellRequest;
  readonly #asked: AskedWorkload;
  #first: { spec: WorkloadSpec; place: Place; auditContext: boolean } | null = null;

  constructor(request: CellRequest, asked: AskedWorkload) {
    this.#request = request;
    this.#asked = asked;
  }

  /** @returns the cellId of the baseline for these terms, which is made when it is the first to ask */
  for(spec: WorkloadSpec, traced: Place, auditContext: boolean): string {
    const place = baselinePlace(this.#request.machine, traced);
    const key = JSON.stringify([slug(spec), place.workloadCpus, auditContext]);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    this.#first ??= { spec, place, auditContext };
    const plain = `${slug(spec)}/${this.#request.baseline.id}`;
    let cellId = auditContext ? `${plain}+audit` : plain;
    // The same calls on other CPUs: the id says on which.
    if (this.cells.some(({ cell }) => cell.cellId === cellId)) cellId += `+cpu${place.workloadCpus?.join('.') ?? 's'}`;
    this.#byKey.set(key, cellId);
    this.cells.push(
      makeCell(this.#request, this.#asked, this.#request.baseline, spec, place, {
        cellId,
        baselineCellId: null,
        budget: { bytes: this.#request.bufferBytes, inFlight: null },
        wakeup: this.#request.baseline.variant.wakeup,
        starvation: null,
        auditContext: auditContext ? 'present' : 'absent',
      }),
    );
    return cellId;
  }

  /**
   * time(2N)/time(N) is checked on the baselines of a workload. Where all its cells make the same number of calls, one
   * more baseline makes half of them. An open loop's time is that of its schedule.
   */
  addHalved(): void {
    const spec = this.#first?.spec;
    const { entry } = this.#asked;
    if (!this.#first || spec?.kind !== 'stamped' || spec.pace || entry === null) return;
    const numbers = new Set(this.cells.map(({ cell }) => (cell.trial.workload as { calls: number }).calls));
    const per = entry.callsPerIteration;
    const half = Math.floor(spec.calls / 2 / per) * per;
    if (numbers.size === 1 && half >= per)
      this.for({ ...spec, calls: half }, this.#first.place, this.#first.auditContext);
  }
}

function makeCell(
  request: CellRequest,
  asked: AskedWorkload,
  { id, variant }: Contestant,
  workload: WorkloadSpec,
  place: Place,
  head: {
    cellId: string;
    baselineCellId: string | null;
    budget: Budget;
    wakeup: Wakeup;
    starvation: Starvation | null;
    auditContext: 'absent' | 'present';
  },
): ExpandedCell {
  const { starvation } = head;
  const match = workload.kind === 'stamped' ? workload.match : undefined;
  const filter = filterOf(request, asked);
  const fedMs = predictedMs(asked, workload, addedBy(variant) * passing(match, filter, { variant }));
  const sectionMs = fedMs === null ? null : fedMs * timesLonger(variant.capabilities, starvation);
  const cell: PlanCell = {
    cellId: head.cellId,
    baselineCellId: head.baselineCellId,
    trial: {
      cellId: head.cellId,
      workload,
      variant: id,
      bufferBytes: head.budget.bytes,
      inFlight: head.budget.inFlight,
      filter,
      wakeup: head.wakeup,
      ...(request.detail === undefined || variant.capabilities.delivers === 'nothing'
        ? {}
        : { detail: request.detail }),
      placement: place.placement,
      workloadCpus: place.workloadCpus,
      collectorCpus: place.collectorCpus,
      idle: request.idle,
      auditContext: head.auditContext,
      user: request.user,
      consumer: 'ledger',
      ...starvedTrial(starvation, workload.kind === 'stamped' ? workload.calls : 0),
      deadlineMs: DEADLINE_FLOOR_MS, // replaced once the longest cell is known
    },
  };
  return { cell, sectionMs };
}

/** A workload that waits for its collector waits for its CPU time, too. */
function timesLonger({ regime }: Contestant['variant']['capabilities'], starvation: Starvation | null): number {
  return regime === 'blocks' && starvation?.kind === 'quota' ? 1 / starvation.share : 1;
}

function filterOf(request: CellRequest, { filter }: AskedWorkload): string[] | null {
  const own = filter ?? request.filter;
  return own === null ? null : [...own];
}

function workloadSpec(
  request: CellRequest,
  asked: AskedWorkload,
  contestant: Contestant,
  budget: Budget,
  notes: Set<string>,
): WorkloadSpec {
  const { spec, entry } = asked;
  if (spec.kind === 'application') return spec;
  if (entry === null) throw new TypeError(`workload ${spec.name} has no entry in the catalogue`);
  const { name, threads, pace, match } = spec;
  const filter = filterOf(request, asked);
  const calls =
    request.calls ??
    (pace === null
      ? callsFor(request, threads, entry, contestant, budget, notes, passing(match, filter, contestant))
      : pacedCalls(request, threads, entry, pace, contestant, notes));
  return {
    kind: 'stamped',
    name,
    calls,
    threads,
    seed: request.seed,
    ...(match === undefined ? {} : { match }),
    ...(pace === null ? {} : { pace }),
  };
}

/** CPUs are taken from the top: interrupts are usually served at the bottom. */
function placementOf(
  request: CellRequest,
  { variant, id }: Contestant,
  workload: WorkloadSpec,
  notes: Set<string>,
): Place {
  const { cpus } = request.machine;
  const threads = workload.kind === 'stamped' ? workload.threads : cpus.length;
  // A command, and threads that cannot all run beside the collector, run as they would without us, unless the user
  // says otherwise.
  const crowded = workload.kind === 'application' || (threads > 1 && threads >= cpus.length);
  const asked = request.placement ?? (crowded ? 'free' : variant.placement);
  if (asked === 'free') return { placement: 'free', workloadCpus: null, collectorCpus: null };
  if (asked === 'other' && cpus.length > 1) {
    const own = cpus.slice(Math.max(1, cpus.length - threads));
    const rest = cpus.slice(0, cpus.length - own.length);
    return { placement: 'other', workloadCpus: own, collectorCpus: rest.slice(-1) };
  }
  if (asked === 'other')
    notes.add(`${id}: collector and workload share the only CPU (placement same instead of other)`);
  const own = cpus.slice(Math.max(0, cpus.length - threads));
  return { placement: 'same', workloadCpus: own, collectorCpus: own };
}

function needsAuditContext(request: CellRequest, { backend, variant }: Contestant): boolean {
  const options = { bufferBytes: request.bufferBytes, filter: request.filterNumbers, wakeup: variant.wakeup };
  return backend.launchNeeds?.(variant, options).auditContext ?? false;
}

/** Share of the calls that a variant has work with: what its filter keeps back in the kernel costs next to nothing. */
function passing(
  match: number | undefined,
  filter: readonly string[] | null,
  { variant }: Pick<Contestant, 'variant'>,
): number {
  return match === undefined || filter === null || variant.capabilities.filter !== 'kernel' ? 1 : match / 100;
}

/** First half of a cell's id: workload and calls, or the command's name. */
function slug(workload: WorkloadSpec): string {
  if (workload.kind === 'application') return workload.name.split(' ')[0] ?? workload.name;
  const paced = workload.pace === undefined ? '' : `@${paceText(workload.pace).replace('/', 'x')}`;
  const share = workload.match === undefined ? '' : `:${workload.match}`;
  return `${workload.name}${share}${workload.threads > 1 ? `:${workload.threads}` : ''}/${workload.calls}${paced}`;
}
