/**
 * The backend contract. A backend is data (`defineBackend`) plus a native source of the same name; everything that
 * distinguishes one from another is either a declared capability or inside its own folder.
 */
import type { EventBatch } from './event.ts';

export type Delivers = 'records' | 'counts' | 'nothing';
export type Detail = 'enter' | 'full';
/** What may be asked beyond what a variant gives by itself: the strings of path arguments. */
export type AskedDetail = 'paths';
export type Placement = 'same' | 'other' | 'free';

/** One vocabulary for all mechanisms of who wakes the collector. */
export type Wakeup =
  | { readonly kind: 'timer'; readonly value: number /* µs between looks when idle */ }
  | { readonly kind: 'adaptive' } // the kernel wakes a collector that had caught up
  | { readonly kind: 'watermark'; readonly value: number /* bytes */ }
  | { readonly kind: 'sync' }; // every event is a wake-up, the workload waits

/**
 * When the string of a path argument is read. entry: before the call has read it, so its page may not be there yet; exit:
 * after, so another thread may have changed it; kernel: the kernel's own copy. Or why it is not.
 */
export type PathReading = { readonly read: 'entry' | 'exit' | 'kernel' } | { readonly none: string };

/** What a variant can and cannot do. Read by the conformance suite, which asserts absence too, and by the reports. */
export interface Capabilities {
  readonly delivers: Delivers;
  /** Calls of a function of the target's own, and no system calls. Absent: system calls. */
  readonly events?: 'function';
  /** What its records carry; null for delivers ≠ records. */
  readonly detail: Detail | null;
  /** Records name the thread, not only the process. */
  readonly thread: boolean;
  /** How many argument registers a record carries. */
  readonly args: 0 | 4 | 6;
  readonly returnValue: boolean;
  /** With detail `paths`. */
  readonly paths: PathReading;
  /** Where `-e` is applied. */
  readonly filter: 'kernel' | 'user' | 'none';
  /** global: by time over all CPUs; thread: in order within each thread; none: across CPU migrations not even that. */
  readonly ordering: 'global' | 'thread' | 'none';
  /** What happens when the collector is slow. */
  readonly regime: 'blocks' | 'drops' | 'neither';
  /** Which records a full buffer loses. */
  readonly losesEnd: 'newest' | 'oldest' | 'none';
  /** Goes on tracing across a set-uid exec. */
  readonly followsSetuid: boolean;
  /** What comes of a call that seccomp refused: a `refused` record, what looks like any other call that fails, or nothing. */
  readonly seccompRefusals: 'told' | 'as-calls' | 'unseen';
  /**
   * Delivers an attempt whose thread was killed where a tracer had stopped it as `refused` without a return. Otherwise it
   * comes as what seccomp refused does, with −ENOSYS.
   */
  readonly tellsKilled: boolean;
  /** Delivers the zero return of a fork in the child, as `birth` records. */
  readonly seesBirths: boolean;
  /** Tells i386 calls on x86-64 from native ones. */
  readonly seesForeignArch: boolean;
  /** Tells restarts (−512…−516) from calls that were interrupted; else both are −EINTR. */
  readonly seesRestarts: boolean;
  /** Delivers rt_sigreturn, by which signal handlers return. */
  readonly seesSigreturn: boolean;
  /** Delivers i386 calls as the native calls of the same numbers, because its mechanism does not tell. Absent: no. */
  readonly misnamesForeignArch?: boolean;
  /** Delivers calls of threads that died inside them, and exit/exit_group themselves. */
  readonly seesDyingCalls: boolean;
  /** Can let a target go that still runs: it goes on untraced. Else a stop that comes before its end kills it, and fails. */
  readonly detaches: boolean;
}

/** How loss counters relate to calls: one lost call raises the sum of its kernel loss counters by min … max. */
export interface LossRelation {
  readonly min: number;
  readonly max: number;
}

/** What a variant's buffer is made of, so that one can be asked for by the calls it holds. */
export interface BufferTerms {
  /** Bytes of the buffer that one call takes, headers included. */
  readonly bytesPerCall: number;
  /** One buffer for each CPU, so that a workload on one CPU reaches its own only; else one for all CPUs. */
  readonly perCpu: boolean;
  /** Sizes that one such buffer comes in: whole calls, whole pages, or a power of two of pages. */
  readonly granularity: 'call' | 'page' | 'power-of-two-pages';
  /** Where whoever uses the mechanism by other means sets its size. */
  readonly knob?: Knob;
}

