/**
 * One run of a contestant beside one target: started while the target waits at its gate, stopped once it is gone, its text
 * read afterwards, off the clock. A Companion of runTraced; after it, `losses` and the files of `folder` have all it said.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, DECODED, STDERR, STDOUT } from '../../backends/external/contestant.ts';
import type { Counter, LaunchNeeds } from '../backend.ts';
import { BackendError } from '../errors.ts';
import { readFact } from '../machine/proc-files.ts';
import type { Target, TargetEnd } from '../session/target.ts';
import type { Companion } from '../session/traced.ts';
import { type Blanks, fillBlanks } from './blanks.ts';
import { hasLine, linesOf, sizesOf, tailOf } from './output-files.ts';
import { peakRssBytes, processCpuNs, treeCpuNs } from './process-use.ts';
import { waitReady } from './ready.ts';
import { readLoss } from './tool-output.ts';
import { endWithin, howItEnded, MOST_FILE_BYTES, runTool, startTool, type ToolWords } from './tool-process.ts';

const READY_LIMIT_MS = 20_000;
const COMMAND_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 20_000;
/** What survives SIGKILL is stuck in the kernel. */
const KILL_LIMIT_MS = 5000;
const SETTLE_LIMIT_MS = 20_000;
/** Text of a gigabyte takes perf script a minute. */
const DECODE_LIMIT_MS = 120_000;
const SETTLE_LOOK_MS = 50;
/** Of a tool that launches its target and is gone with it. */
const CPU_LOOK_MS = 20;

export interface ToolTerms {
  readonly folder: string;
  readonly cpus: readonly number[] | null;
  /** All blanks that do not depend on the target. */
  readonly blanks: Omit<Blanks, 'pid' | 'sessionId' | 'folder'>;
  /** For tests of what happens at its limits. */
  readonly readyLimitMs?: number;
  readonly stopLimitMs?: number;
  readonly mostFileBytes?: number;
}

export class ToolRun implements Companion {
  readonly needs: LaunchNeeds;
  readonly broken: Promise<void>;
  /** From its start to its ready sign; from the order to stop to its end. */
  attachNs = 0;
  detachNs = 0;
  /** CPU from ready to the target's end, and to its own. */
  cpuNs = 0;
  wholeCpuNs = 0;
  maxRssBytes = 0;
  readonly #contestant: Contestant;
  readonly #terms: ToolTerms;
  #blanks: Blanks | null = null;
  #tool: Target | null = null;
  #end: Promise<TargetEnd> | null = null;
  #ended: TargetEnd | null = null;
  #stopping = false;
  #readyCpuNs = 0;
  #watch: NodeJS.Timeout | null = null;
  #askedBefore: readonly number[] = [];
  #broke: () => void = () => {};
  #losses: readonly Counter[] = [];

  constructor(contestant: Contestant, terms: ToolTerms) {
    this.#contestant = contestant;
    this.#terms = terms;
    this.needs = contestant.needs ?? {};
    this.broken = new Promise((resolve) => {
      this.#broke = resolve;
    });
  }

  /** As the tool admits, over its whole run; after detach. */
  get losses(): readonly Counter[] {
    return this.#losses;
  }

