/**
 * The typed errors of the harness. Every one names what failed, why, and the mend, and belongs to one exit code
 * (docs/architecture.md, "Exit codes").
 */

/** What went wrong with a backend, in terms a caller can act on. */
export type BackendErrorCode =
  | 'UNSUPPORTED' // the kernel or machine cannot do it
  | 'PERMISSION' // this user may not do it
  | 'BUSY' // somebody else owns the facility
  | 'BUILD_MISSING' // our own set-up could not build a part
  | 'PROTOCOL' // kernel or helper answered what the contract does not allow
  | 'LOST_TARGET' // the target went away before tracing was armed
  | 'INTERNAL';

export interface ErrorDetail {
  readonly cause?: unknown;
  /** What the user can do about it: a command that works as typed where there is one. */
  readonly mend?: string | undefined;
  /** Positive errno where the kernel gave one. */
  readonly errno?: number | undefined;
}

export class BackendError extends Error {
  override readonly name = 'BackendError';
  readonly code: BackendErrorCode;
  /** Variant id, e.g. `ebpf/count`. */
  readonly backend: string;
  /** The operation of the backend contract that failed: probe, open, arm, drain, disarm, stats, counts. */
  readonly operation: string;
  readonly mend: string | undefined;
  readonly errno: number | undefined;

  constructor(code: BackendErrorCode, backend: string, operation: string, message: string, detail: ErrorDetail = {}) {
    super(`${backend}: ${operation}: ${message}`, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.backend = backend;
    this.operation = operation;
    this.mend = detail.mend;
    this.errno = detail.errno;
  }
}

/** Exit codes of every command, as the README documents them. */
export const EXIT = {
  ok: 0,
  runError: 1,
  usage: 2,
  cannot: 3,
  invalid: 4,
  breached: 99,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Any other failure that ends a command: carries the exit code and the mend. */
export class TracebenchError extends Error {
  override readonly name = 'TracebenchError';
  readonly exitCode: number;
  readonly mend: string | undefined;

  constructor(exitCode: number, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.exitCode = exitCode;
    this.mend = detail.mend;
  }
}

/** Wrong flags, names or plan contents: exit code 2. */
export function usageError(message: string, mend?: string): TracebenchError {
  return new TracebenchError(EXIT.usage, message, { mend });
}

/** The machine cannot do what was asked: exit code 3. */
export function cannotError(message: string, mend?: string, cause?: unknown): TracebenchError {
  return new TracebenchError(EXIT.cannot, message, { mend, cause });
}
