/** What `tracebench capacity` writes down: capacity.json, its contract with readers. Rates are stamped calls a second. */
import { z } from 'zod';
import {
  backendRowSchema,
  environmentSchema,
  geometrySchema,
  idleSchema,
  placementSchema,
  trialSpecSchema,
  wakeupSchema,
} from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';

const perS = z.number().nonnegative();

export const attemptSchema = z.object({
  offeredPerS: perS.nullable().describe('null: a closed loop, as fast as it goes'),
  achievedPerS: perS,
  lossFraction: z.number().min(0).max(1),
});

export const searchSchema = z.object({
  outcome: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('found'), heldPerS: perS, failedPerS: perS }),
    z.object({ kind: z.literal('generator-limit'), heldPerS: perS }).describe('nothing was lost at full speed'),
    z.object({ kind: z.literal('below-least'), failedPerS: perS }),
  ]),
  attempts: z.array(attemptSchema),
});

const lossPointSchema = z.object({
  load: z.object({
    peakPerS: perS.describe('as reached in the bursts, under the tracer'),
    burstCalls: z.int().positive(),
    intervalMs: z.number().positive(),
    bursts: z.int().positive(),
  }),
  callsInFlight: z.int().nonnegative().describe('of the buffer within reach of the workload, as the kernel granted it'),
  lossFraction: z.number().min(0).max(1),
});

const queueFitSchema = z.object({
  servedPerS: perS,
  pauseMs: z
    .number()
    .nonnegative()
    .describe(
      'from the first call in an empty buffer to when the collector works, on average: half of the period it sleeps',
    ),
  bufferShare: z.number().positive().describe('of the calls in flight that the geometry says: what of them counts'),
});

export const surfaceSchema = z.object({
  fit: queueFitSchema.describe('a fluid queue, least squares of the loss over the fitted points'),
  resampled: z.array(queueFitSchema).describe('fits to resamples of the fitted points'),
  fitted: z.array(lossPointSchema),
  tested: z.array(lossPointSchema).describe('drawn before anything was fitted, not fitted to'),
  lossError: z.number().describe('tested points: median of |predicted − measured loss|, in shares of the calls'),
  bufferError: z
    .number()
    .nullable()
    .describe('telling points: median of |buffer predicted to lose as much / buffer had − 1|; null without any'),
  telling: z.int().nonnegative().describe('tested points that lost between 5 and 95 %'),
  holds: z.boolean().describe('the model describes this backend here: lossError ≤ 0.05 and bufferError ≤ 0.25'),
});
export type SurfaceResult = z.infer<typeof surfaceSchema>;

export const gridPointSchema = z.object({
  callsInFlight: z.int().positive().describe('asked for'),
  callsInFlightHad: z.int().nonnegative().nullable().describe('as the kernel granted it; null without a trial'),
  offeredPerS: perS.nullable().describe('on average; null: as fast as it goes'),
  burstCalls: z.int().positive().describe('1: evenly spaced'),
  bursts: z
    .int()
    .positive()
    .nullable()
    .describe('of a trial; 1: the next would be due after its end; null: evenly spaced'),
  trials: z.array(
    z.object({
      achievedPerS: perS,
      peakPerS: perS.describe('while calls were made, not waited for'),
      lossFraction: z.number().min(0).max(1),
    }),
  ),
  offered: z
    .enum(['held', 'not-achieved', 'not-measured'])
    .describe('not-achieved: the load generator kept less than 99 % of the rate, median over the trials'),
  predictedLoss: z
    .number()
    .nullable()
    .describe('by the queue fitted to the surface, which saw none of these points; null: no queue that holds'),
});
export type GridPoint = z.infer<typeof gridPointSchema>;

export const gridSchema = z.object({
  sectionMs: z.number().positive().describe('of a trial, about'),
  repeats: z.int().positive().describe('trials of a point that were asked for'),
  points: z.array(gridPointSchema),
  failures: z.array(z.string()).describe('trials left out, and sizes not measured, each with its reason'),
});
export type GridResult = z.infer<typeof gridSchema>;

export const capacitySchema = z.object({
  variant: z.string(),
  regime: z.enum(['blocks', 'drops', 'neither']),
  wakeup: wakeupSchema,
  placement: placementSchema,
  auditContext: trialSpecSchema.shape.auditContext,
  geometry: geometrySchema.nullable(),
  buffer: z
    .object({
      bytesPerCall: z.int().positive(),
      perCpu: z.boolean(),
      knob: z
        .object({ name: z.string(), unitBytes: z.int().positive(), powerOfTwo: z.boolean() })
        .nullable()
        .describe('the mechanism’s own setting, in units of each buffer'),
    })
    .nullable()
    .describe('as declared; null: nothing is buffered'),
  collectorNsPerCall: z
    .number()
    .nonnegative()
    .nullable()
    .describe('CPU time of drain thread and kernel threads per record, median over the trials that held'),
  searches: z.array(searchSchema),
  failures: z.array(z.string()).describe('searches, or the surface, that a failed or unreconciled trial ended'),
  surface: surfaceSchema.nullable().describe('null: not asked for, nothing is buffered, or not finished'),
  grid: gridSchema.optional().describe('loss over rate, burst and calls in flight; absent as surface is null'),
  capacity: z
    .object({
      perS,
      low: perS.nullable().describe('null: too few searches for an interval, or below what was tried'),
      high: perS.nullable().describe('null: too few searches, or beyond what the load generator can offer'),
      confidence: z.number().describe('coverage of the order-statistic interval of the median over searches'),
      meaning: z.enum(['held', 'at-least', 'less-than', 'let-through']),
    })
    .nullable()
    .describe(
      'median over searches. held: the highest offered rate that is held; at-least: the load generator’s limit; less-than: ' +
        'the least rate tried is not held; let-through: the rate that a backend which makes the workload wait allows',
    ),
});
export type Capacity = z.infer<typeof capacitySchema>;

export const capacityStudySchema = z.object({
  version: z.literal(RESULT_VERSION),
  tool: z.literal('tracebench'),
  kind: z.literal('capacity'),
  startedAt: z.string(),
  finishedAt: z.string(),
  complete: z.boolean(),
  incompleteReason: z.string().nullable(),
  environment: environmentSchema,
  workload: z.string(),
  seed: z.int().nonnegative(),
  searches: z.int().positive().describe('asked for, of each variant'),
  criteria: z.object({
    lossFraction: z.number(),
    achievedLeast: z.number(),
    resolution: z.number(),
    leastPerS: perS,
  }),
  sectionMs: z.number().positive().describe('of a trial, at least'),
  bufferBytes: z.int().positive(),
  inFlight: z.int().positive().nullable(),
  idle: idleSchema,
  spinners: z
    .string()
    .optional()
    .describe('what to know of the spinners that kept the CPUs awake; absent: nothing, or there were none'),
  backends: z.array(backendRowSchema),
  variants: z.array(capacitySchema),
});
export type CapacityStudy = z.infer<typeof capacityStudySchema>;
