/** trials.csv and cells.csv: one row a trial, one a cell; units in the column names, empty where there is no figure. */
import { stringify } from 'csv-stringify/sync';
import type { Cell, CompletedTrial, Interval, Study, TrialResult } from '../harness/result.ts';
import { nsPerCall } from '../harness/result-figures.ts';
import { starvationText } from '../harness/result-words.ts';

type Value = string | number | boolean | null;
type Column<T> = readonly [name: string, value: (row: T) => Value];

function csv<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  return stringify(
    rows.map((row) => columns.map(([, value]) => value(row))),
    {
      header: true,
      columns: columns.map(([name]) => ({ key: name, header: name })),
      // Without a cast true becomes 1 and false the empty string.
      cast: { boolean: (value) => String(value) },
      // Only text of others can begin like a formula; a negative number must stay a number.
      escape_formulas: true,
    },
  );
}

function completed(value: (trial: CompletedTrial) => Value): (trial: TrialResult) => Value {
  return (trial) => (trial.status === 'completed' ? value(trial) : null);
}

type Accounting = CompletedTrial['accounting'];
type Records = Extract<Accounting, { delivers: 'records' }>;

function records(value: (a: Records) => Value): (trial: TrialResult) => Value {
  return completed((t) => (t.accounting.delivers === 'records' ? value(t.accounting) : null));
}

/** Of whatever has books: records and counts. */
function kept(value: (a: Exclude<Accounting, { delivers: 'nothing' }>) => Value): (trial: TrialResult) => Value {
  return completed((t) => (t.accounting.delivers === 'nothing' ? null : value(t.accounting)));
}

function paceOf(workload: Cell['workload']): { ratePerS: number; burstCalls: number } | undefined {
  return workload.kind === 'stamped' ? workload.pace : undefined;
}

function verdictOf(books: CompletedTrial['accounting'] | undefined): string | null {
  return books === undefined || books.delivers === 'nothing' ? null : books.verdict;
}

