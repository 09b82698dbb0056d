/** The whole of it: result.json. */
import { z } from 'zod';
import { RESULT_VERSION } from '../result-version.ts';
import { cellSchema } from './cell.ts';
import { backendRowSchema, calibrationSchema, environmentSchema, workloadRowSchema } from './environment.ts';
import { comparisonSchema, judgedClaimSchema, selectivitySchema } from './findings.ts';
import { jointResultSchema } from './joint.ts';
import { planSchema } from './plan.ts';

export const studySchema = z.object({
  version: z.literal(RESULT_VERSION),
  tool: z.literal('tracebench'),
  studyId: z.string(),
  startedAt: z.string(),
  finishedAt: z.string(),
  complete: z.boolean(),
  incompleteReason: z.string().nullable(),
  plan: planSchema,
  environment: environmentSchema,
  calibration: z.object({ before: calibrationSchema, after: calibrationSchema.nullable() }),
  backends: z.array(backendRowSchema).describe('every registered variant that was asked for, usable here or not'),
  absentWorkloads: z.array(workloadRowSchema),
  cells: z.array(cellSchema),
  comparisons: z.array(comparisonSchema),
  selectivity: z.array(selectivitySchema).optional(),
  joint: z.array(jointResultSchema).describe('the reference check: every recording variant against the reference'),
  noise: z
    .object({
      baselineHalfWidth: z.number().describe('relative half-width of the baseline’s interval, median over workloads'),
      minimumDetectableEffect: z.number().describe('relative change of ns per call that this study could have seen'),
    })
    .nullable(),
  notMeasured: z.array(z.object({ what: z.string(), command: z.string() })),
  claims: z.array(judgedClaimSchema),
  verdict: z.array(z.string()).describe('three sentences'),
  flags: z.array(z.object({ code: z.string(), text: z.string() })),
});
export type Study = z.infer<typeof studySchema>;
