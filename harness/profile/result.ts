/** What `tracebench profile` writes down: profile.json, its contract with readers. All system calls count. */
import { z } from 'zod';
import { counterSchema, environmentSchema } from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';

const count = z.int().nonnegative();
const perS = z.number().nonnegative();
const ns = z.number().nonnegative();

export const profileTargetSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('command'),
    argv: z.array(z.string()),
    exitCode: z.int().nullable(),
    signal: z.int().nullable(),
  }),
  z.object({ kind: z.literal('process'), pid: z.int().positive(), name: z.string() }),
  z.object({ kind: z.literal('cgroup'), path: z.string() }),
]);

const peakSchema = z.object({
  windowMs: z.number().positive(),
  lengthNs: ns.describe('of the neighbouring windows that it is made of: 0.9 to 1.25 of windowMs'),
  calls: count,
  perS,
  atNs: ns.describe('from the beginning of the recording'),
});

export const profileSchema = z.object({
  version: z.literal(RESULT_VERSION),
  tool: z.literal('tracebench'),
  kind: z.literal('profile'),
  startedAt: z.string(),
  environment: environmentSchema,
  target: profileTargetSchema,
  ended: z
    .enum(['target', 'time', 'stopped'])
    .describe('by the end of the command or process, of the time asked for, or by a signal to tracebench'),
  endedText: z.string().nullable().describe('stopped: by what'),
  durationNs: ns.describe('that the mean is over; of a command from its start to its last exit'),
  calls: count.describe('all that were counted; the sum of the windows, and of the mix and foreignCalls'),
  foreignCalls: count.describe('of another architecture, or numbers beyond the table: not in the mix'),
  meanPerS: perS,
  tasks: count.describe('threads and processes that were the target; in a control group those that made a call'),
  counters: z.array(counterSchema).describe('what the counter admits to have missed, and its health'),
  collectorCpuNs: ns.describe('of the thread that read the windows'),
  windows: z.object({
    askedMs: z.number().positive(),
    lengthsNs: z.array(ns).describe('as they were, in order; the reader may have been late'),
    calls: z.array(count),
    late: count.describe('longer than 1.25 of what was asked'),
    lateNs: ns.describe('that the late ones took together: what peaks are blind to, as far as it is wider than they'),
  }),
  spread: z
    .object({
      windows: count.describe('that were neither late nor cut short'),
      p5PerS: perS,
      medianPerS: perS,
      p95PerS: perS,
    })
    .nullable()
    .describe('of the rates of single windows'),
  peaks: z.array(peakSchema).describe('highest rate over 1, 2, 5, 10 … windows'),
  burst: z
    .object({ peakPerS: perS, durationMs: z.number().positive().describe('the windowMs of that peak'), atNs: ns })
    .nullable()
    .describe('for the planner: the peak with the most calls beyond the average; null: evenly spread'),
  mix: z.array(z.object({ nr: count, name: z.string(), calls: count, share: z.number().min(0).max(1) })),
});
export type Profile = z.infer<typeof profileSchema>;
export type ProfileTarget = z.infer<typeof profileTargetSchema>;
