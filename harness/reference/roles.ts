/** Who is held against whom: the collector that the others are compared with, and the one that counts. */
import type { BackendDefinition } from '../backend.ts';
import { definitionOf } from '../plan/variants.ts';
import type { JointRoles } from './plan.ts';

/** The collector that is proved against ground truth and that the others are held against. */
export const REFERENCE = 'ebpf';

/** Supplies how many calls were issued, in the reference check. */
export const COUNTER = 'ebpf/count';

/** Whole tools and collectors of functions take no part: neither delivers system calls to us. */
export function jointRoles(backends: readonly BackendDefinition[]): JointRoles {
  return {
    reference: REFERENCE,
    counter: COUNTER,
    delivering: (id) => {
      const { capabilities, tool } = definitionOf(id, backends).variant;
      return capabilities.delivers !== 'nothing' && capabilities.events === undefined && tool === undefined;
    },
  };
}
