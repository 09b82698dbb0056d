/**
 * One study at a time on a machine: two would measure each other.
 *
 * The lock is a listening socket in the abstract namespace: the kernel takes it back when its holder dies, however it
 * dies, so there is no stale lock to clear and no file to leave behind. Whoever connects is told who holds it.
 */
import { connect, createServer } from 'node:net';
import { cannotError } from '../errors.ts';

const NAME = '\0tracebench-study';
const ANSWER_PATIENCE_MS = 1000;

export interface StudyLock {
  release(): Promise<void>;
}

/** Throws (exit code 3) with the holder's pid and command when a study already runs. */
export async function lockStudy(command: string, name: string = NAME): Promise<StudyLock> {
  const holder = JSON.stringify({ pid: process.pid, command });
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy()); // the asker went away: nothing to tell
    socket.end(holder);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(undefined);
      else reject(cannotError(`the lock of studies could not be taken: ${error.message}`, undefined, error));
    });
    server.listen({ path: name });
  }).catch(async (error: unknown) => {
    throw error ?? (await held(name));
  });
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function held(name: string): Promise<Error> {
  const answer = await askHolder(name);
  let who = 'a process that does not say which';
  let mend = 'wait for it to end, or find it with: ss -xlp | grep tracebench-study';
  try {
    const { pid, command } = JSON.parse(answer) as { pid?: unknown; command?: unknown };
    if (typeof pid === 'number' && typeof command === 'string') {
      who = `process ${pid} (${command})`;
      mend = `wait for it to end, or end it: kill ${pid}`;
    }
  } catch {
    // Whoever listens there is no study of this version; the general mend finds it.
  }
  return cannotError(`another study is running on this machine: ${who}; two would measure each other`, mend);
}

function askHolder(name: string): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ path: name });
    const done = () => {
      socket.destroy();
      resolve(text);
    };
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_PATIENCE_MS, done);
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', done);
    socket.on('end', done);
  });
}
