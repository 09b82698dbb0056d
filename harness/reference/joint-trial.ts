/**
 * The joint trial's process: counter, reference and one other collector on the same workload, once.
 *
 * Request: a JointSpec; answer: a JointResult, completed or failed. How they are exchanged: host/hosted.ts.
 */
import { findVariant } from '../../backends/index.ts';
import { onStage, type Stage } from '../applications/stage.ts';
import { failureOf, serve } from '../host/hosted.ts';
import type { JointResult, JointSpec } from '../result.ts';
import { syscallNumber } from '../syscalls/index.ts';
import { type JointRun, runJoint, type Witness } from './joint.ts';
import { judgeJoint } from './judge.ts';

/**
 * Who stops the target comes last, so that its stops are among what the others see and not before they look; and the
 * counter first, so that nobody sees a call it has not counted.
 */
function armingOrder(spec: JointSpec): string[] {
  const ids = [...new Set([spec.counter, spec.reference, spec.variant])];
  const blocks = (id: string): boolean => findVariant(id).variant.capabilities.regime === 'blocks';
  return [...ids.filter((id) => !blocks(id)), ...ids.filter(blocks)];
}

function witness(run: JointRun, id: string): Witness {
  const found = run.witnesses.find((w) => w.variant === id);
  if (found === undefined) throw new TypeError(`${id} took no part`);
  return found;
}

async function runJointTrial(spec: JointSpec, signal: AbortSignal): Promise<JointResult> {
  try {
    return await onStage({ ...spec, workloadCpus: null }, (stage) => compareOn(stage, spec, signal));
  } catch (error) {
    return { status: 'failed', spec, error: failureOf(error) };
  }
}

async function compareOn(stage: Stage, spec: JointSpec, signal: AbortSignal): Promise<JointResult> {
  const run = await runJoint({
    variants: armingOrder(spec),
    argv: stage.argv,
    surroundings: stage.surroundings,
    filter: spec.filter === null ? null : spec.filter.map((name) => syscallNumber(name)),
    bufferBytes: spec.bufferBytes,
    user: spec.user,
    stdio: 'null',
    signal,
    mostRecords: spec.mostRecords,
  });
  if (run.aborted !== null) throw run.aborted;
  stage.figureOf(run);
  return judgeJoint(spec, {
    counter: witness(run, spec.counter),
    reference: witness(run, spec.reference),
    other: witness(run, spec.variant),
  });
}

process.exit(await serve({ name: 'joint trial', answer: runJointTrial }));
