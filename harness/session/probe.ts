/** Can a variant run here, with the rights a trial would have, now? Asked of its own source, which tries the real thing. */
import { join } from 'node:path';
import { execa } from 'execa';
import { contestantOf } from '../../backends/external/index.ts';
import { findVariant } from '../../backends/index.ts';
import { native } from '../../native/index.ts';
import type { AskedDetail, Wakeup } from '../backend.ts';
import { probeContestant } from '../contestants/probe.ts';
import { BackendError } from '../errors.ts';
import { type Host, hostCommand } from '../host/host.ts';
import { distDir } from '../paths.ts';
import { anyFunction } from '../plan/events.ts';
import { type BackendRow, backendRowSchema } from '../result.ts';
import { wakeupText } from '../result-words.ts';
import { NO_PATHS_MEND, whyNotDetail } from './detail.ts';
import { wakeupCode } from './session.ts';

/** A probe takes some 100 ms; loading a large program under a slow verifier ten times that. */
const PROBE_TIMEOUT_MS = 30_000;

/** Small: a probe must not fail for want of memory that a study would ask for by name. */
const PROBE_BUFFER_BYTES = 1 << 20;

/** Asked of a variant with the wake-up policy and the detail it is to run with; without them, with its own. */
export type Probe = (id: string, wakeup?: Wakeup, detail?: AskedDetail) => Promise<BackendRow>;

/** Asks here when trials run as us, else in a process that is started as they are. */
export function probeOn(host: Host): Probe {
  return host.invoker === null ? probeVariant : (id, wakeup, detail) => probeElsewhere(host, id, wakeup, detail);
}

async function probeElsewhere(host: Host, id: string, wakeup?: Wakeup, detail?: AskedDetail): Promise<BackendRow> {
  findVariant(id);
  const asked = [id, wakeup === undefined ? '' : wakeupText(wakeup), detail ?? ''];
  const [file, words] = hostCommand(host, join(distDir, 'harness', 'session', 'probe-entry.js'), asked);
  const run = await execa(file, words, { reject: false, stdin: 'ignore', timeout: PROBE_TIMEOUT_MS });
  if (run.failed) throw new BackendError('INTERNAL', id, 'probe', run.stderr.trim() || run.shortMessage || 'no answer');
  return backendRowSchema.parse(JSON.parse(run.stdout));
}

/** Throws a usage error for an unknown id; everything else is an answer. */
export async function probeVariant(id: string, wakeup?: Wakeup, detail?: AskedDetail): Promise<BackendRow> {
  const { backend, variant } = findVariant(id);
  const why = whyNotDetail(variant.capabilities, detail);
  if (why !== null) return { variant: id, answer: 'no', reason: why, mend: NO_PATHS_MEND };
  const contestant = contestantOf(id);
  if (contestant !== null) return probeContestant(contestant);
  const trace = {
    bufferBytes: PROBE_BUFFER_BYTES,
    filter: null,
    wakeup: wakeup ?? variant.wakeup,
    detail,
    function: anyFunction(variant.capabilities.events),
  };
  const reply = await native().probe({
    source: backend.source,
    variant: variant.name,
    bufferBytes: trace.bufferBytes,
    filter: null,
    ...wakeupCode(trace.wakeup),
    options: backend.sourceOptions?.(variant, trace) ?? {},
    paths: detail === 'paths',
  });
  if (reply.answer === 'yes') return { variant: id, answer: 'yes', reason: null, mend: null };
  return { variant: id, answer: reply.answer, reason: reply.message, mend: reply.mend };
}
