/** What planning knows of the project and of the machine, as data: tests plan with made-up ones. */
import type { BackendDefinition } from '../backend.ts';
import type { Machine } from '../machine/machine.ts';
import type { PlannedApplication, StampedWorkload } from './cell-request.ts';

export interface PlanContext {
  readonly backends: readonly BackendDefinition[];
  readonly workloads: readonly StampedWorkload[];
  readonly applications: readonly PlannedApplication[];
  readonly machine: Machine;
  /** Names or classes of system calls, parted by commas → native numbers; throws a usage error for an unknown one. */
  readonly syscallNumbers: (list: string) => readonly number[];
  readonly syscallName: (nr: number) => string;
}
