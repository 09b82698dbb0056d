/** Waiting until a tool traces: a text that it writes, or a call that its main thread waits in. */
import { join } from 'node:path';
import type { ReadySign } from '../../backends/external/contestant.ts';
import { readFact } from '../proc-files.ts';
import { NATIVE_ARCH } from '../session.ts';
import { syscallName } from '../syscalls/index.ts';
import { linesOf } from './output-files.ts';

const LOOK_MS = 10;
/** So many looks one after another find it waiting: while it starts it may wait in the same call, but not so long. */
const LOOKS_WAITING = 5;

/** The call a process's main thread is in; null when it runs, is gone, or may not be looked at. */
function callOf(pid: number): string | null {
  const number = /^\d+/.exec(readFact(`/proc/${pid}/syscall`) ?? '')?.[0];
  return number === undefined ? null : syscallName(NATIVE_ARCH, Number(number));
}

function saysSo(file: string, line: RegExp): boolean {
  for (const text of linesOf(file)) if (line.test(text)) return true;
  return false;
}

/** Resolves with true once the sign is there, with false when `given up` said so before. */
export async function waitReady(
  sign: ReadySign,
  pid: number,
  folder: string,
  givenUp: () => boolean,
): Promise<boolean> {
  for (let looks = 0; !givenUp(); ) {
    if ('file' in sign) {
      if (saysSo(join(folder, sign.file), sign.line)) return true;
    } else {
      const call = callOf(pid);
      const same = (name: string): boolean => call === name || (name === 'poll' && call === 'ppoll');
      looks = call !== null && sign.waitsIn.some(same) ? looks + 1 : 0;
      if (looks >= LOOKS_WAITING) return true;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return false;
}
