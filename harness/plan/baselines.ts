/** What the traced cells of a workload are held against, and what a study of nothing but baselines holds against itself. */
import type { WorkloadSpec } from '../result.ts';
import { type ExpandedCell, makeCell, slug, workloadSpec } from './cell.ts';
import type { AskedWorkload, CellRequest } from './cell-request.ts';
import { baselinePlace, type Place, placementOf } from './place.ts';

/** The untraced cells of one workload: one for every number of calls, set of CPUs and audit state in use. */
export class Baselines {
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

/** Nothing but the baseline: an A/A study, whose intervals must contain 1 and whose spread is the noise floor. */
export function twin(
  request: CellRequest,
  workload: AskedWorkload,
  baselines: Baselines,
  notes: Set<string>,
): ExpandedCell {
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
