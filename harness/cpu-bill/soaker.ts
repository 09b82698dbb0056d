/**
 * The soaker of a trial: tracebench-awake counting what is left over of every CPU. It is looked at while nothing else
 * runs, before the trial, which says how an idle machine looks to it and what a piece takes where a CPU leaves it none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { native, type SoakHandle, type SoakReading } from '../../native/index.ts';
import { type Awake, keepAwake } from '../trial/idle.ts';
import { soakReading } from './bill.ts';

/** A few thousand pieces, after which the soaker knows its shortest. */
const SETTLE_MS = 20;
const LOOK_MS = 100;

export interface Soaker extends Awake {
  readonly handle: SoakHandle;
  /** Of the machine before the trial. */
  readonly idle: SoakReading;
}

/** Throws TracebenchError (exit code 3) where no soaker can be had. */
export async function startSoaker(): Promise<Soaker> {
  const { fd, handle } = native().createSoak();
  const awake = await keepAwake(fd);
  try {
    await sleep(SETTLE_MS);
    const before = native().readSoak(handle);
    await sleep(LOOK_MS);
    const idle = soakReading(native().readSoak(handle), before);
    return { ...awake, handle, idle };
  } catch (error) {
    await awake.release();
    throw error;
  }
}
