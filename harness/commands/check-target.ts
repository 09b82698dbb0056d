/** Things about the target that are checked before anything runs: better one message than a failed trial a round. */
import { accessSync, constants, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { cannotError, usageError } from '../errors.ts';
import type { Host } from '../host/host.ts';

/** The program must be found as execvp would find it. */
export function checkCommand(argv: readonly string[], path: string = process.env['PATH'] ?? ''): void {
  const program = argv[0];
  if (program === undefined || program === '')
    throw usageError('there is no command after --', 'write -- CMD ARGUMENTS');
  const places = program.includes('/')
    ? [program]
    : path.split(':').map((dir) => join(dir === '' ? '.' : dir, program));
  const found = places.filter((place) => kindOf(place) === 'file');
  if (found.length === 0) {
    const kind = program.includes('/') ? kindOf(program) : 'missing';
    if (kind === 'directory') throw usageError(`the command '${program}' is a directory`, 'name a program in it');
    if (kind === 'hidden') {
      throw usageError(`the command '${program}' lies where this user may not look`, 'run as a user who may');
    }
    const where = program.includes('/') ? '' : ' in PATH';
    throw usageError(`the command '${program}' does not exist${where}`, 'check its spelling, or give its whole path');
  }
  if (!found.some(isExecutable)) {
    throw usageError(`the command '${found[0]}' may not be executed by this user`, `chmod +x ${found[0]}`);
  }
}

/** hidden: in a directory that this user may not search; PATH often names some, and execvp passes over them. */
function kindOf(path: string): 'file' | 'directory' | 'other' | 'missing' | 'hidden' {
  try {
    const stat = statSync(path);
    return stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'hidden' : 'missing';
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The user must exist; only who traces as root may run a target as somebody else. */
export async function checkUser(user: string, host: Host): Promise<void> {
  const found = await execa('getent', ['passwd', user], { reject: false, stdin: 'ignore' });
  if (found.failed) throw usageError(`--user: there is no user '${user}'`, 'name one that `getent passwd` knows');
  const { uid, username } = userInfo();
  const theirs = Number(found.stdout.split(':')[2]);
  if (uid !== 0 && host.invoker === null && theirs !== uid) {
    throw cannotError(
      `only root may run the target as '${user}'`,
      `run as root, or leave --user out (you are ${username})`,
    );
  }
}
