/** What the workload itself says of its section, through its control page: the truth that collectors are held against. */
import { type ControlReport, native } from '../../native/index.ts';
import { EXIT, TracebenchError } from '../errors.ts';
import { NR_FUNCTION } from '../event.ts';
import { functionOf } from '../plan/events.ts';
import type { TrialSpec } from '../result.ts';
import { NATIVE_ARCH } from '../session/session.ts';
import type { TracedOutcome } from '../session/traced.ts';
import { syscallName } from '../syscalls/index.ts';
import type { KindTruth } from './oracle.ts';

const GATE_END = 3;

export type Control = ReturnType<ReturnType<typeof native>['createControl']>;

/** What the workload put into its control page, or an error that says why that cannot be trusted. */
export function readTruth(control: Control, outcome: TracedOutcome, spec: TrialSpec): ControlReport {
  const truth = native().readControl(control.handle);
  if (truth.clockEntersKernel) {
    throw new TracebenchError(EXIT.cannot, 'clock_gettime(CLOCK_MONOTONIC) makes a system call with this clocksource', {
      mend: 'switch to a clocksource with a vDSO (tsc, kvm-clock): the stamps would trace themselves',
    });
  }
  const name = spec.workload.name;
  if (truth.errno !== 0) throw new TracebenchError(EXIT.runError, `workload ${name}: ${truth.errorText}`);
  if (truth.gate !== GATE_END || !outcome.reports.every((report) => report.sectionLeft)) {
    const how = outcome.end.signal !== null ? `signal ${outcome.end.signal}` : `code ${outcome.end.exitCode}`;
    throw new TracebenchError(EXIT.runError, `workload ${name} ended with ${how} before the end of its section`);
  }
  return truth;
}

export function kindTruths(
  truth: ControlReport,
  filter: readonly number[] | null,
  program: string | undefined,
): KindTruth[] {
  return truth.kinds.map((k) => ({
    nr: k.nr,
    name: k.nr === NR_FUNCTION ? (functionOf(program)?.symbol ?? 'a function') : syscallName(NATIVE_ARCH, k.nr),
    class: k.class,
    issued: k.issued,
    wanted: filter === null || filter.includes(k.nr),
  }));
}
