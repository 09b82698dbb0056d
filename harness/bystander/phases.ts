/**
 * The phases of one trial: before the tracer is opened, armed on a target that sleeps, busy, after it is gone. Their order
 * is fixed; what drifts meanwhile drifts in the baseline's trial too.
 */
import { findVariant } from '../../backends/index.ts';
import { EXIT, TracebenchError } from '../errors.ts';
import { type Guard, holdNoAuditContext } from '../session/guard.ts';
import { onlyReport, runTraced, type Surroundings, type TracedOutcome } from '../session/traced.ts';
import { keepAwake } from '../trial/idle.ts';
import { argvOf } from '../trial/workload-command.ts';
import { Bystander } from './bystander-process.ts';
import type { BystanderSpec, CompletedBystander, Readings } from './result.ts';

/** By which an armed tracer shows that it is one: the target makes them after its sleep. */
const TARGET_CALLS = 1000;
/** Longer than any phase: a busy target is killed once it was measured beside. */
const BUSY_CALLS = 2 ** 31 - 1;
/** From the opened gate into the target's loop, past its loader. */
const BUSY_AFTER_MS = 50;
const SIGKILL = 9;

type Measured = Omit<CompletedBystander, 'status' | 'spec'>;

/** Throws what went wrong; nothing is left of bystander, target and tracer then. */
export async function measurePhases(spec: BystanderSpec, signal: AbortSignal): Promise<Measured> {
  const awake = spec.idle === 'busy' ? await keepAwake() : null;
  try {
    const measured = await besideTracer(spec, signal);
    return awake === null ? measured : { ...measured, spinners: awake.spinners };
  } finally {
    await awake?.release();
  }
}

async function besideTracer(spec: BystanderSpec, signal: AbortSignal): Promise<Measured> {
  // Also before audit's phases: what audit does to others is held against processes without its mark.
  let guard: Guard | null = await holdNoAuditContext();
  const { held, reason } = guard;
  const giveBack = async (): Promise<void> => {
    const given = guard;
    guard = null;
    await given?.release();
  };
  let bystander: Bystander | null = null;
  try {
    bystander = await Bystander.start(spec.place.bystander, spec.callsPerBlock);
    const before = await read(bystander);
    if (spec.auditContext === 'present') await giveBack();
    const { armed, busy, calls } = await traced(spec, bystander, signal);
    const residue = await read(bystander);
    const phases = (kind: keyof Reading): Readings => ({
      before: before[kind],
      armed: armed[kind],
      busy: busy?.[kind] ?? null,
      residue: residue[kind],
    });
    return {
      auditContext: held ? 'absent' : 'unknown',
      auditContextReason: reason,
      calls,
      old: phases('old'),
      new: phases('new'),
    };
  } finally {
    await bystander?.close();
    await giveBack();
  }
}

interface Reading {
  readonly old: number;
  readonly new: number;
}

async function read(bystander: Bystander): Promise<Reading> {
  const old = await bystander.nsPerCall('old');
  return { old, new: await bystander.nsPerCall('new') };
}

async function traced(
  { variant, bufferBytes, wakeup, place, seed, user }: BystanderSpec,
  bystander: Bystander,
  signal: AbortSignal,
): Promise<{ armed: Reading; busy: Reading | null; calls: number }> {
  let armed: Reading | null = null;
  let busy: Reading | null = null;
  const beside: Surroundings['beside'] = async (target) => {
    await new Promise((resolve) => setTimeout(resolve, BUSY_AFTER_MS));
    busy = await read(bystander);
    target.kill();
  };
  const outcome = await runTraced({
    collectors: [
      {
        variant,
        bufferBytes,
        wakeup,
        collectorCpus: [place.collector],
        stallMs: 0,
        stallAfterCalls: 0,
        onBatch: null,
      },
    ],
    whenArmed: async () => {
      armed = await read(bystander);
    },
    argv: argvOf({ kind: 'stamped', name: 'null', calls: place.busy ? BUSY_CALLS : TARGET_CALLS, threads: 1, seed }),
    surroundings: place.busy ? { directory: '/', stdout: '/dev/null', beside } : null,
    filter: null,
    workloadCpus: [place.target],
    user,
    stdio: 'null',
    control: null,
    auditContext: false,
    canaryCalls: 0,
    expectedPerLane: 0,
    signal,
  });
  if (outcome.aborted !== null) throw outcome.aborted;
  const calls = callsSeen(outcome);
  checkRun(variant, outcome, calls, place.busy);
  if (armed === null) throw new TypeError('the tracer was never armed');
  return { armed, busy, calls };
}

function callsSeen(outcome: TracedOutcome): number {
  const { run, ledger } = onlyReport(outcome);
  return (run.counts ?? ledger.calls).reduce((sum, count) => sum + count, 0);
}

/** A tracer that traced nothing costs nobody anything, and a busy target that ended early was not busy. */
function checkRun(variant: string, { end }: TracedOutcome, calls: number, busy: boolean): void {
  const { delivers } = findVariant(variant).variant.capabilities;
  if (delivers !== 'nothing' && calls === 0) {
    throw new TracebenchError(
      EXIT.runError,
      `${variant} delivered none of its target's calls: no tax can be told of it`,
    );
  }
  const ended = busy ? end.signal === SIGKILL : end.exitCode === 0;
  if (ended) return;
  const how = end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`;
  throw new TracebenchError(
    EXIT.runError,
    busy ? `the busy target ended with ${how} while it was measured beside` : `the target ended with ${how}`,
  );
}
