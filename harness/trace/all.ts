/** `tracebench trace --all`: one command seen by every backend at once, side by side. */
import { BackendError } from '../errors.ts';
import { type JointRun, runJoint, type Witness } from '../reference/joint.ts';
import { judgeJoint } from '../reference/judge.ts';
import type { BackendRow, JointResult, JointSpec } from '../result.ts';

export interface AllOptions {
  /** Variant ids that can run here, the reference first. */
  readonly variants: readonly string[];
  readonly reference: string;
  readonly counter: string;
  /** Who makes the target wait is armed after the others, so that its stops are among what they see. */
  readonly blocks: (id: string) => boolean;
  readonly argv: readonly string[];
  readonly filter: readonly number[] | null;
  readonly filterNames: readonly string[] | null;
  readonly bufferBytes: number;
  readonly user: string | null;
  readonly signal: AbortSignal;
}

/** One collector's part, and how it stands against the reference that was beside it; null for the reference itself. */
export interface Part {
  readonly witness: Witness;
  readonly against: Extract<JointResult, { status: 'completed' }> | null;
  /** Why it had a run of its own; null: it was in the joint one. */
  readonly alone: string | null;
}

export interface AllResult {
  readonly parts: readonly Part[];
  /** Could not be attached, neither beside the others nor by itself. */
  readonly failed: readonly BackendRow[];
  readonly issued: Witness;
  readonly run: JointRun;
}

const MOST_RECORDS = 2_000_000;
const SHOWN = 5;

/**
 * Runs the command once with everybody attached. A backend that cannot be attached beside the others says so before
 * the command has begun: it then gets a run of its own, with the reference, afterwards.
 */
export async function traceAll(options: AllOptions): Promise<AllResult> {
  const reasons = new Map<string, string>();
  const run = await jointRun(options, options.variants, reasons);
  const issued = witnessOf(run, options.counter);
  const parts = options.variants.filter((id) => !reasons.has(id)).map((id) => part(options, run, id, null));
  const failed: BackendRow[] = [];
  for (const [id, reason] of reasons) {
    if (options.signal.aborted) break;
    try {
      const own = await jointRun(options, [options.reference, id], null);
      parts.push(part(options, own, id, reason));
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      failed.push({ variant: id, answer: 'no', reason: error.message, mend: error.mend ?? null });
    }
  }
  return { parts, failed, issued, run };
}

/** `reasons`: takes those that cannot be attached beside the others; null: that is an error. */
async function jointRun(
  options: AllOptions,
  variants: readonly string[],
  reasons: Map<string, string> | null,
): Promise<JointRun> {
  for (;;) {
    const wanted = variants.filter((id) => !reasons?.has(id));
    const order = [options.counter, ...wanted.filter((id) => !options.blocks(id)), ...wanted.filter(options.blocks)];
    try {
      return await runJoint({
        variants: order,
        argv: options.argv,
        filter: options.filter,
        bufferBytes: options.bufferBytes,
        user: options.user,
        stdio: 'inherit',
        signal: options.signal,
        mostRecords: MOST_RECORDS,
      });
    } catch (error) {
      if (reasons === null || !(error instanceof BackendError) || !isBesideTheOthers(error, wanted, options))
        throw error;
      reasons.set(error.backend, error.message);
    }
  }
}

/** open and arm come before the gate is opened: the command has not run yet. */
function isBesideTheOthers(
  error: BackendError,
  wanted: readonly string[],
  { reference, counter }: AllOptions,
): boolean {
  if (!['open', 'arm'].includes(error.operation)) return false;
  return wanted.includes(error.backend) && error.backend !== reference && error.backend !== counter;
}

function part(options: AllOptions, run: JointRun, id: string, alone: string | null): Part {
  const witness = witnessOf(run, id);
  if (id === options.reference) return { witness, against: null, alone };
  const spec: JointSpec = {
    workload: { kind: 'application', name: options.argv.join(' '), argv: [...options.argv] },
    reference: options.reference,
    counter: options.counter,
    variant: id,
    bufferBytes: options.bufferBytes,
    filter: options.filterNames === null ? null : [...options.filterNames],
    user: options.user,
    deadlineMs: 1,
    mostRecords: MOST_RECORDS,
    shown: SHOWN,
  };
  const witnesses = { counter: witnessOf(run, options.counter), reference: witnessOf(run, options.reference) };
  return { witness, against: judgeJoint(spec, { ...witnesses, other: witness }), alone };
}

function witnessOf(run: JointRun, id: string): Witness {
  const found = run.witnesses.find((w) => w.variant === id);
  if (found === undefined) throw new TypeError(`${id} took no part`);
  return found;
}
