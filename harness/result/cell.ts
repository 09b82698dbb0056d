/** A cell: all its trials, summed up. */
import { z } from 'zod';
import { intervalSchema } from './interval.ts';
import { count, ns } from './quantities.ts';
import { boundsSchema, geometrySchema, latencySchema } from './trial.ts';
import {
  auditContextSchema,
  idleSchema,
  placementSchema,
  starvationSchema,
  wakeupSchema,
  workloadSpecSchema,
} from './trial-spec.ts';

const cpuPartsSchema = z.object({
  workload: intervalSchema.nullable(),
  collector: intervalSchema.nullable().describe('the drain thread'),
  otherThreads: intervalSchema.nullable().describe('of the trial process'),
  kernelThreads: intervalSchema.nullable(),
  unattributed: intervalSchema.nullable(),
  total: intervalSchema.nullable(),
});

/** Two collectors on one target: what the pair costs beside what each costs alone, and the second's books. */
export const alongsideSchema = z.object({
  first: z.string().describe('whose records, books and latency the cell has'),
  second: z.string(),
  aloneCellIds: z.object({ first: z.string().nullable(), second: z.string().nullable() }),
  overSumNs: intervalSchema
    .nullable()
    .describe('added by the pair less what the two add alone, paired by round; null: why is in overSumReason'),
  overSumReason: z.string().nullable(),
  deliveredFraction: z.number().nullable().describe('of the second'),
  discrepancy: boundsSchema.nullable().describe('of the second'),
  reconciled: count.describe('completed trials in which the books of the second balance'),
});
export type Alongside = z.infer<typeof alongsideSchema>;

export const cellSchema = z.object({
  cellId: z.string(),
  workload: workloadSpecSchema,
  variant: z.string().describe('of two collectors at once both: ebpf+perf'),
  alongside: alongsideSchema.optional().describe('of a cell with two collectors at once'),
  baselineCellId: z.string().nullable().describe('the none cell of the same workload and calls; null for it itself'),
  terms: z.object({
    delivers: z.enum(['records', 'counts', 'nothing']),
    detail: z.enum(['enter', 'full']).nullable(),
    paths: z.literal(true).optional().describe('the strings of path arguments were read besides'),
    regime: z.enum(['blocks', 'drops', 'neither']),
    filter: z.array(z.string()).nullable(),
    placement: placementSchema,
    workloadCpus: z.array(z.int().nonnegative()).nullable(),
    collectorCpus: z.array(z.int().nonnegative()).nullable(),
    wakeup: wakeupSchema,
    wakeupAsked: z.boolean().describe('by --wakeup; false: the variant’s own'),
    clock: z.literal('CLOCK_MONOTONIC'),
    idle: idleSchema,
    starvation: starvationSchema.optional().describe('absent: the collector was let work'),
    auditContext: auditContextSchema,
    askedBufferBytes: count,
    askedCallsInFlight: count.nullable().describe('the bytes were chosen to hold so many; null: chosen in bytes'),
    geometry: geometrySchema.nullable(),
    stressFactor: z
      .number()
      .nullable()
      .describe('issued calls / calls in flight; below 20 a dropping backend was not stressed; null without a buffer'),
  }),
  trials: z.object({ completed: count, failed: count, warmup: count, reconciled: count, flagged: count }),
  perCallNs: intervalSchema.nullable().describe('duration of the section / stamped calls; null for applications'),
  durationNs: intervalSchema.nullable().describe('null when no trial was completed'),
  slowdown: intervalSchema
    .nullable()
    .describe(
      'paired by round with the baseline cell; null for the baseline itself; of an application by its figure of merit',
    ),
  slowdownBca: intervalSchema.nullable().describe('from 10 rounds'),
  addedNsPerCall: intervalSchema.nullable(),
  deliveredFraction: z.number().nullable().describe('complete / issued over all counted rounds; null for nothing'),
  reportedLossCalls: boundsSchema.nullable(),
  discrepancy: boundsSchema.nullable().describe('null for nothing, and for applications, whose calls nobody counted'),
  throughputPerS: intervalSchema.nullable(),
  latency: latencySchema.nullable().describe('histograms of the counted rounds, merged'),
  openLoop: z
    .object({
      achievedPerS: intervalSchema,
      lateFraction: z.number().describe('bursts begun over 1 µs late / bursts, over all counted rounds'),
      latestNs: ns,
      latencyFromDue: latencySchema.nullable(),
      collectorCpuFraction: intervalSchema
        .nullable()
        .describe('CPU time of drain thread and kernel threads of the mechanism / duration of the section'),
    })
    .nullable()
    .describe('null in a closed loop'),
  collectorCpuNsPerCall: intervalSchema.nullable(),
  collectorMaxRssBytes: count
    .nullable()
    .optional()
    .describe(
      'most that the trial’s process had, over all counted rounds: collector, Node and harness. Absent in older studies',
    ),
  cpuBill: z
    .object({
      trials: z.object({ completed: count, failed: count }),
      perCall: cpuPartsSchema.describe('ns of CPU per stamped call'),
      added: cpuPartsSchema
        .nullable()
        .describe('beyond the soaked baseline of the round; null for the baseline itself'),
      deliveredFraction: z.number().nullable(),
      kernelThreads: z.array(z.string()).describe('the busiest'),
      noiseNsPerCall: ns
        .nullable()
        .describe(
          'half of how far the idle machine’s busy share lay apart in nine of ten soaked trials, over this section',
        ),
    })
    .optional()
    .describe('from trials of their own, with a soaker on every CPU'),
  lossByTrial: z
    .object({
      fraction: intervalSchema.describe('missing / issued'),
      calls: intervalSchema,
      missing: z.int().describe('over all counted rounds: what deliveredFraction and reportedLossCalls are of'),
      throttledFraction: intervalSchema.nullable().describe('of the time under a CPU quota; null without one'),
    })
    .optional()
    .describe('of cells with a starved collector, and of those that they stand beside'),
  figureOfMerit: z
    .object({
      unit: z.string(),
      better: z.enum(['higher', 'lower']),
      value: intervalSchema,
      ratio: intervalSchema.nullable().describe('this / the baseline, paired by round; null for the baseline itself'),
    })
    .nullable()
    .describe('of an application of the catalogue'),
  issuedInJointTrials: z
    .object({
      calls: count.describe('median over the joint trials, by the counter'),
      spread: count.describe('the farthest of them from it'),
      trials: count,
    })
    .nullable()
    .describe('of an application with a given amount of work: what a timed trial issues, without a truth of its own'),
  attachNs: intervalSchema.nullable(),
  detachNs: intervalSchema.nullable(),
  flags: z.array(z.object({ code: z.string(), text: z.string() })).describe('what a reader must know before using it'),
});
export type Cell = z.infer<typeof cellSchema>;