const TRIAL_COLUMNS: readonly Column<TrialResult>[] = [
  ['trial_id', (t) => t.spec.trialId],
  ['cell_id', (t) => t.spec.cellId],
  ['workload', (t) => t.spec.workload.name],
  ['threads', (t) => (t.spec.workload.kind === 'stamped' ? t.spec.workload.threads : null)],
  ['offered_per_s', (t) => paceOf(t.spec.workload)?.ratePerS ?? null],
  ['burst_calls', (t) => paceOf(t.spec.workload)?.burstCalls ?? null],
  ['variant', (t) => t.spec.variant],
  ['alongside', (t) => t.spec.alongside?.variant ?? null],
  ['alongside_verdict', completed((t) => verdictOf(t.alongside?.accounting))],
  ['round', (t) => t.spec.round],
  ['order', (t) => t.spec.order],
  ['warmup', (t) => t.spec.warmup],
  ['status', (t) => t.status],
  ['error_code', (t) => (t.status === 'failed' ? t.error.code : null)],
  ['error_message', (t) => (t.status === 'failed' ? t.error.message : null)],
  ['started_at', (t) => t.startedAt],
  ['wall_ms', (t) => t.wallMs],
  ['audit_context', completed((t) => t.auditContext)],
  ['canary_ns_per_call', completed((t) => t.canaryNsPerCall)],
  ['section_ns', completed((t) => t.section?.durationNs ?? null)],
  ['section_cpu_ns', completed((t) => t.section?.cpuNs ?? null)],
  ['calls', completed((t) => t.section?.calls ?? null)],
  ['all_calls', completed((t) => t.section?.allCalls ?? null)],
  ['ns_per_call', completed(nsPerCall)],
  ['run_ns', completed((t) => t.run.durationNs)],
  ['exit_code', completed((t) => t.run.exitCode)],
  ['signal', completed((t) => t.run.signal)],
  ['user_ns', completed((t) => t.run.userNs)],
  ['system_ns', completed((t) => t.run.systemNs)],
  ['target_max_rss_bytes', completed((t) => t.run.maxRssBytes)],
  ['figure_of_merit', completed((t) => t.figureOfMerit?.value ?? null)],
  ['figure_of_merit_unit', completed((t) => t.figureOfMerit?.unit ?? null)],
  ['delivers', completed((t) => t.accounting.delivers)],
  ['verdict', kept((a) => a.verdict)],
  ['issued', kept((a) => a.issued)],
  ['complete', records((a) => a.complete)],
  ['partial', records((a) => a.partial)],
  ['missing', records((a) => a.missing)],
  ['missing_counted', records((a) => a.missingCounted)],
  ['counted', kept((a) => (a.delivers === 'counts' ? a.counted : null))],
  ['missed', kept((a) => (a.delivers === 'counts' ? a.missed : null))],
  ['reported_calls_min', records((a) => a.reportedCalls.min)],
  ['reported_calls_max', records((a) => a.reportedCalls.max)],
  ['discrepancy_min', kept((a) => a.discrepancy.min)],
  ['discrepancy_max', kept((a) => a.discrepancy.max)],
  ['duplicates', records((a) => a.duplicates)],
  ['reorders', records((a) => a.reorders)],
  ['late', records((a) => a.late)],
  ['never_issued', records((a) => a.neverIssued)],
  ['mismatches', records((a) => a.mismatches)],
  ['births', records((a) => a.births)],
  ['refused', records((a) => a.refused)],
  ['restarts', records((a) => a.restarts)],
  ['loss_runs', records((a) => a.lossRuns.runs)],
  ['loss_longest_run', records((a) => a.lossRuns.longest)],
  ['reasons', kept((a) => a.reasons.join('; ') || null)],
  ['throughput_per_s', completed((t) => t.throughputPerS)],
  ['latency_made', completed((t) => t.latency?.made ?? null)],
  ['latency_count', completed((t) => t.latency?.count ?? null)],
  ['latency_min_ns', completed((t) => t.latency?.minNs ?? null)],
  ['latency_p50_ns', completed((t) => t.latency?.p50Ns ?? null)],
  ['latency_p90_ns', completed((t) => t.latency?.p90Ns ?? null)],
  ['latency_p99_ns', completed((t) => t.latency?.p99Ns ?? null)],
  ['latency_p999_ns', completed((t) => t.latency?.p999Ns ?? null)],
  ['latency_p9999_ns', completed((t) => t.latency?.p9999Ns ?? null)],
  ['latency_max_ns', completed((t) => t.latency?.maxNs ?? null)],
  ['latency_mean_ns', completed((t) => t.latency?.meanNs ?? null)],
  ['latency_ambiguous', completed((t) => t.latency?.ambiguous ?? null)],
  ['waited_ns', completed((t) => (t.openLoop ? (t.section?.waitedNs ?? null) : null))],
  ['achieved_per_s', completed((t) => t.openLoop?.achievedPerS ?? null)],
  ['late_bursts', completed((t) => t.openLoop?.lateBursts ?? null)],
  ['latest_ns', completed((t) => t.openLoop?.latestNs ?? null)],
  ['due_latency_p50_ns', completed((t) => t.openLoop?.latencyFromDue?.p50Ns ?? null)],
  ['due_latency_p99_ns', completed((t) => t.openLoop?.latencyFromDue?.p99Ns ?? null)],
  ['due_latency_p999_ns', completed((t) => t.openLoop?.latencyFromDue?.p999Ns ?? null)],
  ['due_latency_max_ns', completed((t) => t.openLoop?.latencyFromDue?.maxNs ?? null)],
  ['idle', (t) => t.spec.idle],
  ['soaked', (t) => (t.spec.soaked === true ? 1 : 0)],
  ['cpu_total_ns', completed((t) => t.cpuBill?.totalNs ?? null)],
  ['cpu_unattributed_ns', completed((t) => t.cpuBill?.unattributedNs ?? null)],
  ['paths', (t) => (t.spec.detail === 'paths' ? 1 : 0)],
  ['wakeup', (t) => t.spec.wakeup.kind],
  ['wakeup_value', (t) => ('value' in t.spec.wakeup ? t.spec.wakeup.value : null)],
  ['stall_ms', (t) => t.spec.stallMs],
  ['cpu_quota', (t) => t.spec.cpuQuota ?? null],
  ['throttled_ns', completed((t) => t.throttling?.throttledNs ?? null)],
  ['throttled_periods', completed((t) => t.throttling?.throttledPeriods ?? null)],
  ['asked_buffer_bytes', (t) => t.spec.bufferBytes],
  ['asked_calls_in_flight', (t) => t.spec.inFlight],
  ['buffer_bytes', completed((t) => t.geometry.bufferBytes)],
  ['reachable_bytes_per_cpu', completed((t) => t.geometry.reachableBytesPerCpu)],
  ['bytes_per_call', completed((t) => t.geometry.bytesPerCall)],
  ['calls_in_flight', completed((t) => t.geometry.callsInFlight)],
  ['collector_drain_cpu_ns', completed((t) => t.collector.drainCpuNs)],
  ['collector_kernel_cpu_ns', completed((t) => t.collector.kernelCpuNs)],
  ['collector_process_cpu_ns', completed((t) => t.collector.processCpuNs)],
  ['collector_max_rss_bytes', completed((t) => t.collector.maxRssBytes)],
  ['collector_rounds', completed((t) => t.collector.rounds)],
  ['collector_records', completed((t) => t.collector.records)],
  ['open_ns', completed((t) => t.openNs)],
  ['attach_ns', completed((t) => t.attachNs)],
  ['detach_ns', completed((t) => t.detachNs)],
  ['steal_ns', completed((t) => t.stealNs)],
];

