/** Gives back what a killed run left behind: what the guard knows how to restore, and orphaned processes of ours. */
import { z } from 'zod';
import { readFact } from '../machine/proc-files.ts';
import { binDir } from '../paths.ts';
import { listOurProcesses, type OurProcess, readOurProcess } from './processes.ts';
import { type ProgramRun, runProgram } from './programs.ts';

/** The guard outlives its trial on purpose: it restores, then ends. */
const SPARED = new Set(['tracebench-guard', 'tracebench-state']);

/** Processes that adopt orphans: whoever has one of them as parent has lost the one that started it. */
const REAPERS = /^(systemd|init|tini|dumb-init|docker-init|catatonit|conmon|containerd-shim.*|s6-svscan|runsvdir)$/;

function isOrphan(ours: OurProcess): boolean {
  if (ours.ppid === 1) return true;
  return REAPERS.test(readFact(`/proc/${ours.ppid}/comm`) ?? '');
}

/**
 * Ends `ours` if it is still the same process. Between the look and the signal lie microseconds, in which the pid
 * cannot have come round again.
 */
function end(ours: OurProcess, directory: string): string {
  const now = readOurProcess(ours.pid, directory);
  if (now === null || now.startTicks !== ours.startTicks) return `${ours.name} (pid ${ours.pid}) had ended by itself`;
  try {
    process.kill(ours.pid, 'SIGKILL');
  } catch (error) {
    return `could not end orphaned ${ours.name} (pid ${ours.pid}): ${(error as Error).message}`;
  }
  return `ended orphaned ${ours.name} (pid ${ours.pid})`;
}

/** Ends orphans among our native programs in `directory`; processes with a living parent are named and left alone. */
export function repairProcesses(directory = binDir): string[] {
  const lines: string[] = [];
  for (const ours of listOurProcesses(directory)) {
    if (SPARED.has(ours.name)) {
      lines.push(`${ours.name} (pid ${ours.pid}) is at work and ends by itself`);
    } else if (isOrphan(ours)) {
      lines.push(end(ours, directory));
    } else {
      lines.push(`left alone: ${ours.name} (pid ${ours.pid}), its parent ${ours.ppid} is alive`);
    }
  }
  return lines;
}

/** What tracebench-guard --repair says, by what a guard can hold. */
const repairSchema = z.record(
  z.string(),
  z.union([z.object({ removed: z.array(z.string()), inUse: z.array(z.string()) }), z.object({ error: z.string() })]),
);

/** The guard's answer in lines; none when it found nothing. */
export function describeGuardRepair(run: ProgramRun): string[] {
  const failed = (why: string): string[] => [`what guards held was not looked at: ${why}`];
  if (!run.ran) return failed(`tracebench-guard: ${run.reason} (npm run build)`);
  let json: unknown = null;
  try {
    json = JSON.parse(run.stdout);
  } catch {
    // Not JSON, so not the answer that was promised: said below.
  }
  const parsed = repairSchema.safeParse(json);
  if (!parsed.success) return failed(`tracebench-guard: ${run.stderr.trim() || `exit code ${run.exitCode}`}`);
  return Object.entries(parsed.data).flatMap(([hold, found]) =>
    'error' in found
      ? [`could not repair ${hold}: ${found.error}`]
      : [
          ...found.removed.map((what) => `removed stale ${hold}: ${what}`),
          ...found.inUse.map((what) => `left alone: ${hold} ${what}, its guard is alive`),
        ],
  );
}

/** Repairs all there is to repair; returns what was done and what could not be, a line each; none: nothing was left. */
export async function repair(): Promise<string[]> {
  return [...describeGuardRepair(await runProgram('tracebench-guard', ['--repair'])), ...repairProcesses()];
}
