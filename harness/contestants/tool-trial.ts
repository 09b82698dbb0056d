/** What a trial under a whole tool has beside a backend's: the tool's run, and its text read into the trial's result. */
import { join } from 'node:path';
import type { Contestant } from '../../backends/external/contestant.ts';
import { findWorkload } from '../../workloads/index.ts';
import { cannotError } from '../errors.ts';
import { readMachine } from '../machine/machine.ts';
import { readProcess } from '../machine/proc-files.ts';
import { reachableBytes } from '../plan/buffer.ts';
import type { CompletedTrial, WorkloadSpec } from '../result.ts';
import { type Guard, holdScratch } from '../session/guard.ts';
import { NATIVE_ARCH } from '../session/session.ts';
import { findSyscallNumber, syscallName } from '../syscalls/index.ts';
import type { KindTruth } from '../trial/oracle.ts';
import { argvOf } from '../trial/workload-command.ts';
import { judgeTool, warmupOf } from './books.ts';
import { linesOf } from './output-files.ts';
import { readCalls, type StampedTruth } from './tool-output.ts';
import { ToolRun } from './tool-run.ts';

/** What the result of a trial takes from the tool instead of from the session, which only served the gates. */
export type ToolFindings = Pick<
  CompletedTrial,
  'calls' | 'accounting' | 'throughputPerS' | 'latency' | 'geometry' | 'collector' | 'attachNs' | 'detachNs'
>;

const NO_TRUTH: StampedTruth = { lanes: [], kinds: [] };

/** Names by which the guard knows what this process made (native/launcher/README.md). */
function ownNames(): { instance: string; ruleKey: string } {
  const self = readProcess('self');
  if (self === null) throw cannotError('/proc/self/stat cannot be read', 'mount -t proc proc /proc');
  return {
    instance: `tracebench-${process.pid}-${self.startTicks}`,
    ruleKey: `tracebench-audit:${process.pid}:${self.startTicks}`,
  };
}

export interface ToolTrialTerms {
  readonly workload: WorkloadSpec;
  readonly bufferBytes: number;
  readonly collectorCpus: readonly number[] | null;
}

export class ToolTrial {
  readonly run: ToolRun;
  /** Of the target; a tool that launches it stands before it. */
  readonly argv: readonly string[];
  readonly #contestant: Contestant;
  readonly #terms: ToolTrialTerms;
  readonly #folder: string;
  readonly #scratch: Guard;

  /** `command`: of an application. Throws when the tool's folder cannot be had. Release it on every path. */
  static async open(contestant: Contestant, terms: ToolTrialTerms, command: readonly string[]): Promise<ToolTrial> {
    const scratch = await holdScratch();
    try {
      if (scratch.where === null) {
        const what = `external/${contestant.name}: there is no directory for its output: ${scratch.reason}`;
        throw cannotError(what, 'name a directory with room in TMPDIR');
      }
      return new ToolTrial(contestant, terms, command, scratch, scratch.where);
    } catch (error) {
      await scratch.release();
      throw error;
    }
  }

  private constructor(
    contestant: Contestant,
    terms: ToolTrialTerms,
    command: readonly string[],
    scratch: Guard,
    folder: string,
  ) {
    this.#contestant = contestant;
    this.#terms = terms;
    this.#scratch = scratch;
    this.#folder = folder;
    const { workload, bufferBytes } = terms;
    const machine = readMachine();
    const bytesPerCpu = bufferBytes / machine.bufferCpus;
    const stamped = workload.kind === 'stamped' ? findWorkload(workload.name) : undefined;
    this.run = new ToolRun(contestant, {
      folder,
      cpus: terms.collectorCpus,
      blanks: {
        calls: stamped?.stamped.join(',') ?? 'all',
        pagesPerCpu: String(2 ** Math.floor(Math.log2(bytesPerCpu / machine.pageBytes))),
        kibPerCpu: String(Math.floor(bytesPerCpu / 1024)),
        ...ownNames(),
      },
    });
    const target = workload.kind === 'stamped' ? argvOf(workload, warmupOf(workload.calls)) : command;
    this.argv = [...this.run.prefix(), ...target];
  }

  /** After the run. `truth` and `kinds` null: an application, of which nobody knows what it issued. */
  read(truth: StampedTruth | null, kinds: readonly KindTruth[] | null): ToolFindings {
    const { output, covers, buffer } = this.#contestant;
    const { workload, bufferBytes } = this.#terms;
    const found = readCalls(
      linesOf(join(this.#folder, output.file)),
      output,
      covers,
      truth ?? NO_TRUTH,
      findSyscallNumber,
    );
    const { run } = this;
    const reachable = buffer === null ? 0 : Math.floor(reachableBytes(buffer, bufferBytes, readMachine()));
    const calls = [...found.calls].sort(([a], [b]) => a - b);
    return {
      calls: calls.map(([nr, count]) => ({ nr, name: syscallName(NATIVE_ARCH, nr), count })),
      accounting: judgeTool({
        contestant: this.#contestant,
        kinds,
        lanes: truth?.lanes.length ?? 0,
        warmup: workload.kind === 'stamped' ? warmupOf(workload.calls) : 0,
        callsPerIteration: (workload.kind === 'stamped' ? findWorkload(workload.name)?.callsPerIteration : null) ?? 1,
        workload: workload.name,
        found,
        counters: run.losses,
      }),
      /* Text does not tell when it was read. */
      throughputPerS: null,
      latency: null,
      geometry: {
        bufferBytes: buffer === null ? 0 : bufferBytes,
        reachableBytesPerCpu: reachable,
        bytesPerCall: buffer?.bytesPerCall ?? 0,
        callsInFlight: buffer === null ? 0 : Math.floor(reachable / buffer.bytesPerCall),
      },
      collector: {
        drainCpuNs: run.cpuNs,
        kernelCpuNs: 0,
        processCpuNs: run.wholeCpuNs,
        maxRssBytes: run.maxRssBytes,
        rounds: 0,
        records: calls.reduce((sum, [, count]) => sum + count, 0),
      },
      attachNs: run.attachNs,
      detachNs: run.detachNs,
    };
  }

  /** Ends the tool, removes its folder. */
  async release(): Promise<void> {
    await this.run.close();
    await this.#scratch.release();
  }
}
