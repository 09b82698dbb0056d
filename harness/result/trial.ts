/** What a trial found. */
import { z } from 'zod';
import { RESULT_VERSION } from '../result-version.ts';
import { count, ns } from './quantities.ts';
import { auditContextSchema, trialSpecSchema } from './trial-spec.ts';

export const counterSchema = z.object({
  name: z.string(),
  place: z.enum(['kernel', 'bridge', 'decode', 'health']),
  unit: z.enum(['record', 'message', 'call', 'bytes', 'ns']),
  count,
});

export const geometrySchema = z.object({
  bufferBytes: count,
  reachableBytesPerCpu: count,
  bytesPerCall: count,
  callsInFlight: count,
});

/** Signed bounds in calls: equal where the relation of counters to calls is exact. */
export const boundsSchema = z.object({ min: z.int(), max: z.int() });

export const verdictSchema = z.enum(['reconciled', 'under-reported', 'over-reported', 'error']);
export type Verdict = z.infer<typeof verdictSchema>;

/** Call kinds of a stamped workload: what was issued between START and END and what came. */
export const kindCountSchema = z.object({
  nr: z.int(),
  name: z.string(),
  class: z.enum(['stamped', 'counted']),
  issued: count,
  delivered: count,
});

export const accountingSchema = z.discriminatedUnion('delivers', [
  z.object({ delivers: z.literal('nothing') }),
  z.object({
    delivers: z.literal('counts'),
    issued: count.describe('stamped and counted calls of the section'),
    counted: count,
    missed: count.describe('as the mechanism admits'),
    discrepancy: boundsSchema.describe('issued − counted − missed'),
    kinds: z.array(kindCountSchema),
    verdict: verdictSchema,
    reasons: z.array(z.string()),
  }),
  z.object({
    delivers: z.literal('records'),
    issued: count.describe('stamped calls, counted by the workload'),
    complete: count.describe('distinct stamps with every field of the detail'),
    partial: count.describe('distinct stamps with a field missing'),
    missing: z.int().describe('issued − complete − partial; negative is an error'),
    missingCounted: z.int().describe('declared calls without a stamp that did not come'),
    reported: z.array(counterSchema).describe('between the START and END gates, in the mechanism’s own unit'),
    reportedCalls: boundsSchema.describe('reported, in calls, by the declared relation'),
    discrepancy: boundsSchema.describe('missing + missingCounted − reportedCalls, signed'),
    duplicates: count,
    reorders: count.describe('stamps that came after a later one of their lane'),
    late: count.describe('stamps older than the ledger’s window'),
    neverIssued: count.describe('stamps nobody issued: an error'),
    mismatches: count.describe('stamps whose arguments or return value are not what was issued'),
    mismatchSamples: z.array(z.string()),
    births: count,
    refused: count,
    restarts: count.describe('records that carry −512…−516'),
    lossRuns: z.object({
      runs: count,
      longest: count,
      deciles: z.array(count).length(10).describe('missing calls per tenth of the section, by sequence'),
    }),
    kinds: z.array(kindCountSchema),
    verdict: verdictSchema,
    reasons: z.array(z.string()),
  }),
]);
export type Accounting = z.infer<typeof accountingSchema>;

/** Stamp → the moment the drain round made the record visible. */
export const latencySchema = z.object({
  histogram: z.string().describe('HdrHistogram V2 compressed, base64; 1 ns … 100 s, 3 digits'),
  count,
  minNs: ns,
  p50Ns: ns,
  p90Ns: ns,
  p99Ns: ns,
  p999Ns: ns,
  p9999Ns: ns,
  maxNs: ns,
  meanNs: ns,
  ambiguous: count.describe('silence of over 34 s: the stamp’s time could not be unwrapped'),
  made: z.enum(['enter', 'exit']).describe('never compare the two in one table'),
});
export type Latency = z.infer<typeof latencySchema>;

/** What an open loop did, held against its schedule. */
export const openLoopTrialSchema = z.object({
  achievedPerS: z.number().nonnegative().describe('stamped calls made / duration of the section'),
  lateBursts: count.describe('begun over 1 µs after they were due; a burst of one is a call'),
  latestNs: ns.describe('by how much the latest of them was'),
  latencyFromDue: latencySchema
    .nullable()
    .describe(
      'from when the call was due, not when it was made, to visible; every call of a burst is due at its start',
    ),
});

export const figureOfMeritSchema = z.object({
  value: z.number().positive(),
  unit: z.string(),
  better: z.enum(['higher', 'lower']),
});
export type FigureOfMerit = z.infer<typeof figureOfMeritSchema>;

export const errorSchema = z.object({ code: z.string(), message: z.string(), mend: z.string().nullable() });

