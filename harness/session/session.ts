/**
 * A backend's session: the declared variant joined with its native source. This is the one event interface; whatever
 * the mechanism, records come out of `batches()` in one layout.
 */
import { arch } from 'node:process';
import {
  type ControlHandle,
  type CpuLimit,
  type NativeSession,
  native,
  SESSION_EVENT,
  type SessionReport,
  type SoakHandle,
} from '../../native/index.ts';
import {
  type BackendDefinition,
  type Counter,
  type Geometry,
  type Session,
  type TraceOptions,
  type VariantDefinition,
  variantId,
  type Wakeup,
} from '../backend.ts';
import { BackendError, type BackendErrorCode } from '../errors.ts';
import { ARCH, EventBatch, RECORD_BYTES } from '../event.ts';

const SLABS = 64;
const WAKEUP_CODE = { timer: 1, adaptive: 2, watermark: 3, sync: 4 } as const;

export const NATIVE_ARCH: number = arch === 'arm64' ? ARCH.aarch64 : ARCH.x86_64;

/** Numbers of `struct tb_source_config` for a wake-up policy. */
export function wakeupCode(wakeup: Wakeup): { wakeup: number; wakeupValue: number } {
  return { wakeup: WAKEUP_CODE[wakeup.kind], wakeupValue: 'value' in wakeup ? wakeup.value : 0 };
}

/** errno → the code a caller can act on. */
export function backendErrorCode(errno: number): BackendErrorCode {
  switch (errno) {
    case 1: // EPERM
    case 13: // EACCES
      return 'PERMISSION';
    case 3: // ESRCH
      return 'LOST_TARGET';
    case 2: // ENOENT: a part of ours that was not built
      return 'BUILD_MISSING';
    case 16: // EBUSY
      return 'BUSY';
    case 38: // ENOSYS
    case 95: // EOPNOTSUPP
      return 'UNSUPPORTED';
    case 71: // EPROTO
      return 'PROTOCOL';
    default:
      return 'INTERNAL';
  }
}

/** Breaks the collector on purpose, in test builds of the addon only (TRACEBENCH_TEST_HOOKS). */
interface TestHooks {
  readonly dropCalls?: number;
  readonly dropAfter?: number;
  readonly forgeStamps?: number;
}

/** How often a running total is read, and how many readings are kept at most. */
export interface Meter {
  readonly windowNs: number;
  readonly readingsMost: number;
}

export interface SessionSettings {
  readonly backend: BackendDefinition;
  readonly variant: VariantDefinition;
  readonly trace: TraceOptions;
  readonly control: ControlHandle | null;
  /** Read at the gates; absent: the run is not soaked. */
  readonly soak?: SoakHandle | null;
  /** Where the drain thread runs; null: anywhere. */
  readonly collectorCpus: readonly number[] | null;
  /** Records are wanted in JavaScript; otherwise only the ledger reads them. */
  readonly wantsBatches: boolean;
  /** Stamped calls a lane will issue, for the place of losses in the run; 0: unknown. */
  readonly expectedPerLane: number;
  readonly stallMs: number;
  readonly stallAfterCalls: number;
  /** Read the running total of a variant that delivers counts. Absent: no. */
  readonly meter?: Meter | undefined;
  /** Of the drain thread while the section lasts; absent: none. */
  readonly cpuLimit?: CpuLimit | undefined;
}

interface Posted {
  readonly slab: number;
  readonly count: number;
  readonly visibleNs: number;
}

export class TraceSession implements Session {
  readonly #id: string;
  readonly #memory: SharedArrayBuffer | null;
  /** Of the strings; null: none are wanted. */
  readonly #arenas: SharedArrayBuffer | null;
  #native: NativeSession | null;
  #report: SessionReport | null = null;
  #onOpened: (() => void) | null = null;
  #onArmed: (() => void) | null = null;
  readonly #ended: Promise<void>;
  readonly #posted: Posted[] = [];
  #onPosted: (() => void) | null = null;

