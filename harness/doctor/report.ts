/** What doctor says: the report as data and as text for a terminal. Pure; facts and answers come from outside. */
import type { BackendRow } from '../result.ts';
import type { AuditFacts, MachineFacts } from './facts.ts';

/** One thing to do, and every variant it would bring. */
export interface Mend {
  readonly mend: string;
  readonly variants: readonly string[];
}

export interface DoctorReport {
  readonly machine: MachineFacts;
  /** Whom targets belong to when the processes that trace are started through sudo; null when they are not. */
  readonly elevatedFor: string | null;
  /** Every registered variant, in report order. */
  readonly backends: readonly BackendRow[];
  readonly usable: number;
  readonly total: number;
  /** Most variants first. */
  readonly mends: readonly Mend[];
  /** "You can run N of M; this gets k more: …". */
  readonly verdict: string;
}

function groupMends(rows: readonly BackendRow[]): Mend[] {
  const groups = new Map<string, string[]>();
  for (const row of rows) {
    if (row.answer === 'yes' || row.mend === null) continue;
    const group = groups.get(row.mend);
    if (group === undefined) groups.set(row.mend, [row.variant]);
    else group.push(row.variant);
  }
  return [...groups]
    .map(([mend, variants]) => ({ mend, variants }))
    .sort((a, b) => b.variants.length - a.variants.length);
}

function verdict(usable: number, total: number, mends: readonly Mend[]): string {
  const can = `You can run ${usable} of ${total}`;
  if (usable === total) return `${can}.`;
  if (mends.length === 0) return `${can}; no mend is known for the others.`;
  const more = mends.map((m) => `this gets ${m.variants.length} more: ${m.mend}`);
  return `${can}; ${more.join('; ')}.`;
}

export function buildReport(
  machine: MachineFacts,
  backends: readonly BackendRow[],
  elevatedFor: string | null,
): DoctorReport {
  const usable = backends.filter((row) => row.answer === 'yes').length;
  const mends = groupMends(backends);
  const total = backends.length;
  return { machine, elevatedFor, backends, usable, total, mends, verdict: verdict(usable, total, mends) };
}

function auditText(audit: AuditFacts): string {
  if (audit.reason !== null) return `unknown: ${audit.reason}`;
  const status = ['off', 'on', 'on, locked until reboot'][audit.enabled ?? -1] ?? 'unknown';
  const owner =
    audit.ownerPid === 0
      ? 'no owner'
      : `${audit.ownerLives ? 'owned' : 'last owned'} by pid ${audit.ownerPid} (${audit.ownerName ?? 'gone'})`;
  return `${status}, ${owner}, ${audit.rules} rules`;
}

function memlockText(bytes: MachineFacts['memlockBytes']): string {
  if (bytes === null) return 'unknown';
  return bytes === 'unlimited' ? bytes : `${Math.round(bytes / 1024)} KiB`;
}

const shown = (value: string | number | null): string => (value === null ? 'not shown' : String(value));

function factLines({ machine: m, elevatedFor }: DoctorReport): [string, string][] {
  const e = m.environment;
  const held =
    m.missingCapabilities.length === 0 ? 'all capabilities in use' : `lacks ${m.missingCapabilities.join(', ')}`;
  const pidNamespace =
    m.initialPidNamespace === null ? 'unknown' : m.initialPidNamespace ? 'the initial one' : 'not the initial one';
  return [
    ['system', `${e.osRelease}, Linux ${e.kernelRelease} ${e.arch}`],
    [
      'cpu',
      `${e.cpusOnline} × ${e.cpuModel}, ${(e.memoryBytes / 2 ** 30).toFixed(1)} GiB, hypervisor: ${e.virtualisation}`,
    ],
    ['kernel', `preemption ${e.preemption}, HZ ${shown(e.hz)}, lockdown ${shown(e.lockdown)}`],
    ['clock', `CLOCK_MONOTONIC from ${e.clocksource}`],
    ['user', elevatedFor === null ? `uid ${e.uid}, ${held}` : `uid ${e.uid}; what traces is started through sudo`],
    ['container', `${e.container ?? 'none'}, pid namespace: ${pidNamespace}, seccomp mode ${shown(m.seccompMode)}`],
    [
      'bpf',
      `BTF ${e.btf ? 'yes' : 'no'}, JIT ${shown(m.bpfJit)}, unprivileged_bpf_disabled ${shown(m.unprivilegedBpfDisabled)}`,
    ],
    ['limits', `RLIMIT_MEMLOCK ${memlockText(m.memlockBytes)}`],
    ['perf', `perf_event_paranoid ${shown(m.perfEventParanoid)}`],
    ['ptrace', `Yama ptrace_scope ${shown(m.ptraceScope)}`],
    ['tracefs', `${m.tracefs ?? 'not mounted'}, debugfs ${m.debugfs ?? 'not mounted'}`],
    ['audit', auditText(m.audit)],
  ];
}

const MARKS = { yes: 'yes', no: 'no', unknown: '?' } as const;

/** Terminal text, ending in a newline. */
export function renderDoctor(report: DoctorReport): string {
  const lines = ['Machine'];
  for (const [label, text] of factLines(report)) lines.push(`  ${label.padEnd(10)} ${text}`);
  lines.push('', 'Backends');
  const width = Math.max(...report.backends.map((row) => row.variant.length));
  for (const row of report.backends) {
    lines.push(`  ${row.variant.padEnd(width)}  ${MARKS[row.answer].padEnd(3)} ${row.reason ?? ''}`.trimEnd());
  }
  if (report.mends.length > 0) {
    lines.push('', 'Mends');
    for (const { mend, variants } of report.mends) lines.push(`  ${mend}`, `    gets ${variants.join(', ')}`);
  }
  lines.push('', report.verdict, '');
  return lines.join('\n');
}
