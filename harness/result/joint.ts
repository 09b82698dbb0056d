/** The reference check. */
import { z } from 'zod';
import { count } from './quantities.ts';
import { errorSchema } from './trial.ts';
import { workloadSpecSchema } from './trial-spec.ts';

export const jointSpecSchema = z.object({
  workload: workloadSpecSchema,
  reference: z.string().describe('variant id of the reference collector'),
  counter: z.string().describe('variant id that supplies how many calls were issued'),
  variant: z.string().describe('held against the reference'),
  bufferBytes: z.int().positive(),
  filter: z.array(z.string()).nullable(),
  user: z.string().nullable(),
  deadlineMs: z.int().positive(),
  mostRecords: z.int().positive().describe('of each collector; the rest is left out, and counted'),
  shown: z.int().nonnegative().describe('differences written out'),
});
export type JointSpec = z.infer<typeof jointSpecSchema>;

const bound = z.object({ min: count, max: count.nullable().describe('null: no upper bound is known') });

export const contentSchema = z.object({
  fields: z.array(z.string()).describe('compared, because both sides declare them'),
  notCompared: z.array(z.object({ field: z.string(), why: z.string() })),
  equal: count.describe('calls found on both sides with equal fields'),
  contents: count.describe('found on both sides with different fields'),
  onlyReference: count,
  onlyOther: count,
  unseen: count.describe('of the reference, which the other by its declared nature cannot see'),
  unorderedProcesses: count.describe('with several threads, compared as sets: one side names no threads'),
  leftOut: count.describe(
    'records that were not compared: one recording was full, or their place among the others is not known',
  ),
  differences: z.array(
    z.object({
      what: z.enum(['contents', 'only-reference', 'only-other']),
      reference: z.string().nullable(),
      other: z.string().nullable(),
    }),
  ),
});

/** Several collectors on the same process, untimed: do they tell the same? */
export const jointResultSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('completed'),
    spec: jointSpecSchema,
    issued: count.describe('calls of the native architecture, by the counter'),
    referenceCalls: count,
    otherCalls: count,
    countDifferences: z
      .array(z.object({ name: z.string(), issued: count, reference: count, other: count.nullable() }))
      .describe('system calls on whose number counter and reference disagree, or the other where it delivers counts'),
    lost: z.object({ counter: bound, reference: bound, other: bound }).describe('in calls, as each admits'),
    content: contentSchema.nullable().describe('null: the variant delivers counts'),
    verdict: z.enum(['equal', 'equal but for admitted losses', 'differs', 'not fully compared']),
    reasons: z.array(z.string()),
  }),
  z.object({ status: z.literal('failed'), spec: jointSpecSchema, error: errorSchema }),
]);
export type JointResult = z.infer<typeof jointResultSchema>;
