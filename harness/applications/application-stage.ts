/**
 * The stage of an application of the catalogue: a directory of its own, made anew for each run because what writes would find what the run before it left. The
 * guard removes it, however this process goes.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Application, findApplication, type Place } from '../../workloads/applications/index.ts';
import { cannotError, EXIT, TracebenchError, usageError } from '../errors.ts';
import { readMachine } from '../machine/machine.ts';
import { type Guard, holdScratch } from '../session/guard.ts';
import { Target, type TargetSettings, untracedSettings } from '../session/target.ts';
import { loadServer } from './load.ts';
import { findProgram, lackOf } from './programs.ts';
import type { SetStage, Stage, StageSettings } from './stage.ts';

/** Throws TracebenchError when a program is missing or the directory cannot be made or filled; nothing is left then. */
export async function setApplicationStage({ workload, user, workloadCpus }: StageSettings): Promise<SetStage> {
  const application = findApplication(workload.name);
  if (application === undefined) throw usageError(`no application is called '${workload.name}'`, './tracebench list');
  const lack = lackOf(application);
  if (lack !== null) throw cannotError(`application ${application.name}: ${lack.reason}`, lack.mend);
  const scratch = await holdScratch();
  try {
    const stage = await fill(application, scratch, user, workloadCpus);
    return { stage, clear: () => scratch.release() };
  } catch (error) {
    await scratch.release();
    throw error;
  }
}

async function fill(
  application: Application,
  scratch: Guard,
  user: string | null,
  workloadCpus: readonly number[] | null,
): Promise<Stage> {
  const directory = scratch.where;
  if (directory === null) {
    throw cannotError(`application ${application.name}: ${scratch.reason}`, 'name a directory with room in TMPDIR');
  }
  const { name, server, figure } = application;
  const place: Place = { directory, port: server?.listens === 'tcp' ? await freePort() : 0 };
  try {
    application.prepare(place);
  } catch (cause) {
    throw cannotError(
      `application ${name}: its directory cannot be filled: ${(cause as Error).message}`,
      'name a directory with 64 MB of room in TMPDIR',
      cause,
    );
  }
  if (user !== null && process.getuid?.() === 0) await handOver(directory, user);
  const outputOf = (who: string): string => join(directory, `${who}.stdout`);
  const printed = server === null ? outputOf('target') : outputOf('load');
  const load =
    server === null ? null : loadSettings(server.load(place), { directory, user, workloadCpus, stdout: printed });
  const address = server?.listens === 'tcp' ? { port: place.port } : { path: 'socket' };
  return {
    argv: resolved(application.argv),
    surroundings: {
      directory,
      stdout: outputOf('target'),
      beside: load === null ? null : (target, gone) => loadServer(target, gone, { name, address, generator: load }),
    },
    figureOf({ exitCode, signal, durationNs }) {
      if (exitCode !== 0) {
        const how = signal === null ? `with exit code ${exitCode}` : `by signal ${signal}`;
        throw new TracebenchError(EXIT.runError, `application ${name} ended ${how}`);
      }
      const { from, unit, better } = figure;
      const value = 'run' in from ? (from.run.amount * 1e9) / durationNs : from.output(readFileSync(printed, 'utf8'));
      return { value, unit, better };
    },
  };
}

function resolved([program = '', ...rest]: readonly string[]): string[] {
  return [findProgram(program) ?? program, ...rest];
}

/** Its CPUs are those that the server leaves, the same whether or not somebody traces; all, where it leaves none. */
function loadSettings(
  argv: readonly string[],
  o: Pick<StageSettings, 'user' | 'workloadCpus'> & { readonly directory: string; readonly stdout: string },
): TargetSettings {
  const rest = o.workloadCpus === null ? [] : readMachine().cpus.filter((cpu) => !o.workloadCpus?.includes(cpu));
  return untracedSettings({
    argv: resolved(argv),
    cpus: rest.length > 0 ? rest : null,
    user: o.user,
    directory: o.directory,
    stdio: { out: o.stdout, err: 'inherit' },
  });
}

/** A port of the loopback nobody has at this moment. Should somebody take it before the server does, the trial fails and says so. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

/** chown knows users as the launcher does: by name, or by numbers that have no name. */
async function handOver(directory: string, user: string): Promise<void> {
  const owner = /^\d+(:\d+)?$/.test(user) ? user : `${user}:`;
  const argv = [findProgram('chown') ?? 'chown', '-R', '--', owner, directory];
  const target = await Target.launch(untracedSettings({ argv, cpus: null, user: null, directory, stdio: 'null' }));
  try {
    target.start();
    const { exitCode } = await target.end();
    if (exitCode !== 0) throw new TracebenchError(EXIT.runError, `chown could not give ${directory} to ${user}`);
  } finally {
    await target.close();
  }
}
