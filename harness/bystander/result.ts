/**
 * What `tracebench bystander` asks of a trial and writes down: bystander.json, its contract with readers. Times are ns per
 * bare system call of a process that nobody traces.
 */
import { z } from 'zod';
import {
  auditContextSchema,
  backendRowSchema,
  environmentSchema,
  errorSchema,
  idleSchema,
  intervalSchema,
  spinnersSchema,
  wakeupSchema,
} from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';

const cpu = z.int().nonnegative();
const ns = z.number().positive();

export const KINDS = ['old', 'new'] as const;
export type Kind = (typeof KINDS)[number];

/** What is compared with `before`. */
export const PHASES = ['armed', 'busy', 'residue'] as const;
export type Phase = (typeof PHASES)[number];

const placeSchema = z.object({
  bystander: cpu,
  collector: cpu,
  target: cpu.describe('asleep at its gate but in the phase busy'),
  busy: z.boolean().describe('measured while the target runs: there is a CPU for each of the three'),
});
export type Place = z.infer<typeof placeSchema>;

/** Input of the trial process: one JSON document on its standard input. */
export const bystanderSpecSchema = z.object({
  trialId: z.string(),
  round: z.int().nonnegative(),
  variant: z.string(),
  bufferBytes: z.int().positive(),
  wakeup: wakeupSchema,
  auditContext: z
    .enum(['absent', 'present'])
    .describe('of processes forked while the tracer is there; before it, both kinds are to have none'),
  idle: idleSchema,
  callsPerBlock: z.int().positive(),
  place: placeSchema,
  seed: z.int().nonnegative(),
  user: z.string().nullable().describe('credentials of the target'),
  deadlineMs: z.int().positive(),
});
export type BystanderSpec = z.infer<typeof bystanderSpecSchema>;

const readingsSchema = z.object({
  before: ns.describe('nothing is open yet'),
  armed: ns.describe('the tracer is attached, its target sleeps'),
  busy: ns.nullable().describe('the target makes calls; null: not measured, too few CPUs'),
  residue: ns.describe('the tracer is detached and closed, all it held given back'),
});
export type Readings = z.infer<typeof readingsSchema>;

export const bystanderTrialSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('completed'),
    spec: bystanderSpecSchema,
    auditContext: z.enum(['absent', 'unknown']).describe('of the old bystander, and of the new one in `before`'),
    auditContextReason: z.string(),
    spinners: spinnersSchema.optional().describe('what kept the CPUs awake, of idle busy'),
    calls: z.int().nonnegative().describe('of the target, as the tracer delivered or counted them over the whole run'),
    old: readingsSchema.describe('one process, started before the tracer was opened'),
    new: readingsSchema.describe('a process forked for each phase, in it'),
  }),
  z.object({ status: z.literal('failed'), spec: bystanderSpecSchema, error: errorSchema }),
]);
export type BystanderTrial = z.infer<typeof bystanderTrialSchema>;
export type CompletedBystander = Extract<BystanderTrial, { status: 'completed' }>;

const taxSchema = z
  .object({
    addedNs: intervalSchema.describe('(phase − before) less the same of the baseline trial of the round'),
    ratio: intervalSchema.describe('(phase / before) / the same of the baseline trial of the round'),
  })
  .nullable()
  .describe('null: not measured');
export type Tax = z.infer<typeof taxSchema>;

const taxesSchema = z.object({ armed: taxSchema, busy: taxSchema, residue: taxSchema });

export const bystanderRowSchema = z.object({
  variant: z.string(),
  auditContext: auditContextSchema.describe('of processes forked while the tracer is there'),
  rounds: z.int().nonnegative().describe('with a completed trial of it and of the baseline'),
  failures: z.array(z.string()),
  old: taxesSchema,
  new: taxesSchema,
});
export type BystanderRow = z.infer<typeof bystanderRowSchema>;

export const bystanderStudySchema = z.object({
  version: z.literal(RESULT_VERSION),
  tool: z.literal('tracebench'),
  kind: z.literal('bystander'),
  startedAt: z.string(),
  finishedAt: z.string(),
  complete: z.boolean(),
  incompleteReason: z.string().nullable(),
  environment: environmentSchema,
  seed: z.int().nonnegative(),
  rounds: z.int().positive().describe('asked for'),
  callsPerBlock: z.int().positive().describe('a reading is the best of five blocks'),
  bufferBytes: z.int().positive(),
  idle: idleSchema,
  place: placeSchema,
  backends: z.array(backendRowSchema),
  untracedNs: z
    .object({ old: intervalSchema, new: intervalSchema })
    .nullable()
    .describe('`before` of the baseline trials; null: none was completed'),
  twin: bystanderRowSchema.describe('the baseline once more in every round: what of the figures is noise'),
  variants: z.array(bystanderRowSchema),
  trials: z.array(bystanderTrialSchema),
});
export type BystanderStudy = z.infer<typeof bystanderStudySchema>;