  private constructor(settings: SessionSettings, hooks: TestHooks) {
    const { backend, variant, trace } = settings;
    this.#id = variantId(backend.name, variant.name);
    const { recordsPerSlab, arenaBytesPerSlab } = native().layout();
    const paths = trace.detail === 'paths';
    this.#memory = settings.wantsBatches ? new SharedArrayBuffer(SLABS * recordsPerSlab * RECORD_BYTES) : null;
    this.#arenas = settings.wantsBatches && paths ? new SharedArrayBuffer(SLABS * arenaBytesPerSlab) : null;
    const c = variant.capabilities;
    let ended: () => void = () => {};
    this.#ended = new Promise((resolve) => {
      ended = resolve;
    });
    this.#native = new (native().NativeSession)(
      {
        source: backend.source,
        variant: variant.name,
        bufferBytes: trace.bufferBytes,
        filter: trace.filter,
        ...wakeupCode(trace.wakeup),
        options: backend.sourceOptions?.(variant, trace) ?? {},
        paths,
        control: settings.control,
        soak: settings.soak ?? null,
        expectsRecords: c.delivers === 'records',
        collectorCpus: settings.collectorCpus ?? [],
        wantsReturn: c.detail === 'full',
        wantsArgs: 0x0f,
        nativeArch: NATIVE_ARCH,
        expectedPerLane: settings.expectedPerLane,
        meterNs: settings.meter?.windowNs ?? 0,
        readingsMost: settings.meter?.readingsMost ?? 0,
        stallNs: settings.stallMs * 1e6,
        stallAfterCalls: settings.stallAfterCalls,
        cpuLimit: settings.cpuLimit ?? null,
        slabs: this.#memory && new Uint8Array(this.#memory),
        arenas: this.#arenas && new Uint8Array(this.#arenas),
        testDropCalls: hooks.dropCalls ?? 0,
        testDropAfter: hooks.dropAfter ?? 0,
        testForgeStamps: hooks.forgeStamps ?? 0,
      },
      (type, slab, count, visibleNs) => {
        if (type === SESSION_EVENT.opened) this.#onOpened?.();
        else if (type === SESSION_EVENT.armed) this.#onArmed?.();
        else if (type === SESSION_EVENT.batch) this.#posted.push({ slab, count, visibleNs });
        else {
          this.#report = this.#native?.report() ?? null;
          ended();
        }
        this.#onPosted?.();
      },
    );
  }

  /** Makes the kernel objects. Rejects with BackendError; nothing is left behind then. */
  static async open(settings: SessionSettings): Promise<TraceSession> {
    const hooks = process.env['TRACEBENCH_TEST_HOOKS'];
    const session = new TraceSession(settings, hooks === undefined ? {} : (JSON.parse(hooks) as TestHooks));
    await session.#reach((reached) => {
      session.#onOpened = reached;
    });
    return session;
  }

  /** Waits for a step of the drain thread, or for its end if that comes first: then throws what ended it. */
  async #reach(listen: (reached: () => void) => void): Promise<void> {
    const reached = new Promise<void>(listen);
    await Promise.race([reached, this.#ended]);
    if (this.#report !== null) {
      const report = this.#report;
      await this.close();
      this.#throwIfFailed(report);
      throw new BackendError('INTERNAL', this.#id, 'session', 'the drain thread ended before it was asked to');
    }
  }

  #throwIfFailed(report: SessionReport): void {
    const error = report.error;
    if (error === null) return;
    throw new BackendError(backendErrorCode(error.errno), this.#id, error.operation, error.message, {
      mend: error.mend ?? undefined,
      errno: error.errno,
    });
  }

  get geometry(): Geometry {
    return this.report.geometry;
  }

  /** Everything the session found; only once it has ended (stop() resolved). */
  get report(): SessionReport {
    if (this.#report === null) throw new BackendError('INTERNAL', this.#id, 'report', 'the session has not ended yet');
    return this.#report;
  }

  /** Settles when the drain thread has ended, asked or not. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  async start(pid: number): Promise<void> {
    await this.#reach((reached) => {
      this.#onArmed = reached;
      this.#native?.arm(pid);
    });
  }

  async *batches(): AsyncIterableIterator<EventBatch> {
    if (this.#memory === null)
      throw new BackendError('INTERNAL', this.#id, 'batches', 'the session was opened without');
    const { recordsPerSlab, arenaBytesPerSlab } = native().layout();
    const slabBytes = recordsPerSlab * RECORD_BYTES;
    for (;;) {
      const next = this.#posted.shift();
      if (next !== undefined) {
        try {
          const arena = this.#arenas && new Uint8Array(this.#arenas, next.slab * arenaBytesPerSlab, arenaBytesPerSlab);
          yield new EventBatch(this.#memory, next.slab * slabBytes, next.count, BigInt(next.visibleNs), arena);
        } finally {
          this.#native?.release(next.slab);
        }
      } else if (this.#report !== null || this.#native === null) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#onPosted = resolve;
        });
      }
    }
  }

  loss(): readonly Counter[] {
    return this.report.run.counters;
  }

  async stop(): Promise<void> {
    this.#native?.stop();
    await this.#ended;
    this.#throwIfFailed(this.report);
  }

  async close(): Promise<void> {
    if (this.#native === null) return;
    this.#native.stop();
    await this.#ended;
    this.#native.close();
    this.#native = null;
    this.#onPosted?.();
  }
}
