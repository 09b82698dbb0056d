/** What cells are made of: workloads before their number of calls is chosen, contestants, and the terms asked for. */
import type {
  AskedDetail,
  BackendDefinition,
  Placement,
  TracedFunction,
  VariantDefinition,
  Wakeup,
} from '../backend.ts';
import type { Machine } from '../machine/machine.ts';
import type { Plan, Starvation, WorkloadRow, WorkloadSpec } from '../result.ts';
import type { Pace } from './pace.ts';

/** asked: of every variant; usual: of each backend's default. */
export type BillScope = 'asked' | 'usual';

/** What planning needs of a workload's entry in the catalogue. */
export interface StampedWorkload {
  readonly name: string;
  /** Stamped calls. */
  readonly callsPerIteration: number;
  readonly maxThreads: number;
  /** Its calls are those of a function. Absent: system calls. */
  readonly function?: TracedFunction;
  /** The call whose share can be chosen; absent: nothing can. */
  readonly wanted?: string | undefined;
}

/** What planning needs of an application of the catalogue. */
export interface PlannedApplication {
  readonly name: string;
  readonly argv: readonly string[];
  readonly fixedWork: boolean;
  /** Of a bare run, roughly. */
  readonly about: { readonly ms: number; readonly calls: number };
  /** Why it cannot run here; null when it can. */
  readonly lack: WorkloadRow | null;
}

/** A workload before its number of calls is chosen. */
export interface AskedWorkload {
  readonly spec:
    | {
        readonly kind: 'stamped';
        readonly name: string;
        readonly threads: number;
        readonly pace: Pace | null;
        readonly match?: number | undefined;
      }
    | Extract<WorkloadSpec, { kind: 'application' }>;
  /** null for an application. */
  readonly entry: StampedWorkload | null;
  /** Its cells' own; absent: the study's. */
  readonly filter?: readonly string[];
  /** null for a stamped workload, and for a command: nobody knows how long one runs. */
  readonly about: PlannedApplication['about'] | null;
}

export interface Contestant {
  readonly id: string;
  readonly backend: BackendDefinition;
  readonly variant: VariantDefinition;
}

export interface CellRequest {
  readonly workloads: readonly AskedWorkload[];
  /** The baseline may be among them. */
  readonly variants: readonly Contestant[];
  /** Of them, two collectors at once. */
  readonly pairs: readonly { readonly first: Contestant; readonly second: Contestant }[];
  readonly baseline: Contestant;
  readonly bufferBytes: number;
  /** Besides the cells of bufferBytes, cells whose buffer holds so many calls; null: none. */
  readonly inFlight: number | null;
  /** The same, of applications; null unless somebody asked. */
  readonly applicationsInFlight: number | null;
  readonly filter: readonly string[] | null;
  readonly filterNumbers: readonly number[] | null;
  /** null: each variant's own. */
  readonly placement: Placement | null;
  readonly idle: Plan['idle'];
  /** A cell for each; empty: each variant's own. */
  readonly wakeups: readonly Wakeup[];
  /** Of these, by variant, as wakeupText has them: those that it cannot have. */
  readonly cannotWake: ReadonlyMap<string, readonly string[]>;
  /** Besides, a cell for each of every stamped workload, with the collector starved so; empty: none. */
  readonly starvations: readonly Starvation[];
  /** Length of an open loop's section. */
  readonly pacedSectionMs: number;
  /** Absent: what each variant gives by itself. */
  readonly detail?: AskedDetail | undefined;
  /** null: no soaked cells. */
  readonly cpuBill: BillScope | null;
  /** null: as many as the cell needs. */
  readonly calls: number | null;
  readonly user: string | null;
  readonly seed: number;
  readonly deadlineMs: number | null;
  /** The longest section planned, and what one is cut to that would be longer. */
  readonly sectionCapMs: number;
  readonly cutSectionMs: number;
  readonly machine: Machine;
}

/** How large a cell's buffer is, and what that was chosen by. */
export interface Budget {
  readonly bytes: number;
  /** Calls that the bytes were chosen to hold; null: chosen in bytes. */
  readonly inFlight: number | null;
}
