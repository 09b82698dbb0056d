import { z } from 'zod';
import {
  askedDetailSchema,
  idleSchema,
  placementSchema,
  trialSpecSchema,
  wakeupSchema,
  workloadSpecSchema,
} from './trial-spec.ts';

/** The plan as expanded and recorded; harness/plan/ makes it from flags and files. */
export const planSchema = z.object({
  profile: z.string(),
  seed: z.int().nonnegative(),
  rounds: z.int().positive(),
  warmupRounds: z.int().nonnegative(),
  timeBudgetMs: z.int().positive().nullable().describe('rounds go on while it lasts, beyond the minimum'),
  untilHalfWidth: z
    .number()
    .positive()
    .optional()
    .describe('rounds go on until every slowdown’s interval has this relative half-width; absent: not asked for'),
  bufferBytes: z.int().positive(),
  inFlight: z
    .int()
    .positive()
    .nullable()
    .describe('calls in flight of the cells whose buffer is sized in calls; null: there are none'),
  filter: z.array(z.string()).nullable(),
  placement: placementSchema.nullable().describe('null: each variant’s own'),
  idle: idleSchema,
  wakeups: z.array(wakeupSchema).describe('a cell for each; empty: each variant’s own'),
  detail: askedDetailSchema.optional(),
  match: z
    .array(z.int().min(0).max(100))
    .optional()
    .describe('cells of workload selective, filtered, by per cent wanted'),
  cpuBill: z
    .enum(['asked', 'usual'])
    .optional()
    .describe('soaked cells besides: of every variant, of default variants'),
  user: z.string().nullable(),
  backends: z.array(z.string()).min(1).describe('variant ids, none included'),
  workloads: z.array(workloadSpecSchema).min(1),
  cells: z.array(
    z.object({
      cellId: z.string(),
      baselineCellId: z.string().nullable(),
      trial: trialSpecSchema.omit({ trialId: true, round: true, order: true, warmup: true }),
    }),
  ),
});
export type Plan = z.infer<typeof planSchema>;
