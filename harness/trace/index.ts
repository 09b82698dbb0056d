/** `tracebench trace`: any command through any backend, printed as it goes or summed up. */
import { findVariant } from '../../backends/index.ts';
import type { AskedDetail, VariantDefinition } from '../backend.ts';
import { usageError } from '../errors.ts';
import type { EventBatch } from '../event.ts';
import { checkDetail } from '../session/detail.ts';
import { watchForStop } from '../stop.ts';
import { parseSyscallList } from '../syscalls/index.ts';
import { formatJson, formatRecord } from './format.ts';
import { type LostCalls, lostCalls, renderLost } from './loss.ts';
import { runUnderVariant, type TracedRun } from './run.ts';
import { Sink } from './sink.ts';
import { renderSummary } from './summary.ts';
import { type Tally, TallyCounter, tallyCounts } from './tally.ts';

export interface TraceCommandOptions {
  /** Variant id. */
  readonly backend: string;
  /** Names or classes; null: all calls. */
  readonly filter: readonly string[] | null;
  readonly summary: boolean;
  /** null: text to standard error, JSON to standard output. */
  readonly output: string | null;
  /** Opens the output with the rights of whoever asked. */
  readonly openAs: <T>(open: () => T) => T;
  readonly json: boolean;
  readonly argv: readonly string[];
  readonly bufferBytes: number;
  readonly user: string | null;
  /**
   * What a line must hold: with `enter` no return values are printed, with `paths` strings in place of pointers to them.
   * Default: what the variant delivers.
   */
  readonly detail?: 'enter' | 'full' | AskedDetail;
  /** CLOCK_MONOTONIC before each call. Default: no. */
  readonly timestamps?: boolean;
}

function askedDetail({ detail }: TraceCommandOptions): AskedDetail | undefined {
  return detail === 'paths' ? detail : undefined;
}

/** Throws a usage error for what the variant cannot do at all. */
function checkVariant(id: string, variant: VariantDefinition, options: TraceCommandOptions): void {
  const { delivers, detail, filter } = variant.capabilities;
  if (delivers === 'nothing') {
    throw usageError(
      `${id} records nothing: there is nothing to print`,
      'choose another with --backend, e.g. ebpf or ptrace',
    );
  }
  if (options.detail === 'full' && detail === 'enter') {
    throw usageError(
      `${id} records calls at their entry, without return values`,
      'add --detail enter, or choose another with --backend',
    );
  }
  checkDetail(id, variant, askedDetail(options));
  if (options.filter !== null && filter === 'none') {
    throw usageError(`${id} cannot select calls`, 'leave -e out, or choose another with --backend');
  }
}

function formatBatch(batch: EventBatch, options: TraceCommandOptions): string {
  const text = { timestamps: options.timestamps ?? false, returns: options.detail !== 'enter' };
  let lines = '';
  for (let i = 0; i < batch.count; i++) {
    const record = batch.at(i);
    lines += `${options.json ? formatJson(record) : formatRecord(record, text)}\n`;
  }
  return lines;
}

function summaryJson(tally: Tally, run: TracedRun | null, lost: LostCalls | null): string {
  return `${JSON.stringify({ type: 'summary', complete: run !== null && !run.interrupted, ...ending(run), ...tally, lost })}\n`;
}

function ending(run: TracedRun | null): object {
  return { exitCode: run?.exitCode ?? null, signal: run?.signal ?? null, durationNs: run?.durationNs ?? null };
}

function endText(run: TracedRun | null, reason: string): string {
  if (run === null || run.interrupted) return `+++ trace incomplete: ${reason} +++\n`;
  return run.signal === null
    ? `+++ exited with ${run.exitCode ?? 'no code'} +++\n`
    : `+++ killed by signal ${run.signal} +++\n`;
}

/**
 * Traces the command to its end and returns the exit code for tracebench: the command's own, 128 + n when signal n
 * killed it, 130/143/129 when tracebench was told to stop. The command keeps its standard streams. Whatever was lost
 * is said on standard error. Throws usage errors, BackendError, and a run error when the trace cannot be written.
 */
export async function runTrace(options: TraceCommandOptions): Promise<number> {
  const { variant } = findVariant(options.backend);
  checkVariant(options.backend, variant, options);
  const filter = options.filter === null ? null : parseSyscallList(options.filter.join(','));
  const { output, openAs } = options;
  const sink = output !== null ? openAs(() => Sink.file(output)) : options.json ? Sink.stdout() : Sink.stderr();
  // Told twice to stop: the target is already being killed, there is nothing quicker.
  const stop = watchForStop(() => undefined);
  const brokenSink = new AbortController();
  let sinkError: unknown = null;
  const counter = new TallyCounter();
  let records = 0;
  try {
    let run: TracedRun | null = null;
    try {
      run = await runUnderVariant({
        variant: options.backend,
        argv: options.argv,
        filter,
        bufferBytes: options.bufferBytes,
        detail: askedDetail(options),
        user: options.user,
        stdio: 'inherit',
        deadlineMs: null,
        signal: AbortSignal.any([stop.signal, brokenSink.signal]),
        onBatch(batch) {
          records += batch.count;
          if (sinkError !== null) return;
          try {
            if (options.summary) counter.addBatch(batch);
            else sink.write(formatBatch(batch, options));
          } catch (error) {
            sinkError = error;
            brokenSink.abort(error);
          }
        },
      });
    } catch (error) {
      if (sinkError !== null) throw sinkError;
      if (stop.reason() === null) throw error;
    }
    if (sinkError !== null) throw sinkError;

    const lost = run === null ? null : lostCalls(run.counters, variant.loss, run.bridgeLostRecords);
    const reason = stop.reason()?.text ?? '';
    const counts = run?.counts ?? null;
    if (options.summary || variant.capabilities.delivers === 'counts') {
      const tally = counts === null ? counter.result() : tallyCounts(counts);
      if (options.json) sink.write(summaryJson(tally, run, lost));
      else sink.write(renderSummary(tally) + (run === null || run.interrupted ? endText(run, reason) : ''));
      if (counts !== null && run !== null && run.foreignCalls > 0) {
        Sink.stderr().write(`${run.foreignCalls} calls of another architecture are not in the table\n`);
      }
    } else if (options.json) {
      sink.write(
        `${JSON.stringify({ type: 'end', complete: run !== null && !run.interrupted, ...ending(run), records, lost })}\n`,
      );
    } else {
      sink.write(endText(run, reason));
    }
    if (lost === null) Sink.stderr().write(`${reason}: what was lost is not known\n`);
    else if (lost.max !== 0 || options.summary) Sink.stderr().write(`${renderLost(lost)}\n`);

    const stopped = stop.reason();
    if (stopped !== null) return stopped.exitCode;
    if (run === null) throw new Error('the run ended without a result and without a reason');
    return run.signal === null ? (run.exitCode ?? 1) : 128 + run.signal;
  } finally {
    stop.dispose();
    sink.close();
  }
}
