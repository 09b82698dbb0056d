/**
 * The bystander's trial process: one variant beside a process that nobody traces, once.
 *
 * Request: a BystanderSpec; answer: a BystanderTrial, completed or failed. How they are exchanged: host/hosted.ts.
 */
import { failureOf, serve } from '../host/hosted.ts';
import { measurePhases } from './phases.ts';
import type { BystanderSpec, BystanderTrial } from './result.ts';

async function runBystanderTrial(spec: BystanderSpec, signal: AbortSignal): Promise<BystanderTrial> {
  try {
    return { status: 'completed', spec, ...(await measurePhases(spec, signal)) };
  } catch (error) {
    return { status: 'failed', spec, error: failureOf(error) };
  }
}

process.exit(await serve({ name: 'bystander trial', answer: runBystanderTrial }));
