import { z } from 'zod';
import { count } from './quantities.ts';

/** An estimate with its interval. low and high are null below 6 rounds: there is none to be had. */
export const intervalSchema = z.object({
  estimate: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  confidence: z.number().describe('achieved coverage of the order-statistic interval, ≥ 0.95; 0.95 for BCa'),
  n: count,
  method: z.enum(['order-statistic', 'bca', 'none']),
});
export type Interval = z.infer<typeof intervalSchema>;
