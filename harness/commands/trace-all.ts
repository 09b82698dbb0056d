/** `tracebench trace --all`: who can take part, the joint run, the table. */
import { backends, findVariant } from '../../backends/index.ts';
import { cannotError } from '../errors.ts';
import { COUNTER, REFERENCE } from '../reference/roles.ts';
import type { BackendRow } from '../result.ts';
import { probeVariant } from '../session/probe.ts';
import { watchForStop } from '../stop.ts';
import { parseSyscallList } from '../syscalls/index.ts';
import { type AllResult, traceAll } from '../trace/all.ts';
import { renderSideBySide } from '../trace/side-by-side.ts';
import { Sink } from '../trace/sink.ts';
import { type CommandContext, printJson } from './context.ts';

export interface TraceByAll {
  readonly argv: readonly string[];
  readonly events: readonly string[] | null;
  readonly output: string | null;
  readonly bufferBytes: number;
  readonly user: string | null;
}

/** Default variants of all backends; the command's exit code. Throws (exit 3) without the reference. */
export async function traceByAll(asked: TraceByAll, around: CommandContext): Promise<number> {
  const rows: BackendRow[] = [];
  for (const { name, variants } of backends) {
    if (variants[0]?.capabilities.delivers !== 'nothing') rows.push(await probeVariant(name));
  }
  const counter = await probeVariant(COUNTER);
  const lacking = [...rows, counter].find((row) => [REFERENCE, COUNTER].includes(row.variant) && row.answer === 'no');
  if (lacking !== undefined) {
    const why = `--all holds every backend against ${REFERENCE}, and ${lacking.variant} cannot run here: ${lacking.reason}`;
    throw cannotError(why, lacking.mend ?? './tracebench trace --backend ptrace -- CMD');
  }
  const usable = rows.filter((row) => row.answer !== 'no').map((row) => row.variant);
  const open = around.behalf?.as ?? (<T>(make: () => T): T => make());
  const { output } = asked;
  const sink = output === null ? null : open(() => Sink.file(output));
  const stop = watchForStop(() => undefined);
  try {
    const result = await traceAll({
      variants: [REFERENCE, ...usable.filter((id) => id !== REFERENCE)],
      reference: REFERENCE,
      counter: COUNTER,
      blocks: (id) => findVariant(id).variant.capabilities.regime === 'blocks',
      argv: asked.argv,
      filter: asked.events === null ? null : parseSyscallList(asked.events.join(',')),
      filterNames: asked.events,
      bufferBytes: asked.bufferBytes,
      user: asked.user,
      signal: stop.signal,
    });
    const unusable = rows.filter((row) => row.answer === 'no');
    if (around.json && sink === null) await printJson(around, documentOf(result, unusable));
    else
      (sink ?? Sink.stderr()).write(
        around.json ? JSON.stringify(documentOf(result, unusable)) : renderSideBySide(result, unusable),
      );
    const stopped = stop.reason();
    if (stopped !== null) return stopped.exitCode;
    const { exitCode, signal } = result.run;
    return signal === null ? (exitCode ?? 1) : 128 + signal;
  } finally {
    stop.dispose();
    sink?.close();
  }
}

function documentOf({ parts, failed, issued, run }: AllResult, unusable: readonly BackendRow[]): object {
  return {
    type: 'joint',
    complete: run.aborted === null,
    exitCode: run.exitCode,
    signal: run.signal,
    durationNs: run.durationNs,
    issued: issued.tally,
    backends: parts.map(({ witness, against, alone }) => ({
      variant: witness.variant,
      alone,
      tally: witness.tally,
      lost: witness.lost,
      geometry: witness.report.geometry,
      collectorCpuNs: witness.report.run.drainCpuNs,
      attachNs: witness.report.armNs,
      detachNs: witness.report.disarmNs,
      verdict: against?.verdict ?? null,
      reasons: against?.reasons ?? [],
      content: against?.content ?? null,
    })),
    absent: [...unusable, ...failed],
  };
}
