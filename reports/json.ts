/** result.json, there and back, and the JSON Schema of what is in it. */
import { z } from 'zod';
import {
  backendRowSchema,
  calibrationSchema,
  cellSchema,
  comparisonSchema,
  environmentSchema,
  geometrySchema,
  intervalSchema,
  latencySchema,
  planSchema,
  type Study,
  studySchema,
  trialResultSchema,
  wakeupSchema,
  workloadSpecSchema,
} from '../harness/result.ts';
import { RESULT_VERSION } from '../harness/result-version.ts';

/** Text of result.json. Throws ZodError when the study does not keep its own contract (a NaN among the figures). */
export function resultJson(study: Study): string {
  return `${JSON.stringify(studySchema.parse(study), null, 2)}\n`;
}

/** The study in the text of a result.json. Throws an Error that says what is wrong with it, for the caller to mend. */
export function parseResult(text: string): Study {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new Error(`not JSON: ${(cause as Error).message}`, { cause });
  }
  const version = typeof raw === 'object' && raw !== null && 'version' in raw ? raw.version : undefined;
  if (version !== RESULT_VERSION) {
    throw new Error(`not a tracebench result of version ${RESULT_VERSION}, but ${JSON.stringify(version) ?? 'none'}`);
  }
  const parsed = studySchema.safeParse(raw);
  if (!parsed.success) throw new Error(`not a whole result: ${z.prettifyError(parsed.error)}`, { cause: parsed.error });
  return parsed.data;
}

const DEFINITIONS = {
  wakeup: wakeupSchema,
  workload: workloadSpecSchema,
  geometry: geometrySchema,
  latency: latencySchema,
  interval: intervalSchema,
  cell: cellSchema,
  comparison: comparisonSchema,
  calibration: calibrationSchema,
  environment: environmentSchema,
  backend: backendRowSchema,
  plan: planSchema,
} as const;

/** JSON Schemas (draft 2020-12) by file name: of result.json, and of one line of trials.ndjson. */
export function jsonSchemas(): Record<'result.schema.json' | 'trial.schema.json', string> {
  for (const [id, schema] of Object.entries(DEFINITIONS)) {
    const known = z.globalRegistry.get(schema);
    if (known?.id === undefined) z.globalRegistry.add(schema, { ...known, id });
  }
  const draft = (schema: z.ZodType, title: string): string => {
    // io input: readers must accept what a later version of the same number adds.
    const json = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
    return `${JSON.stringify({ title, ...json }, null, 2)}\n`;
  };
  return {
    'result.schema.json': draft(studySchema, `tracebench result, version ${RESULT_VERSION}`),
    'trial.schema.json': draft(
      trialResultSchema,
      `tracebench trial, version ${RESULT_VERSION}: one line of trials.ndjson`,
    ),
  };
}
