/** What a study was made under, at the end of its summary: who could run, each cell's terms, the machine, what was left out. */
import { count, formatBytes, NOTHING, percent, time } from '../harness/notation.ts';
import type { Cell, Study } from '../harness/result.ts';
import { backendLabel } from '../harness/result-words.ts';
import { columns } from './columns.ts';
import { asked, cpus, detailOf, wakeup, workload } from './format.ts';
import { markdownTable, text } from './markdown-table.ts';

export function conditions(study: Study): string[] {
  return [
    ...backends(study),
    ...absentWorkloads(study),
    ...termsTable(study.cells),
    ...machine(study),
    ...notMeasured(study),
  ];
}

function backends(study: Study): string[] {
  const rows = study.backends.map((b) => [
    b.variant,
    b.answer === 'yes' ? 'available' : b.answer === 'no' ? 'not available' : 'could not tell',
    b.reason ?? '',
    b.mend ?? '',
  ]);
  if (rows.length === 0) return [];
  return [
    '## Backends asked for',
    '',
    ...markdownTable(columns('left:backend', 'left:here', 'left:reason', 'left:mend'), rows),
    '',
  ];
}

function absentWorkloads({ absentWorkloads: rows }: Study): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) => [row.workload, row.reason, row.mend]);
  return [
    '## Applications that cannot run here',
    '',
    ...markdownTable(columns('left:application', 'left:reason', 'left:mend'), cells),
    '',
  ];
}

function termsTable(cells: readonly Cell[]): string[] {
  const rows = cells.map((c) => {
    const t = c.terms;
    const buffer = t.geometry && t.geometry.callsInFlight > 0 ? t.geometry : null;
    return [
      workload(c.workload),
      backendLabel(c),
      c.workload.kind === 'stamped' ? count(c.workload.calls) : NOTHING,
      t.delivers === 'records' ? detailOf(t) : t.delivers,
      t.filter ? t.filter.join(' ') : 'all',
      t.delivers === 'nothing' ? NOTHING : asked(t),
      buffer ? formatBytes(buffer.bufferBytes) : NOTHING,
      buffer ? formatBytes(buffer.reachableBytesPerCpu) : NOTHING,
      buffer ? `${count(buffer.bytesPerCall)} B` : NOTHING,
      buffer ? count(buffer.callsInFlight) : NOTHING,
      t.stressFactor === null ? NOTHING : t.stressFactor.toPrecision(3),
      t.delivers === 'nothing' ? NOTHING : wakeup(t.wakeup),
      t.placement,
      `${cpus(t.workloadCpus)} / ${cpus(t.collectorCpus)}`,
      t.idle,
      t.auditContext,
    ];
  });
  if (rows.length === 0) return [];
  return [
    '## Terms of each cell',
    '',
    'Clock: CLOCK_MONOTONIC throughout. Calls in flight: what the buffer within reach of one CPU holds. Stress: calls issued / calls in flight.',
    '',
    ...markdownTable(
      columns(
        'left:workload',
        'left:backend',
        'right:calls',
        'left:detail',
        'left:filter',
        'right:buffer asked',
        'right:buffer had',
        'right:within reach of one CPU',
        'right:per call',
        'right:calls in flight',
        'right:stress',
        'left:wake-up',
        'left:placement',
        'left:CPUs workload / collector',
        'left:idle',
        'left:audit context',
      ),
      rows,
    ),
    '',
  ];
}

function machine(study: Study): string[] {
  const e = study.environment;
  const { before, after } = study.calibration;
  const facts: [string, string][] = [
    ['kernel', `${e.kernelRelease} ${e.arch}, ${e.kernelVersion}`],
    ['CPU', `${e.cpusOnline} × ${e.cpuModel}`],
    ['memory', formatBytes(e.memoryBytes)],
    ['virtualisation', e.virtualisation],
    ['container', e.container ?? 'none'],
    ['preemption, HZ', `${e.preemption}, ${e.hz ?? 'unknown'}`],
    ['clocksource', e.clocksource],
    ['governor', e.governor ?? 'none'],
    [
      'mitigations',
      Object.entries(e.mitigations)
        .map(([k, v]) => `${k}: ${v}`)
        .join('; ') || 'none listed',
    ],
    ['user, capabilities', `uid ${e.uid}, ${e.capabilities.join(' ') || 'none'}`],
    ['lockdown, BTF', `${e.lockdown ?? 'unknown'}, ${e.btf ? 'yes' : 'no'}`],
    ['system', e.osRelease],
    ['tool', `tracebench ${e.toolVersion}${e.gitRevision ? ` (${e.gitRevision})` : ''}, Node ${e.nodeVersion}`],
  ];
  const calibration: [string, (c: typeof before) => string][] = [
    ['bare call', (c) => time(c.bareCallNs)],
    ['audit context', (c) => c.auditContext],
    ['clock read', (c) => time(c.clockCostNs)],
    ['clock resolution', (c) => time(c.clockResolutionNs)],
    ['clock enters the kernel', (c) => (c.clockEntersKernel ? 'yes' : 'no')],
    ['pipe round trip, one CPU', (c) => time(c.pipeRoundTripSameCpuNs)],
    ['pipe round trip, across', (c) => time(c.pipeRoundTripCrossCpuNs)],
    ['pipe round trip, across, kept awake', (c) => time(c.pipeRoundTripCrossCpuBusyNs)],
    ['steal', (c) => percent(c.stealFraction)],
  ];
  return [
    '## Machine',
    '',
    'One machine is one data point. Figures that hang on a wake-up carry over to other hardware only as multiples of the pipe round trip.',
    '',
    ...markdownTable(columns('left:', 'left:'), facts),
    '',
    ...markdownTable(
      columns('left:calibration', 'right:before', 'right:after'),
      calibration.map(([name, show]) => [name, show(before), after ? show(after) : NOTHING]),
    ),
    '',
  ];
}

function notMeasured(study: Study): string[] {
  if (study.notMeasured.length === 0) return [];
  return ['## Not measured', '', ...study.notMeasured.map((n) => `- ${text(n.what)}: \`${n.command}\``)];
}
