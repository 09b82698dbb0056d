/** Waiting until a tool traces: a text that it writes, or a call that its main thread waits in. */
import { join } from 'node:path';
import type { ReadySign } from '../../backends/external/contestant.ts';
import { readFact } from '../machine/proc-files.ts';
import { NATIVE_ARCH } from '../session/session.ts';
import { syscallName } from '../syscalls/index.ts';
import { hasLine } from './output-files.ts';

const LOOK_MS = 10;
/** So many looks one after another find it waiting: while it starts it may wait in the same call, but not so long. */
const LOOKS_WAITING = 5;

/** arm64 has the newer ones only, and libraries go over to them. */
const OLDER_FORM: Readonly<Record<string, string>> = { ppoll: 'poll', epoll_pwait: 'epoll_wait' };

/** The call a process's main thread is in; null when it runs, is gone, or may not be looked at. */
function callOf(pid: number): string | null {
  const number = /^\d+/.exec(readFact(`/proc/${pid}/syscall`) ?? '')?.[0];
  return number === undefined ? null : syscallName(NATIVE_ARCH, Number(number));
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
      if (hasLine(join(folder, sign.file), sign.line)) return true;
    } else {
      const call = callOf(pid);
      looks = call !== null && sign.waitsIn.includes(OLDER_FORM[call] ?? call) ? looks + 1 : 0;
      if (looks >= LOOKS_WAITING) return true;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return false;
}
