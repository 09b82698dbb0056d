/** The calibration block: what the bare machine costs before and after the rounds. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { cannotError } from '../errors.ts';
import { readFact } from '../machine/proc-files.ts';
import { binDir } from '../paths.ts';
import type { Calibration } from '../result.ts';
import { holdNoAuditContext } from '../session/guard.ts';

/** The program bounds itself to 10 s; it takes a quarter of one. */
const DEADLINE_MS = 12_000;

const outputSchema = z.object({
  bareCallMinNs: z.number(),
  bareCallMedianNs: z.number(),
  clockCostNs: z.number(),
  clockResolutionNs: z.number(),
  clockEntersKernel: z.boolean(),
  tickNs: z.number(),
  pipeRoundTripSameCpuNs: z.number(),
  pipeRoundTripCrossCpuNs: z.number().nullable(),
  pipeRoundTripCrossCpuBusyNs: z.number().nullable(),
  cpus: z.array(z.number()),
});

export interface CpuTicks {
  /** All states of all CPUs together. */
  readonly total: number;
  readonly steal: number;
}

/** First line of /proc/stat. Guest time is part of user time there, so only the first eight columns are added. */
export function readCpuTicks(stat: string): CpuTicks {
  const columns = /^cpu +(.+)$/m.exec(stat)?.[1]?.split(' ').map(Number).slice(0, 8) ?? [];
  return { total: columns.reduce((sum, ticks) => sum + ticks, 0), steal: columns[7] ?? 0 };
}

/** Share of the time between two readings that the hypervisor gave to others; 0 when no tick passed. */
export function stealFraction(before: CpuTicks, after: CpuTicks): number {
  const total = after.total - before.total;
  return total > 0 ? (after.steal - before.steal) / total : 0;
}

/**
 * Runs tracebench-calibrate (about 0.25 s, all CPUs it may use). The bare call is the minimum of blocks, like the
 * trials' canary, so that the two can be held against each other; like their targets it carries no audit context where
 * that can be had. Throws when the program is not built or fails.
 */
export async function calibrate(): Promise<Calibration> {
  const program = join(binDir, 'tracebench-calibrate');
  if (!existsSync(program)) throw cannotError(`${program} is not built`, 'npm run build');
  const guard = await holdNoAuditContext();
  const before = readCpuTicks(readFact('/proc/stat') ?? '');
  const run = await execa(program, {
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
    reject: false,
    stdin: 'ignore',
  }).finally(() => guard.release());
  const after = readCpuTicks(readFact('/proc/stat') ?? '');
  if (run.failed) throw cannotError(`calibration failed: ${run.stderr || run.shortMessage}`, undefined, run);
  const parsed = outputSchema.parse(JSON.parse(run.stdout));
  return {
    auditContext: guard.held ? 'absent' : 'unknown',
    bareCallNs: parsed.bareCallMinNs,
    clockCostNs: parsed.clockCostNs,
    clockResolutionNs: parsed.clockResolutionNs,
    clockEntersKernel: parsed.clockEntersKernel,
    pipeRoundTripSameCpuNs: parsed.pipeRoundTripSameCpuNs,
    pipeRoundTripCrossCpuNs: parsed.pipeRoundTripCrossCpuNs,
    pipeRoundTripCrossCpuBusyNs: parsed.pipeRoundTripCrossCpuBusyNs,
    stealFraction: stealFraction(before, after),
  };
}
