/** The text of result.json, and the JSON Schemas of what is in our files. */
import { z } from 'zod';
import { bystanderStudySchema } from '../harness/bystander/result.ts';
import { capacityStudySchema } from '../harness/capacity/result.ts';
import { studyComparisonSchema } from '../harness/compare/result.ts';
import { profileSchema } from '../harness/profile/result.ts';
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

/** JSON Schemas (draft 2020-12) by file name: of each JSON file that is written, of one line of trials.ndjson, of `compare --json`. */
export function jsonSchemas(): Record<
  `${'result' | 'trial' | 'compare' | 'capacity' | 'bystander' | 'profile'}.schema.json`,
  string
> {
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
    'compare.schema.json': draft(studyComparisonSchema, 'tracebench comparison of two studies, version 1'),
    'capacity.schema.json': draft(capacityStudySchema, `tracebench capacity, version ${RESULT_VERSION}`),
    'bystander.schema.json': draft(bystanderStudySchema, `tracebench bystander, version ${RESULT_VERSION}`),
    'profile.schema.json': draft(profileSchema, `tracebench profile, version ${RESULT_VERSION}`),
  };
}