/** Of a soaked section, between the gates: all CPU time but the soaker's, and who had it. Over all CPUs, ns. */
export const cpuBillSchema = z.object({
  windowNs: ns.describe('wall time between the readings at the START and END gates'),
  cpus: z.int().positive().describe('CPUs soaked'),
  soakedNs: ns.describe('pieces of work done × what an undisturbed one took'),
  spunNs: ns.describe(
    'the workload waiting in memory at gates and for calls to be due: no work, and in no other figure',
  ),
  workloadNs: ns,
  drainNs: ns.describe('the drain thread'),
  otherThreadsNs: z.number().describe('the trial process less the drain thread; by two clocks, so signed'),
  kernelThreads: z.array(z.object({ name: z.string(), cpuNs: ns })).describe('those that ran, by schedstat'),
  unattributedNs: z
    .number()
    .describe('total less these: interrupts that found the soaker, switches, other processes; signed'),
  totalNs: z.number().describe('windowNs × cpus − soakedNs − spunNs'),
  idleBusyFraction: z
    .number()
    .describe('share of the machine that the soaker did not get before the trial, when nothing ran'),
});
export type CpuBill = z.infer<typeof cpuBillSchema>;

export const spinnersSchema = z.object({
  ownGroup: z
    .boolean()
    .describe('a control group of their own, idle as a whole: they give way to every other group too'),
  reason: z.string().describe('why they had none; empty where they had'),
});
export type Spinners = z.infer<typeof spinnersSchema>;

const trialHead = {
  version: z.literal(RESULT_VERSION),
  spec: trialSpecSchema,
  startedAt: z.string().describe('ISO 8601'),
  wallMs: z.number().nonnegative(),
};

export const completedTrialSchema = z.object({
  ...trialHead,
  status: z.literal('completed'),
  auditContext: auditContextSchema,
  auditContextReason: z.string(),
  spinners: spinnersSchema.optional().describe('what kept the CPUs awake: of idle busy, or of a soaker'),
  canaryNsPerCall: ns.nullable().describe('bare getppid of the target before its execve, minimum of blocks'),
  section: z
    .object({
      durationNs: ns,
      cpuNs: ns,
      calls: count.describe('stamped calls'),
      allCalls: count.describe('stamped and counted calls'),
      waitedNs: ns.describe('over all threads: waiting for calls to be due, not in cpuNs; 0 in a closed loop'),
    })
    .nullable()
    .describe('null for applications: there the whole run is measured'),
  run: z.object({
    durationNs: ns.describe('gate opened → last exit of the tree'),
    exitCode: z.int().nullable(),
    signal: z.int().nullable(),
    userNs: ns,
    systemNs: ns,
    maxRssBytes: count,
  }),
  figureOfMerit: figureOfMeritSchema.optional().describe('of an application of the catalogue: what it is used for'),
  calls: z
    .array(z.object({ nr: z.int(), name: z.string(), count }))
    .describe('what the backend saw over the whole run, by system call; native arch'),
  accounting: accountingSchema,
  throughputPerS: z.number().nonnegative().nullable().describe('delivered stamped calls, to the last drained record'),
  latency: latencySchema.nullable(),
  openLoop: openLoopTrialSchema.nullable().describe('null in a closed loop'),
  timeToJavaScript: latencySchema.nullable(),
  geometry: geometrySchema,
  collector: z.object({
    drainCpuNs: ns.describe('CPU of the drain thread between the gates'),
    kernelCpuNs: ns.describe('CPU of kernel threads that work for the mechanism alone (kauditd), between the gates'),
    processCpuNs: ns.describe('CPU of the whole trial process between the gates'),
    maxRssBytes: count,
    rounds: count,
    records: count,
  }),
  throttling: z
    .object({
      periods: count.describe('of the quota, in which the drain thread wanted to run'),
      throttledPeriods: count.describe('… and had used it up'),
      throttledNs: ns,
      elapsedNs: ns.describe('from START until the section was drained'),
    })
    .optional()
    .describe('of the section, with a CPU quota'),
  alongside: z
    .object({
      accounting: accountingSchema,
      geometry: geometrySchema,
      drainCpuNs: ns.describe('CPU of its drain thread between the gates'),
      kernelCpuNs: ns,
    })
    .optional()
    .describe('of the second collector; all else here is of the first'),
  openNs: ns,
  attachNs: ns,
  detachNs: ns,
  stealNs: ns.describe('of all CPUs over the trial, /proc/stat'),
  cpuBill: cpuBillSchema.optional().describe('of a soaked trial'),
});
export type CompletedTrial = z.infer<typeof completedTrialSchema>;

export const failedTrialSchema = z.object({ ...trialHead, status: z.literal('failed'), error: errorSchema });
export type FailedTrial = z.infer<typeof failedTrialSchema>;

/** One line of trials.ndjson. */
export const trialResultSchema = z.discriminatedUnion('status', [completedTrialSchema, failedTrialSchema]);
export type TrialResult = z.infer<typeof trialResultSchema>;