  /** The words that stand before the target's own. */
  prefix(): readonly string[] {
    const { starts, words } = this.#contestant;
    if (starts === 'attaches') return [];
    return words.map((word) => fillBlanks(word, { ...this.#terms.blanks, ...this.#unknown() }));
  }

  #unknown() {
    return { folder: this.#terms.folder, pid: '', sessionId: '' };
  }

  async attach(pid: number): Promise<void> {
    const { folder, cpus } = this.#terms;
    const contestant = this.#contestant;
    /* A kernel without audit has no such file, and no contestant that asks for it. */
    const sessionId = readFact(`/proc/${pid}/sessionid`) ?? '';
    const blanks: Blanks = { ...this.#terms.blanks, folder, pid: String(pid), sessionId };
    this.#blanks = blanks;
    if (contestant.starts === 'launches') {
      /* The target's root is the tool: from its exec on, sampled, because it is gone with the target. */
      this.#watch = setInterval(() => {
        this.cpuNs = Math.max(this.cpuNs, processCpuNs(pid));
        this.wholeCpuNs = this.cpuNs;
        this.maxRssBytes = Math.max(this.maxRssBytes, peakRssBytes(pid));
      }, CPU_LOOK_MS);
      return;
    }
    for (const [name, text] of Object.entries(contestant.files ?? {})) {
      writeFileSync(join(folder, name), fillBlanks(text, blanks), { mode: 0o600 });
    }
    this.#askedBefore = await this.#ask('before');
    const began = process.hrtime.bigint();
    const words = contestant.words.map((word) => fillBlanks(word, blanks));
    const tool = await startTool(this.#bounded(words), folder, cpus);
    this.#tool = tool;
    this.#end = tool.end();
    this.#end.then(
      (end) => this.#noteEnd(end),
      () => this.#broke(),
    );
    await this.#untilReady(tool);
    for (const command of contestant.arm ?? []) await this.#command(command, 'arm');
    this.attachNs = Number(process.hrtime.bigint() - began);
    this.#readyCpuNs = treeCpuNs(tool.pid);
  }

  get #mostFileBytes(): number {
    return this.#terms.mostFileBytes ?? MOST_FILE_BYTES;
  }

  #bounded(words: readonly string[]): ToolWords {
    return { words, tracefs: this.#contestant.tracefs, mostFileBytes: this.#mostFileBytes };
  }

  #noteEnd(end: TargetEnd): void {
    this.#ended = end;
    const asItShould = this.#contestant.stop === 'target' && end.exitCode === 0;
    if (!this.#stopping && !asItShould) this.#broke();
  }

  async #untilReady(tool: Target): Promise<void> {
    const { ready, words } = this.#contestant;
    if (ready === null) return;
    const limitMs = this.#terms.readyLimitMs ?? READY_LIMIT_MS;
    const until = Date.now() + limitMs;
    const isReady = await waitReady(
      ready,
      tool.pid,
      this.#terms.folder,
      () => this.#ended !== null || Date.now() > until,
    );
    if (isReady) return;
    this.#checkRoom();
    if (this.#ended !== null) throw this.#failure('start', howItEnded(this.#ended));
    throw this.#failure('start', `${words[0]} did not show that it traces within ${limitMs} ms`);
  }

  /** What went wrong, what it said last, and the mend where its file knows one. */
  #failure(operation: string, what: string): BackendError {
    const { folder } = this.#terms;
    const said = [STDERR, STDOUT].map((file) => tailOf(join(folder, file))).filter((text) => text !== '');
    const files = [STDERR, STDOUT].map((file) => join(folder, file));
    const mend = this.#contestant.refusals?.find(({ says }) => files.some((file) => hasLine(file, says)))?.mend;
    const text = said.length > 0 ? `${what}; it said: ${said.join('; ')}` : what;
    const code = operation === 'start' ? 'UNSUPPORTED' : 'INTERNAL';
    return new BackendError(code, `external/${this.#contestant.name}`, operation, text, { mend });
  }

