/** Which applications this machine has the programs for. */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Application } from '../../workloads/applications/index.ts';
import type { WorkloadRow } from '../result.ts';

/** Debian keeps servers where a user's PATH does not look. */
const SYSTEM_PROGRAMS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path of an executable file, as execvp would find it or where servers lie; null when there is none. */
export function findProgram(name: string, path: string = process.env['PATH'] ?? ''): string | null {
  if (name.includes('/')) return isProgram(name) ? name : null;
  const directories = [...path.split(':').filter((directory) => directory.startsWith('/')), ...SYSTEM_PROGRAMS];
  return directories.map((directory) => join(directory, name)).find(isProgram) ?? null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What an application lacks; null when it can run. */
export function lackOf(
  application: Application,
  find: (name: string) => string | null = findProgram,
): WorkloadRow | null {
  const missing = application.programs.filter((name) => find(name) === null);
  if (missing.length === 0) return null;
  const { name, packages } = application;
  const installed = packages.length > 0;
  return {
    workload: name,
    reason: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not there${
      installed ? ` (Debian: ${packages.join(', ')})` : ''
    }`,
    mend: installed ? './tracebench setup --contestants' : 'npm run build',
  };
}
