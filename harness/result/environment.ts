/** Where it was measured: the machine, its calibration, what could not run there. */
import { z } from 'zod';
import { count } from './quantities.ts';

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