/** A setting that sizes a buffer: so many units of so many bytes, of each buffer. */
export interface Knob {
  /** As it is written: `buffer_size_kb`, `auditctl -b`. */
  readonly name: string;
  readonly unitBytes: number;
  readonly powerOfTwo: boolean;
}

/** In this order: who has one has those before. cap_bpf: CAP_BPF and CAP_PERFMON, and nothing else of root's. */
export const PRIVILEGES = ['none', 'cap_bpf', 'root'] as const;
export type Privileges = (typeof PRIVILEGES)[number];

/** What its collector must be allowed to, for targets of the same user where nothing else is said. */
export interface NeededPrivileges {
  readonly least: Privileges;
  /** What of it is used, as the README has it. */
  readonly what: string;
}

export interface VariantDefinition {
  /** `` for the default, else the part after the slash. */
  readonly name: string;
  /** One line for `tracebench list`. */
  readonly summary: string;
  readonly capabilities: Capabilities;
  readonly loss: LossRelation;
  /** null: nothing is buffered between the kernel and the collector. */
  readonly buffer: BufferTerms | null;
  readonly wakeup: Wakeup;
  readonly placement: Placement;
  /** Absent: its backend's. */
  readonly privileges?: NeededPrivileges;
  /** ns that it adds to a call, roughly, where that is far from what its capabilities let expect (plan/costs.ts). */
  readonly aboutNs?: number;
  /** ms that detaching takes, roughly, where that is far from nothing: for predictions. */
  readonly aboutDetachMs?: number;
  /**
   * Present for a whole tool (backends/external): its wake-ups are its own, it traces all it can, it takes part in nothing but
   * timed trials, and of the stamped workloads only in those whose truth its output shows. One that launches its target cannot do
   * so as another user.
   */
  readonly tool?: { readonly workloads: readonly string[]; readonly applications: boolean; readonly launches: boolean };
}

/** What runs already and is to be followed from now on: a process with all that has grown from it, or a control group (version 2). */
export type Running = { readonly pid: number } | { readonly cgroup: string };

/** A function of a program's own that is traced instead of its system calls, and where a probe can be put on it. */
export interface TracedFunction {
  /** Symbol. Its first instruction is one that the kernel emulates. */
  readonly symbol: string;
  /** Symbol of an instruction of the same call that the kernel has to step through. */
  readonly stepped: string;
  /** Of a USDT probe in it. */
  readonly provider: string;
  readonly probe: string;
}

/** With the program that has it: an absolute path. */
export interface FunctionOfProgram extends TracedFunction {
  readonly program: string;
}

/** What a trial asks of a backend; the same words for all of them. */
export interface TraceOptions {
  /** Whole budget over all CPUs. */
  readonly bufferBytes: number;
  /** System call numbers (native arch) wanted; null: all. */
  readonly filter: readonly number[] | null;
  readonly wakeup: Wakeup;
  /** Absent: what the variant gives by itself. */
  readonly detail?: AskedDetail | undefined;
  /** Absent: what the launcher's child becomes. Only for variants whose backend's README says so. */
  readonly running?: Running | undefined;
  /** What variants with events `function` trace; absent: the target has none. */
  readonly function?: FunctionOfProgram | undefined;
}

/** Passed through to the native source, names documented in the backend's README. */
export type SourceOptions = Readonly<Record<string, string>>;

/** What a guard can hold: the rows of its table (native/launcher/guard.c). */
export type HoldName =
  | 'never-task'
  | 'cgroup'
  | 'cpu-group'
  | 'audit'
  | 'audit-listen'
  | 'tracefs-instances'
  | 'scratch';

/** What the launcher must do for this backend before the target's execve. */
export interface LaunchNeeds {
  /** Install a seccomp filter that returns SECCOMP_RET_TRACE for these numbers. */
  readonly seccompTrace?: readonly number[];
  /** What the guard must hold while the trial lives, by the names of its holds (native/launcher/README.md). */
  readonly holds?: readonly HoldName[];
  /** Keep CAP_SYS_ADMIN over a change of user, up to the execve: the source installs a seccomp filter in `arm`. */
  readonly keepSysAdmin?: boolean;
  /** The task must have an audit context (audit backends); else it must have none. */
  readonly auditContext?: boolean;
  /** Start the target in a control group of its own, in the hierarchy that perf uses; the guard makes and removes it. */
  readonly cgroup?: boolean;
  /** Audit is held enabled from before the target is forked, and the target gets an audit session of its own. */
  readonly audit?: 'owner' | 'listener';
}