function interval(name: string, pick: (cell: Cell) => Interval | null): Column<Cell>[] {
  return [
    [name, (c) => pick(c)?.estimate ?? null],
    [`${name}_low`, (c) => pick(c)?.low ?? null],
    [`${name}_high`, (c) => pick(c)?.high ?? null],
  ];
}

const CPU_PARTS = [
  ['workload', 'workload'],
  ['collector', 'collector'],
  ['other_threads', 'otherThreads'],
  ['kernel_threads', 'kernelThreads'],
  ['unattributed', 'unattributed'],
  ['total', 'total'],
] as const;

const CELL_COLUMNS: readonly Column<Cell>[] = [
  ['cell_id', (c) => c.cellId],
  ['baseline_cell_id', (c) => c.baselineCellId],
  ['workload', (c) => c.workload.name],
  ['threads', (c) => (c.workload.kind === 'stamped' ? c.workload.threads : null)],
  ['offered_per_s', (c) => paceOf(c.workload)?.ratePerS ?? null],
  ['burst_calls', (c) => paceOf(c.workload)?.burstCalls ?? null],
  ['calls', (c) => (c.workload.kind === 'stamped' ? c.workload.calls : null)],
  ['variant', (c) => c.variant],
  ['regime', (c) => c.terms.regime],
  ['delivers', (c) => c.terms.delivers],
  ['detail', (c) => c.terms.detail],
  ['paths', (c) => (c.terms.paths === true ? 1 : 0)],
  ['filter', (c) => c.terms.filter?.join(' ') ?? null],
  ['placement', (c) => c.terms.placement],
  ['workload_cpus', (c) => c.terms.workloadCpus?.join(' ') ?? null],
  ['collector_cpus', (c) => c.terms.collectorCpus?.join(' ') ?? null],
  ['wakeup', (c) => c.terms.wakeup.kind],
  ['wakeup_value', (c) => ('value' in c.terms.wakeup ? c.terms.wakeup.value : null)],
  ['starvation', (c) => (c.terms.starvation ? starvationText(c.terms.starvation) : null)],
  ['clock', (c) => c.terms.clock],
  ['idle', (c) => c.terms.idle],
  ['audit_context', (c) => c.terms.auditContext],
  ['asked_buffer_bytes', (c) => c.terms.askedBufferBytes],
  ['asked_calls_in_flight', (c) => c.terms.askedCallsInFlight],
  ['buffer_bytes', (c) => c.terms.geometry?.bufferBytes ?? null],
  ['reachable_bytes_per_cpu', (c) => c.terms.geometry?.reachableBytesPerCpu ?? null],
  ['bytes_per_call', (c) => c.terms.geometry?.bytesPerCall ?? null],
  ['calls_in_flight', (c) => c.terms.geometry?.callsInFlight ?? null],
  ['stress_factor', (c) => c.terms.stressFactor],
  ['trials_completed', (c) => c.trials.completed],
  ['trials_failed', (c) => c.trials.failed],
  ['trials_reconciled', (c) => (c.terms.delivers === 'nothing' ? null : c.trials.reconciled)],
  ['trials_flagged', (c) => c.trials.flagged],
  ['delivered_fraction', (c) => c.deliveredFraction],
  ...interval('slowdown', (c) => c.slowdown),
  ['slowdown_confidence', (c) => c.slowdown?.confidence ?? null],
  ['slowdown_rounds', (c) => c.slowdown?.n ?? null],
  ...interval('slowdown_bca', (c) => c.slowdownBca),
  ...interval('added_ns_per_call', (c) => c.addedNsPerCall),
  ...interval('alongside_over_sum_ns', (c) => c.alongside?.overSumNs ?? null),
  ['alongside_delivered_fraction', (c) => c.alongside?.deliveredFraction ?? null],
  ...interval('ns_per_call', (c) => c.perCallNs),
  ...interval('duration_ns', (c) => c.durationNs),
  ['figure_of_merit_unit', (c) => c.figureOfMerit?.unit ?? null],
  ['figure_of_merit_better', (c) => c.figureOfMerit?.better ?? null],
  ...interval('figure_of_merit', (c) => c.figureOfMerit?.value ?? null),
  ...interval('figure_of_merit_ratio', (c) => c.figureOfMerit?.ratio ?? null),
  ['issued_calls_joint', (c) => c.issuedInJointTrials?.calls ?? null],
  ['issued_calls_joint_spread', (c) => c.issuedInJointTrials?.spread ?? null],
  ['joint_trials', (c) => c.issuedInJointTrials?.trials ?? null],
  ['reported_loss_calls_min', (c) => c.reportedLossCalls?.min ?? null],
  ['reported_loss_calls_max', (c) => c.reportedLossCalls?.max ?? null],
  ...interval('lost_fraction', (c) => c.lossByTrial?.fraction ?? null),
  ...interval('lost_calls_by_trial', (c) => c.lossByTrial?.calls ?? null),
  ...interval('throttled_fraction', (c) => c.lossByTrial?.throttledFraction ?? null),
  ['discrepancy_min', (c) => c.discrepancy?.min ?? null],
  ['discrepancy_max', (c) => c.discrepancy?.max ?? null],
  ...interval('throughput_per_s', (c) => c.throughputPerS),
  ['latency_made', (c) => c.latency?.made ?? null],
  ['latency_count', (c) => c.latency?.count ?? null],
  ['latency_p50_ns', (c) => c.latency?.p50Ns ?? null],
  ['latency_p90_ns', (c) => c.latency?.p90Ns ?? null],
  ['latency_p99_ns', (c) => c.latency?.p99Ns ?? null],
  ['latency_p999_ns', (c) => c.latency?.p999Ns ?? null],
  ['latency_p9999_ns', (c) => c.latency?.p9999Ns ?? null],
  ['latency_max_ns', (c) => c.latency?.maxNs ?? null],
  ...interval('achieved_per_s', (c) => c.openLoop?.achievedPerS ?? null),
  ['late_fraction', (c) => c.openLoop?.lateFraction ?? null],
  ['latest_ns', (c) => c.openLoop?.latestNs ?? null],
  ['due_latency_p50_ns', (c) => c.openLoop?.latencyFromDue?.p50Ns ?? null],
  ['due_latency_p99_ns', (c) => c.openLoop?.latencyFromDue?.p99Ns ?? null],
  ['due_latency_p999_ns', (c) => c.openLoop?.latencyFromDue?.p999Ns ?? null],
  ['due_latency_max_ns', (c) => c.openLoop?.latencyFromDue?.maxNs ?? null],
  ...interval('collector_cpu_fraction', (c) => c.openLoop?.collectorCpuFraction ?? null),
  ...interval('collector_cpu_ns_per_call', (c) => c.collectorCpuNsPerCall),
  ...CPU_PARTS.flatMap(([name, part]) => [
    ...interval(`cpu_${name}_ns_per_call`, (c) => c.cpuBill?.perCall[part] ?? null),
    ...interval(`cpu_${name}_added_ns_per_call`, (c) => c.cpuBill?.added?.[part] ?? null),
  ]),
  ['cpu_noise_ns_per_call', (c) => c.cpuBill?.noiseNsPerCall ?? null],
  ['cpu_delivered_fraction', (c) => c.cpuBill?.deliveredFraction ?? null],
  ['cpu_trials_completed', (c) => c.cpuBill?.trials.completed ?? null],
  ...interval('attach_ns', (c) => c.attachNs),
  ...interval('detach_ns', (c) => c.detachNs),
  ['flags', (c) => c.flags.map((f) => f.code).join(' ') || null],
];

/** All trials, warm-up and failed ones too, in the order they are given. */
export function trialsCsv(trials: readonly TrialResult[]): string {
  return csv(TRIAL_COLUMNS, trials);
}

export function cellsCsv(study: Study): string {
  return csv(CELL_COLUMNS, study.cells);
}
