/** What `compare` finds out, as it is written down: the contract between harness/compare and its readers. */
import { z } from 'zod';

const count = z.int().nonnegative();

export const quantitySchema = z.enum(['time', 'slowdown', 'added', 'loss', 'unreported', 'books', 'p99']);
export type Quantity = z.infer<typeof quantitySchema>;

export const changeSchema = z.object({
  quantity: quantitySchema,
  unit: z
    .enum(['ns', 'ratio', 'fraction', 'trials', 'pipe round trips'])
    .describe('of base, next and, where the change is not relative, of the change and its bounds'),
  base: z.number().nullable().describe('median over the rounds; of fractions and trials the whole'),
  next: z.number().nullable(),
  rounds: z.object({ base: count, next: count }),
  relative: z.boolean().describe('change, noise, minimumDetectableEffect and bar are fractions of base'),
  change: z
    .object({
      estimate: z.number(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      confidence: z.number().describe('0 without bounds'),
    })
    .nullable()
    .describe('Hodges–Lehmann shift from base to next; null where nothing was tested'),
  pValue: z.number().min(0).max(1).nullable().describe('Mann–Whitney, two-sided'),
  pHolm: z.number().min(0).max(1).nullable().describe('Holm-adjusted over all tests of this comparison'),
  noise: z.number().nullable().describe('the larger of both studies’ A/A noise, and how far the machine itself moved'),
  minimumDetectableEffect: z.number().nullable().describe('seen four times in five, at the level that Holm may demand'),
  bar: z.number().nullable().describe('a change counts beyond this: the largest of threshold, noise and that effect'),
  outcome: z.enum(['regression', 'improvement', 'no change', 'not judged', 'not claimed']),
  rule: z
    .enum(['test', 'new loss', 'new unreported loss', 'new accounting error', 'nothing in either'])
    .describe('what decided'),
  note: z.string().nullable(),
});
export type Change = z.infer<typeof changeSchema>;

export const studyBriefSchema = z.object({
  path: z.string(),
  studyId: z.string(),
  startedAt: z.string(),
  complete: z.boolean(),
  incompleteReason: z.string().nullable(),
  toolVersion: z.string(),
  gitRevision: z.string().nullable(),
  kernelRelease: z.string(),
  cpuModel: z.string(),
});

/** In what two studies differ that a change of figures could come from. */
export const differenceSchema = z.object({
  kind: z.enum(['machine', 'kernel', 'audit', 'terms']),
  what: z.string(),
  base: z.string(),
  next: z.string(),
});
export type Difference = z.infer<typeof differenceSchema>;

export const studyComparisonSchema = z.object({
  version: z.literal(1),
  tool: z.literal('tracebench'),
  base: studyBriefSchema,
  next: studyBriefSchema,
  settings: z.object({
    alpha: z.number(),
    threshold: z.number().describe('relative change of a time below which nothing counts'),
    lossThreshold: z.number().describe('change of a share of calls below which nothing counts'),
    across: z.boolean(),
    requireSameCells: z.boolean(),
  }),
  tests: count.describe('the family that Holm adjusts for'),
  differences: z.array(differenceSchema).describe('empty unless compared with --across'),
  remarks: z.array(z.string()).describe('what a reader must know first'),
  cells: z.array(
    z.object({
      cellId: z.string(),
      workload: z.string(),
      backend: z.string(),
      changes: z.array(changeSchema),
    }),
  ),
  onlyInBase: z.array(z.object({ cellId: z.string(), why: z.string().nullable() })),
  onlyInNext: z.array(z.object({ cellId: z.string(), why: z.string().nullable() })),
  verdict: z.enum(['regression', 'no regression', 'nothing judged']),
  reasons: z.array(z.string()).describe('of the verdict, one a line'),
});
export type StudyComparison = z.infer<typeof studyComparisonSchema>;