export interface BackendDefinition {
  readonly name: string;
  readonly title: string;
  /** The first one is the default (name ``). */
  readonly variants: readonly VariantDefinition[];
  readonly privileges: NeededPrivileges;
  /** Name of the native source; equal to the folder's name. */
  readonly source: string;
  /** What of the target or the machine it needs for itself, so that no other that needs it collects at once. Absent: nothing. */
  readonly takesAlone?: string;
  /** Options for the native source. */
  sourceOptions?(variant: VariantDefinition, options: TraceOptions): SourceOptions;
  launchNeeds?(variant: VariantDefinition, options: TraceOptions): LaunchNeeds;
}

/** Checks what types cannot: exactly one default and it comes first, unique names, loss relation and buffer sane. Throws TypeError. */
export function defineBackend(definition: BackendDefinition): BackendDefinition {
  const where = `backend ${definition.name}`;
  if (!/^[a-z][a-z0-9-]*$/.test(definition.name))
    throw new TypeError(`${where}: a name is lower-case letters, digits, -`);
  if (definition.variants[0]?.name !== '')
    throw new TypeError(`${where}: the first variant must be the default (name '')`);
  const names = new Set<string>();
  for (const v of definition.variants) {
    if (names.has(v.name)) throw new TypeError(`${where}: variant '${v.name}' is declared twice`);
    names.add(v.name);
    if (v.loss.min > v.loss.max) throw new TypeError(`${where}/${v.name}: loss relation min > max`);
    if (v.buffer !== null && !(Number.isSafeInteger(v.buffer.bytesPerCall) && v.buffer.bytesPerCall > 0))
      throw new TypeError(`${where}/${v.name}: a buffer takes a whole number of bytes per call, above 0`);
    const c = v.capabilities;
    if (v.buffer !== null && c.delivers !== 'records')
      throw new TypeError(`${where}/${v.name}: a buffer belongs to variants that deliver records, and only to them`);
    if ((c.delivers === 'records') !== (c.detail !== null)) {
      throw new TypeError(`${where}/${v.name}: detail belongs to variants that deliver records, and only to them`);
    }
    if ('read' in c.paths && c.delivers !== 'records')
      throw new TypeError(`${where}/${v.name}: paths belong to variants that deliver records, and only to them`);
    if (c.events === 'function' && (c.delivers !== 'records' || c.filter !== 'none'))
      throw new TypeError(`${where}/${v.name}: calls of a function are delivered as records, and have no filter`);
    if (c.detail === 'full' && !c.returnValue)
      throw new TypeError(`${where}/${v.name}: detail full needs the return value`);
  }
  return definition;
}

/** `ebpf` or `ebpf/count`. */
export function variantId(backend: string, variant: string): string {
  return variant === '' ? backend : `${backend}/${variant}`;
}

/** Answer of a probe: yes, no with reason and mend, or could not tell with the reason. Never from a version number. */
export type ProbeAnswer =
  | { readonly answer: 'yes' }
  | { readonly answer: 'no' | 'unknown'; readonly reason: string; readonly mend: string | null };

/** Loss and health counters since arm, in the mechanism's own units. */
export interface Counter {
  readonly name: string;
  readonly place: 'kernel' | 'bridge' | 'decode' | 'health';
  /** `ns`: CPU time of kernel threads that work for the mechanism, which the collector is charged with. */
  readonly unit: 'record' | 'message' | 'call' | 'bytes' | 'ns';
  readonly count: number;
}

/** Buffer terms as the kernel granted them. */
export interface Geometry {
  readonly bufferBytes: number;
  readonly reachableBytesPerCpu: number;
  readonly bytesPerCall: number;
  readonly callsInFlight: number;
}

/** A running trace. start → batches/loss → stop → close; close is safe on every path, and stops first if need be. */
export interface Session {
  /** Once stopped. */
  readonly geometry: Geometry;
  /** Attaches to `pid`, which waits at the launcher's gate. Resolves once tracing is effective. */
  start(pid: number): Promise<void>;
  /** Batches until the trace has stopped and its last record is read. At most one iterator. */
  batches(): AsyncIterableIterator<EventBatch>;
  loss(): readonly Counter[];
  /** Drains what is left, detaches. */
  stop(): Promise<void>;
  close(): Promise<void>;
}
