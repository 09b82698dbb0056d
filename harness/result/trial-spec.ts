/** What is asked of a trial, and the terms that plan and cells share with it. */
import { z } from 'zod';

export const wakeupSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('timer'), value: z.int().positive().describe('µs between looks when idle') }),
  z.object({ kind: z.literal('adaptive') }),
  z.object({ kind: z.literal('watermark'), value: z.int().positive().describe('bytes') }),
  z.object({ kind: z.literal('sync') }),
]);

export const workloadSpecSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('stamped'),
    name: z.string(),
    calls: z.int().positive().describe('stamped calls asked for; the truth says how many were made'),
    threads: z.int().positive().describe('1 for all workloads but threads'),
    seed: z.int().nonnegative(),
    match: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('per cent of the calls that are the wanted one (workload selective)'),
    pace: z
      .object({
        ratePerS: z.int().positive().describe('stamped calls a second over all threads, on average'),
        burstCalls: z.int().positive().describe('calls due at once; 1: evenly spaced'),
      })
      .optional()
      .describe('open loop: every call has its time; absent: closed loop, each call follows the one before it'),
  }),
  z.object({
    kind: z.literal('application'),
    name: z.string().describe('for tables: the command, shortened'),
    argv: z.array(z.string()).min(1),
    catalogued: z
      .object({ fixedWork: z.boolean().describe('false: it does what it can in a given time') })
      .optional()
      .describe('an entry of workloads/applications by its name; absent: the command as typed'),
  }),
]);
export type WorkloadSpec = z.infer<typeof workloadSpecSchema>;

export const placementSchema = z.enum(['same', 'other', 'free']);
export const idleSchema = z
  .enum(['native', 'busy'])
  .describe('busy: every CPU is kept awake by an idle-priority spinner');

export const askedDetailSchema = z
  .literal('paths')
  .describe('the strings of path arguments besides; absent: what each variant gives by itself');

export const starvationSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('stall'), ms: z.int().positive().describe('it stands still for so long, once') }),
    z.object({
      kind: z.literal('quota'),
      share: z.number().positive().describe('of one CPU, for its thread alone, in periods of 10 ms or more'),
    }),
  ])
  .describe('what kept the collector from its work in the section');
export type Starvation = z.infer<typeof starvationSchema>;

export const auditContextSchema = z.enum(['absent', 'present', 'unknown']);

/** Input of the trial process: one JSON document on its standard input. */
export const trialSpecSchema = z.object({
  trialId: z.string(),
  cellId: z.string(),
  round: z.int().nonnegative(),
  order: z.int().nonnegative().describe('position within the round after shuffling'),
  warmup: z.boolean().describe('discarded by the statistics, kept in the record'),
  workload: workloadSpecSchema,
  variant: z.string().describe('backend variant id, e.g. ebpf/count'),
  bufferBytes: z.int().positive(),
  inFlight: z.int().positive().nullable().describe('calls that bufferBytes was chosen to hold; null: chosen in bytes'),
  filter: z.array(z.string()).nullable().describe('names of the calls traced; null: all'),
  wakeup: wakeupSchema,
  detail: askedDetailSchema.optional(),
  placement: placementSchema,
  workloadCpus: z.array(z.int().nonnegative()).nullable(),
  collectorCpus: z.array(z.int().nonnegative()).nullable(),
  idle: idleSchema,
  soaked: z.literal(true).optional().describe('for its CPU bill, with a soaker on every CPU; its times are never used'),
  auditContext: auditContextSchema.describe('as asked; the completed trial says what it was'),
  user: z.string().nullable().describe('credentials of the target'),
  consumer: z.enum(['ledger', 'javascript']).describe('who reads the records; javascript adds the time to JavaScript'),
  alongside: z
    .object({
      variant: z.string(),
      bufferBytes: z.int().positive(),
      wakeup: wakeupSchema,
      collectorCpus: z.array(z.int().nonnegative()).nullable(),
    })
    .optional()
    .describe('a second collector on the same target, on the terms it has alone; absent: none'),
  stallMs: z.int().nonnegative().describe('the collector stands still for so long, once, in the section; 0: never'),
  stallAfterCalls: z.int().nonnegative().describe('… after it delivered so many calls'),
  cpuQuota: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('share of one CPU that the drain thread gets in the section; absent: all it can have'),
  deadlineMs: z.int().positive(),
});
export type TrialSpec = z.infer<typeof trialSpecSchema>;
