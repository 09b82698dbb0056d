/**
 * What calls cost, roughly: only good enough to choose how many calls a trial makes and to predict how long a study
 * takes. No figure here reaches a result. Sketches on a 2-CPU virtual machine, Linux 6.18, x86-64; a machine three
 * times slower makes trials three times longer, nothing else.
 */
import type { Capabilities, VariantDefinition } from '../backend.ts';

/** Start of a trial process, its addon, the target and its gates. */
export const TRIAL_START_MS = 200;

/** A soaker's start and its look at the idle machine (cpu-bill/soaker.ts). */
export const SOAKER_START_MS = 130;

/** The same of a joint trial (reference/joint.ts), which starts three collectors. */
export const JOINT_START_MS = 300;

/** Per call: what three collectors delivered of it is kept, put in order and compared. */
export const JOINT_COMPARE_NS = 3000;

/** Bytes of one record: what a call takes of a buffer, before the trial's own geometry says it exactly. */
export const RECORD_BYTES = 96;

interface IterationCost {
  /** Untraced, on the workload's own clock. */
  readonly bareNs: number;
  /** Calls a tracer sees, counted ones included. */
  readonly tracedCalls: number;
}

const ITERATION: Readonly<Record<string, IterationCost>> = {
  null: { bareNs: 175, tracedCalls: 1 },
  visible: { bareNs: 190, tracedCalls: 1 },
  file: { bareNs: 1800, tracedCalls: 4 },
  rdwr: { bareNs: 700, tracedCalls: 2 },
  mixed: { bareNs: 400, tracedCalls: 1 },
  threads: { bareNs: 175, tracedCalls: 1 },
  selective: { bareNs: 180, tracedCalls: 1 },
  exec: { bareNs: 150_000, tracedCalls: 4 },
  function: { bareNs: 35, tracedCalls: 1 },
};
/** A workload that is not listed is taken for calls of this cost. */
const UNKNOWN_CALL_NS = 500;

export function iterationCost(workload: string, callsPerIteration: number): IterationCost {
  const known = ITERATION[workload];
  return known ?? { bareNs: UNKNOWN_CALL_NS * callsPerIteration, tracedCalls: callsPerIteration };
}

/** A trap into the kernel and back, for one instruction that it emulates. */
const PROBE_NS = 1200;

/** As below, where the variant itself does not say. */
export function addedBy({ aboutNs, capabilities }: Pick<VariantDefinition, 'aboutNs' | 'capabilities'>): number {
  return aboutNs ?? (capabilities.events === 'function' ? PROBE_NS : addedNs(capabilities));
}

/** Added by tracing system calls, per traced call. */
export function addedNs(capabilities: Pick<Capabilities, 'delivers' | 'detail' | 'regime'>): number {
  if (capabilities.delivers === 'nothing') return 0;
  if (capabilities.regime !== 'blocks') return capabilities.delivers === 'counts' ? 120 : 250;
  return capabilities.detail === 'enter' ? 4500 : 11_000;
}
