/** What a study finds between its cells. */
import { z } from 'zod';
import { intervalSchema } from './interval.ts';

/** Two backends on one workload: ratio of their section times, paired by round. */
export const comparisonSchema = z.object({
  workload: z.string(),
  left: z.string().describe('cellId'),
  right: z.string().describe('cellId'),
  ratio: intervalSchema.describe('ns per call left / right'),
  pValue: z.number().min(0).max(1).describe('sign test on the paired log-ratios'),
  pHolm: z.number().min(0).max(1).describe('Holm-adjusted over the comparisons of this workload'),
  outcome: z.enum(['left faster', 'right faster', 'tie']),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** What people repeat, against this study's own cells (harness/claims). */
export const judgedClaimSchema = z.object({
  id: z.string(),
  text: z.string(),
  source: z.string().describe('where it is said, or was measured on other machines'),
  outcome: z.enum(['holds', 'does not hold', 'cannot be told']),
  figures: z
    .array(
      z.object({
        what: z.string().describe('variant, and the application where it is one'),
        unit: z
          .enum(['ns/call', '×', 'switches/call'])
          .describe('added per call; slowdown; added per call, in half pipe round trips'),
        interval: intervalSchema,
        delivered: z.number().nullable().describe('complete / issued'),
      }),
    )
    .describe('what was measured here'),
  reason: z.string().nullable().describe('why it does not hold or cannot be told'),
});
export type JudgedClaim = z.infer<typeof judgedClaimSchema>;

/** What a call costs that the filter lets pass, and one that it does not; of one variant, paired with the baselines. */
export const selectivitySchema = z.object({
  variant: z.string(),
  filter: z.enum(['kernel', 'user', 'none']).nullable().describe('where the variant filters'),
  points: z.array(
    z.object({
      cellId: z.string(),
      match: z.int().describe('per cent of the calls that pass'),
      addedNsPerCall: intervalSchema.nullable(),
      deliveredFraction: z.number().nullable().describe('of those that pass; null where none was issued'),
      inLine: z
        .boolean()
        .describe('false: calls that pass were lost, and dropping looks cheap; the line is that of the others'),
      offLineNs: intervalSchema.nullable().describe('added less what the line says, round by round'),
      isOffLine: z.boolean().describe('by more than chance, and by 5 % of what is added there'),
    }),
  ),
  nonMatchingNs: intervalSchema
    .nullable()
    .describe('added = nonMatching × (1 − share) + matching × share, fitted in each round'),
  matchingNs: intervalSchema.nullable(),
});
export type Selectivity = z.infer<typeof selectivitySchema>;
