/**
 * What a study writes down: trials, cells, the study itself. These schemas are the contract between the experiment
 * and its readers (reports, compare, other people's scripts); the JSON Schema in reports/schema/ is generated from
 * them. Units are in the names; times are ns unless said, CLOCK_MONOTONIC where a point in time is meant.
 */
import { z } from 'zod';
import { RESULT_VERSION } from './result-version.ts';

const count = z.int().nonnegative();
const ns = z.number().nonnegative();

// ---------------------------------------------------------------- what was asked of a trial

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

// ---------------------------------------------------------------- what a trial found

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

// ---------------------------------------------------------------- the study

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

export const calibrationSchema = z.object({
  auditContext: z
    .enum(['absent', 'unknown'])
    .describe('of the calibrating process; unknown where the guard may not keep it off, as without root'),
  bareCallNs: z.number(),
  clockCostNs: z.number(),
  clockResolutionNs: z.number(),
  clockEntersKernel: z.boolean(),
  pipeRoundTripSameCpuNs: z.number(),
  pipeRoundTripCrossCpuNs: z.number().nullable().describe('null with one CPU'),
  pipeRoundTripCrossCpuBusyNs: z.number().nullable().describe('the other CPU kept awake by an idle-priority spinner'),
  stealFraction: z.number(),
});
export type Calibration = z.infer<typeof calibrationSchema>;

export const environmentSchema = z.object({
  kernelRelease: z.string(),
  kernelVersion: z.string(),
  arch: z.string(),
  cpuModel: z.string(),
  cpusOnline: count,
  memoryBytes: count,
  virtualisation: z.string().describe('hypervisor as the CPU reports it; none on bare metal'),
  preemption: z.string(),
  hz: z.int().nullable(),
  clocksource: z.string(),
  mitigations: z.record(z.string(), z.string()),
  governor: z.string().nullable(),
  capabilities: z.array(z.string()),
  uid: count,
  lockdown: z.string().nullable(),
  btf: z.boolean(),
  container: z.string().nullable(),
  nodeVersion: z.string(),
  toolVersion: z.string(),
  gitRevision: z.string().nullable(),
  osRelease: z.string(),
});
export type Environment = z.infer<typeof environmentSchema>;

export const backendRowSchema = z.object({
  variant: z.string(),
  answer: z.enum(['yes', 'no', 'unknown']),
  reason: z.string().nullable(),
  mend: z.string().nullable(),
});
export type BackendRow = z.infer<typeof backendRowSchema>;

/** A workload that was asked for and cannot run here. */
export const workloadRowSchema = z.object({ workload: z.string(), reason: z.string(), mend: z.string() });
export type WorkloadRow = z.infer<typeof workloadRowSchema>;

/** The plan as expanded and recorded; harness/plan.ts makes it from flags and files. */
export const planSchema = z.object({
  profile: z.string(),
  seed: z.int().nonnegative(),
  rounds: z.int().positive(),
  warmupRounds: z.int().nonnegative(),
  timeBudgetMs: z.int().positive().nullable().describe('rounds go on while it lasts, beyond the minimum'),
  untilHalfWidth: z
    .number()
    .positive()
    .optional()
    .describe('rounds go on until every slowdown’s interval has this relative half-width; absent: not asked for'),
  bufferBytes: z.int().positive(),
  inFlight: z
    .int()
    .positive()
    .nullable()
    .describe('calls in flight of the cells whose buffer is sized in calls; null: there are none'),
  filter: z.array(z.string()).nullable(),
  placement: placementSchema.nullable().describe('null: each variant’s own'),
  idle: idleSchema,
  wakeups: z.array(wakeupSchema).describe('a cell for each; empty: each variant’s own'),
  detail: askedDetailSchema.optional(),
  match: z
    .array(z.int().min(0).max(100))
    .optional()
    .describe('cells of workload selective, filtered, by per cent wanted'),
  cpuBill: z
    .enum(['asked', 'usual'])
    .optional()
    .describe('soaked cells besides: of every variant, of default variants'),
  user: z.string().nullable(),
  backends: z.array(z.string()).min(1).describe('variant ids, none included'),
  workloads: z.array(workloadSpecSchema).min(1),
  cells: z.array(
    z.object({
      cellId: z.string(),
      baselineCellId: z.string().nullable(),
      trial: trialSpecSchema.omit({ trialId: true, round: true, order: true, warmup: true }),
    }),
  ),
});
export type Plan = z.infer<typeof planSchema>;

// ---------------------------------------------------------------- the reference check

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
  leftOut: count.describe('records that were not compared'),
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

export const studySchema = z.object({
  version: z.literal(RESULT_VERSION),
  tool: z.literal('tracebench'),
  studyId: z.string(),
  startedAt: z.string(),
  finishedAt: z.string(),
  complete: z.boolean(),
  incompleteReason: z.string().nullable(),
  plan: planSchema,
  environment: environmentSchema,
  calibration: z.object({ before: calibrationSchema, after: calibrationSchema.nullable() }),
  backends: z.array(backendRowSchema).describe('every registered variant that was asked for, usable here or not'),
  absentWorkloads: z.array(workloadRowSchema),
  cells: z.array(cellSchema),
  comparisons: z.array(comparisonSchema),
  selectivity: z.array(selectivitySchema).optional(),
  joint: z.array(jointResultSchema).describe('the reference check: every recording variant against the reference'),
  noise: z
    .object({
      baselineHalfWidth: z.number().describe('relative half-width of the baseline’s interval, median over workloads'),
      minimumDetectableEffect: z.number().describe('relative change of ns per call that this study could have seen'),
    })
    .nullable(),
  notMeasured: z.array(z.object({ what: z.string(), command: z.string() })),
  claims: z.array(judgedClaimSchema),
  verdict: z.array(z.string()).describe('three sentences'),
  flags: z.array(z.object({ code: z.string(), text: z.string() })),
});
export type Study = z.infer<typeof studySchema>;
