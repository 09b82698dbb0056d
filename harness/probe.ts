/** Can a variant run here, as this user, now? Asked of the variant's own source, which tries the real thing. */
import { findVariant } from '../backends/index.ts';
import { native } from '../native/index.ts';
import type { BackendRow } from './result.ts';
import { wakeupCode } from './session.ts';

/** Small: a probe must not fail for want of memory that a study would ask for by name. */
const PROBE_BUFFER_BYTES = 1 << 20;

/** Throws a usage error for an unknown id; everything else is an answer. */
export async function probeVariant(id: string): Promise<BackendRow> {
  const { backend, variant } = findVariant(id);
  const trace = { bufferBytes: PROBE_BUFFER_BYTES, filter: null, wakeup: variant.wakeup };
  const reply = await native().probe({
    source: backend.source,
    variant: variant.name,
    bufferBytes: trace.bufferBytes,
    filter: null,
    ...wakeupCode(variant.wakeup),
    options: backend.sourceOptions?.(variant, trace) ?? {},
  });
  if (reply.answer === 'yes') return { variant: id, answer: 'yes', reason: null, mend: null };
  return { variant: id, answer: reply.answer, reason: reply.message, mend: reply.mend };
}