  async #command(words: readonly string[], out: string): Promise<void> {
    const { folder, blanks } = this.#terms;
    const filled = words.map((word) => fillBlanks(word, this.#blanks ?? { ...blanks, ...this.#unknown() }));
    const limitMs = out === DECODED ? DECODE_LIMIT_MS : COMMAND_LIMIT_MS;
    try {
      await runTool(this.#bounded(filled), folder, out, limitMs);
    } catch (error) {
      throw this.#failure(out, `${(error as Error).message}: ${tailOf(join(folder, `${out}.stderr`))}`);
    }
  }

  /** What the losses that must be asked for stand at. */
  async #ask(out: string): Promise<number[]> {
    const counts: number[] = [];
    for (const loss of this.#contestant.losses) {
      if (!('ask' in loss)) continue;
      await this.#command(loss.ask, out);
      counts.push(readLoss(linesOf(join(this.#terms.folder, out)), loss));
    }
    return counts;
  }

  async detach(): Promise<void> {
    const contestant = this.#contestant;
    this.#stopping = true;
    if (this.#tool !== null && this.#end !== null) await this.#stop(this.#tool, this.#end);
    this.#checkRoom();
    if (contestant.decode !== undefined) await this.#command(contestant.decode, DECODED);
    const asked = await this.#ask('after');
    let next = 0;
    this.#losses = contestant.losses.map((loss): Counter => {
      const { name, unit } = loss;
      if ('file' in loss) {
        return { name, unit, place: 'kernel', count: readLoss(linesOf(join(this.#terms.folder, loss.file)), loss) };
      }
      const count = (asked[next] ?? 0) - (this.#askedBefore[next] ?? 0);
      next++;
      return { name, unit, place: 'kernel', count };
    });
  }

  #checkRoom(): void {
    const most = this.#mostFileBytes;
    if (sizesOf(this.#terms.folder).largest < most) return;
    throw this.#failure('write', `its output reached ${most} bytes, all there is room for: give fewer --calls`);
  }

  async #stop(tool: Target, ended: Promise<TargetEnd>): Promise<void> {
    const { stop, settleMs } = this.#contestant;
    this.#checkRoom();
    if (this.#ended !== null && (stop !== 'target' || this.#ended.exitCode !== 0)) {
      throw this.#failure('trace', `it ${howItEnded(this.#ended)} before its target`);
    }
    const atEnd = treeCpuNs(tool.pid);
    await this.#settle(settleMs);
    const began = process.hrtime.bigint();
    if (stop === 'SIGINT') tool.interrupt();
    if (stop === 'SIGTERM') tool.terminate();
    const limitMs = this.#terms.stopLimitMs ?? STOP_LIMIT_MS;
    const end = await endWithin(tool, ended, limitMs);
    if (end === null)
      throw this.#failure(
        'stop',
        `it still ran ${limitMs} ms after ${stop === 'target' ? 'its target' : stop} and was killed`,
      );
    this.detachNs = Number(process.hrtime.bigint() - began);
    this.wholeCpuNs = Math.max(0, end.userNs + end.systemNs - this.#readyCpuNs);
    /* One that ends with its target may be gone before it can be looked at: then all it used is what is known. */
    this.cpuNs = atEnd > this.#readyCpuNs ? atEnd - this.#readyCpuNs : this.wholeCpuNs;
    this.maxRssBytes = end.maxRssBytes;
  }

  /** Until nothing in the folder has grown for `quietMs`. */
  async #settle(quietMs: number): Promise<void> {
    if (quietMs === 0) return;
    const limit = Date.now() + SETTLE_LIMIT_MS;
    let last = sizesOf(this.#terms.folder).all;
    let since = Date.now();
    while (Date.now() - since < quietMs && Date.now() < limit) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_LOOK_MS));
      const now = sizesOf(this.#terms.folder).all;
      if (now !== last) since = Date.now();
      last = now;
    }
  }

  async close(): Promise<void> {
    this.#stopping = true;
    if (this.#watch !== null) clearInterval(this.#watch);
    if (this.#tool === null) return;
    if (this.#ended === null) await this.#kill(this.#tool);
    await this.#tool.close();
  }

  /** Whoever waits for its end reaps its launcher; a second one at the same time would find nobody. */
  async #kill(tool: Target): Promise<void> {
    tool.kill();
    const late = new Promise<void>((resolve) => {
      setTimeout(resolve, KILL_LIMIT_MS).unref();
    });
    await Promise.race([this.#end?.catch(() => undefined), late]);
  }
}
