/** `node cpu-quota-entry.js`: whether a CPU quota can be had, for a caller who lacks the rights that a trial will have. */
import { writeSync } from 'node:fs';
import { holdCpuGroup } from '../session/guard.ts';

const guard = await holdCpuGroup();
await guard.release();
if (!guard.held) {
  writeSync(2, guard.reason);
  process.exitCode = 1;
}
