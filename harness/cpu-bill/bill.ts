/**
 * The CPU bill of one soaked section: what the machine did, of that what is known to have done it, and the rest. Pure.
 *
 * A piece takes what the section's own undisturbed pieces took, because clock frequencies move within a study; where a CPU
 * left the soaker too few of them, what they took before the trial: then there is little to multiply.
 */
import type { SoakReading } from '../../native/index.ts';
import { EXIT, TracebenchError } from '../errors.ts';
import type { CpuBill } from '../result.ts';

const LEAST_QUICK_PIECES = 1000;

/** What was counted from `earlier` to `later`. */
export function soakReading(later: SoakReading, earlier: SoakReading): SoakReading {
  const before = new Map(earlier.cpus.map((cpu) => [cpu.cpu, cpu]));
  return {
    ns: later.ns - earlier.ns,
    cpus: later.cpus.map(({ cpu, pieces, quickPieces, quickNs }) => ({
      cpu,
      pieces: pieces - (before.get(cpu)?.pieces ?? 0),
      quickPieces: quickPieces - (before.get(cpu)?.quickPieces ?? 0),
      quickNs: quickNs - (before.get(cpu)?.quickNs ?? 0),
    })),
  };
}

/** Time that the soaker worked, over all CPUs; `idle` is of the machine before. Throws where it never worked undisturbed. */
export function soakedNs(reading: SoakReading, idle: SoakReading): number {
  return reading.cpus.reduce((sum, own) => {
    const calibrated = idle.cpus.find(({ cpu }) => cpu === own.cpu);
    const timed = [own, calibrated].find((of) => of !== undefined && of.quickPieces >= LEAST_QUICK_PIECES);
    if (timed === undefined) {
      throw new TracebenchError(EXIT.invalid, `the soaker hardly ran on CPU ${own.cpu}: something else had it`, {
        mend: 'run on a quiet machine',
      });
    }
    return sum + (own.pieces * timed.quickNs) / timed.quickPieces;
  }, 0);
}

/** Share of the machine that the soaker did not get. */
export function busyFraction(reading: SoakReading, idle: SoakReading): number {
  return 1 - soakedNs(reading, idle) / (reading.ns * reading.cpus.length);
}

export function cpuBill(of: {
  /** Between the gates. */
  readonly section: SoakReading;
  /** Before the trial. */
  readonly idle: SoakReading;
  /** Of the workload, without its waiting in memory, which is no work. */
  readonly workloadNs: number;
  readonly spunNs: number;
  readonly drainNs: number;
  /** Of the trial process, its drain thread included. */
  readonly processNs: number;
  readonly kernelThreads: readonly CpuBill['kernelThreads'][number][];
}): CpuBill {
  const { section, workloadNs, spunNs, drainNs } = of;
  const soaked = soakedNs(section, of.idle);
  const otherThreadsNs = of.processNs - drainNs;
  const kernelNs = of.kernelThreads.reduce((sum, { cpuNs }) => sum + cpuNs, 0);
  const totalNs = section.ns * section.cpus.length - soaked - spunNs;
  return {
    windowNs: section.ns,
    cpus: section.cpus.length,
    soakedNs: soaked,
    spunNs,
    workloadNs,
    drainNs,
    otherThreadsNs,
    kernelThreads: [...of.kernelThreads],
    unattributedNs: totalNs - workloadNs - drainNs - otherThreadsNs - kernelNs,
    totalNs,
    idleBusyFraction: busyFraction(of.idle, of.idle),
  };
}
