/**
 * Two collectors' records of the same process, held against each other call by call: thread, number, arguments, return
 * value and order within a thread, on the fields that both declare. What only one of them can see by its nature (its
 * capabilities say so) may be missing from the other; anything else is a difference.
 */
import type { Capabilities } from '../backend.ts';
import { type EventBatch, type EventRecord, FLAG, isRestart, KIND, RECORD_BYTES, RECORD_OFFSETS } from '../event.ts';
import { syscallNumber } from '../syscalls/index.ts';
import { align, type Sides } from './align.ts';
import type { Recording } from './recording.ts';

export interface Side {
  readonly variant: string;
  readonly capabilities: Capabilities;
  readonly recording: Recording;
}

export interface Difference {
  /** contents: both have the call and disagree; the others: only one side has it. */
  readonly what: 'contents' | 'only-reference' | 'only-other';
  readonly reference: EventRecord | null;
  readonly other: EventRecord | null;
}

export interface ContentComparison {
  /** Names of the fields compared, for people. */
  readonly fields: readonly string[];
  readonly notCompared: readonly { readonly field: string; readonly why: string }[];
  /** Calls found on both sides with equal fields. */
  readonly equal: number;
  readonly contents: number;
  readonly onlyReference: number;
  readonly onlyOther: number;
  /** Calls of the reference that the other cannot see by its declared nature, and which it did not deliver. */
  readonly unseen: number;
  /** Processes with several threads, compared as sets because one side does not name threads. */
  readonly unorderedProcesses: number;
  /** The first ones, in the order they were found. */
  readonly differences: readonly Difference[];
  /**
   * Records that were not compared: a recording was full, the two were too unlike to align, or calls were lost and these are
   * on both sides but not certainly in the same place.
   */
  readonly leftOut: number;
}

const EXECS: ReadonlySet<number> = new Set([syscallNumber('execve'), syscallNumber('execveat')]);

/** The native one; i386's two are told by their own numbers in no native program. */
const SIGRETURNS: ReadonlySet<number> = new Set([syscallNumber('rt_sigreturn')]);

const WORDS = RECORD_BYTES / 4;
const word = (field: keyof typeof RECORD_OFFSETS): number => RECORD_OFFSETS[field] / 4;
const W = {
  tid: word('tid'),
  tgid: word('tgid'),
  nr: word('nr'),
  arch: word('arch'),
  cpuKindValid: word('cpu'),
  flags: word('flags'),
  ret: word('ret'),
  args: word('args'),
} as const;

/**
 * `lossy`: one side admits to have lost calls. Then what only one side has, between places where both agree, is taken for
 * lost by the other, never for one call told differently: which of them would be which call cannot be known.
 */
export function compareContents(reference: Side, other: Side, shown: number, lossy = false): ContentComparison {
  return new Comparer(reference, other, shown, lossy).run();
}

class Comparer {
  readonly #a: Side;
  readonly #b: Side;
  readonly #shown: number;
  readonly #lossy: boolean;
  readonly #left: EventBatch;
  readonly #right: EventBatch;
  readonly #threads: boolean;
  readonly #args: number;
  readonly #returns: boolean;
  readonly #arch: boolean;
  readonly #differences: Difference[] = [];
  /** Execs without a partner in their thread. */
  readonly #execsLeft: number[] = [];
  readonly #execsRight: number[] = [];
  #equal = 0;
  #contents = 0;
  #onlyReference = 0;
  #onlyOther = 0;
  #unseen = 0;
  #unordered = 0;
  #leftOut: number;

  constructor(a: Side, b: Side, shown: number, lossy: boolean) {
    this.#a = a;
    this.#b = b;
    this.#shown = shown;
    this.#lossy = lossy;
    this.#left = a.recording.all();
    this.#right = b.recording.all();
    const [x, y] = [a.capabilities, b.capabilities];
    this.#threads = x.thread && y.thread;
    this.#args = Math.min(x.args, y.args);
    this.#returns = x.returnValue && y.returnValue;
    this.#arch = x.seesForeignArch && y.seesForeignArch;
    this.#leftOut = a.recording.leftOut + b.recording.leftOut;
  }

  run(): ContentComparison {
    const left = this.#lanes(this.#left, this.#a);
    const right = this.#lanes(this.#right, this.#b);
    for (const [lane, mine] of left) {
      const theirs = right.get(lane) ?? [];
      right.delete(lane);
      if (this.#threads || this.#singleThreaded(mine)) this.#align(mine, theirs);
      else this.#matchAsSets(mine, theirs);
    }
    for (const theirs of right.values()) for (const j of theirs) this.#onlyRight(j);
    this.#matchAcrossThreads();
    return {
      fields: this.#fields(),
      notCompared: this.#notCompared(),
      equal: this.#equal,
      contents: this.#contents,
      onlyReference: this.#onlyReference,
      onlyOther: this.#onlyOther,
      unseen: this.#unseen,
      unorderedProcesses: this.#unordered,
      differences: this.#differences,
      leftOut: this.#leftOut,
    };
  }

  /**
   * Record indices by thread, or by process where one side names no threads, each in delivered order; in the order of
   * their times where a collector promises none.
   */
  #lanes(batch: EventBatch, { capabilities }: Side): Map<number, number[]> {
    const lanes = new Map<number, number[]>();
    const at = this.#threads ? W.tid : W.tgid;
    for (let i = 0; i < batch.count; i++) {
      const lane = batch.u32[i * WORDS + at] as number;
      const list = lanes.get(lane);
      if (list === undefined) lanes.set(lane, [i]);
      else list.push(i);
    }
    if (capabilities.ordering === 'none') {
      const time = (i: number): bigint => batch.u64[(i * WORDS) / 2] as bigint;
      for (const list of lanes.values()) list.sort((i, j) => (time(i) < time(j) ? -1 : time(i) > time(j) ? 1 : i - j));
    }
    return lanes;
  }

  #singleThreaded(indices: readonly number[]): boolean {
    if (!this.#a.capabilities.thread) return false;
    const tid = (i: number) => this.#left.u32[i * WORDS + W.tid];
    return indices.every((i) => tid(i) === tid(indices[0] as number));
  }

  /** Both in order. */
  #align(mine: readonly number[], theirs: readonly number[]): void {
    const sides: Sides = {
      same: (i, j) => this.#same(i, j),
      timeAfter: (i, j) => this.#timeAfter(i, j),
      hashLeft: (place, calls) => this.#hashAt(this.#left, mine, place, calls),
      hashRight: (place, calls) => this.#hashAt(this.#right, theirs, place, calls),
    };
    const { equal, apart, leftOut } = align(mine, theirs, sides, this.#lossy);
    this.#equal += equal;
    this.#leftOut += leftOut;
    if (this.#lossy)
      this.#apart(
        apart.flatMap(([left]) => left),
        apart.flatMap(([, right]) => right),
      );
    else for (const [left, right] of apart) this.#disagree(left, right);
  }

  /**
   * What had no partner in its place, where calls were lost: one call and its like further on may have been mistaken for each
   * other. What both sides have all the same is then left out of the comparison, for its order is not known.
   */
  #apart(mine: readonly number[], theirs: readonly number[]): void {
    const alike = new Map<number, number[]>();
    const hash = (batch: EventBatch, index: number): number => this.#hashAt(batch, [index], 0, 1) as number;
    for (const i of mine) {
      const key = hash(this.#left, i);
      const list = alike.get(key);
      if (list === undefined) alike.set(key, [i]);
      else list.push(i);
    }
    const matched = new Set<number>();
    for (const j of theirs) {
      const list = alike.get(hash(this.#right, j)) ?? [];
      const at = list.findLastIndex((i) => this.#same(i, j));
      if (at < 0) {
        this.#onlyRight(j);
      } else {
        matched.add(list.splice(at, 1)[0] as number);
        this.#leftOut += 2;
      }
    }
    for (const i of mine) if (!matched.has(i)) this.#onlyLeft(i);
  }

  /** By how much the other side's record is the later one, ns. */
  #timeAfter(i: number, j: number): number {
    const time = (batch: EventBatch, k: number): bigint => batch.u64[(k * WORDS) / 2] as bigint;
    return Number(time(this.#right, j) - time(this.#left, i));
  }

  /** Of so many calls from there: numbers and arguments, which every side tells alike. null: so many are not left. */
  #hashAt(batch: EventBatch, indices: readonly number[], place: number, calls: number): number | null {
    if (place + calls > indices.length) return null;
    let hash = 0;
    for (let n = 0; n < calls; n++) {
      const base = (indices[place + n] as number) * WORDS;
      hash = Math.imul(hash ^ (batch.u32[base + W.nr] as number), 0x9e3779b1);
      for (let word = W.args; word < W.args + 2 * this.#args; word++)
        hash = Math.imul((hash ^ (hash >>> 15)) + (batch.u32[base + word] as number), 0x85ebca6b);
    }
    return hash;
  }

  /** A stretch without agreement: calls of one number on both sides are the same call told differently. */
  #disagree(mine: readonly number[], theirs: readonly number[]): void {
    const rest = [...theirs];
    for (const i of mine) {
      const nr = this.#left.u32[i * WORDS + W.nr];
      const at = this.#isOptional(this.#left, i, this.#b)
        ? -1
        : rest.findIndex((j) => this.#right.u32[j * WORDS + W.nr] === nr);
      if (at < 0) {
        this.#onlyLeft(i);
      } else {
        for (const j of rest.splice(0, at)) this.#onlyRight(j);
        const j = rest.shift() as number;
        this.#contents++;
        this.#note('contents', i, j);
      }
    }
    for (const j of rest) this.#onlyRight(j);
  }

  /** Several threads under one number: every call must find its equal, in whatever order. */
  #matchAsSets(mine: readonly number[], theirs: readonly number[]): void {
    this.#unordered++;
    const byNr = new Map<number, number[]>();
    for (const j of theirs) {
      const nr = this.#right.u32[j * WORDS + W.nr] as number;
      const list = byNr.get(nr);
      if (list === undefined) byNr.set(nr, [j]);
      else list.push(j);
    }
    for (const i of mine) {
      const list = byNr.get(this.#left.u32[i * WORDS + W.nr] as number) ?? [];
      // The orders differ by a few places only, so the first that fits is near the front.
      const at = list.findIndex((j) => this.#same(i, j));
      if (at < 0) {
        this.#onlyLeft(i);
      } else {
        this.#equal++;
        list.splice(at, 1);
      }
    }
    for (const list of byNr.values()) for (const j of list) this.#onlyRight(j);
  }

  #same(i: number, j: number): boolean {
    const [x, y] = [this.#left.u32, this.#right.u32];
    const [a, b] = [i * WORDS, j * WORDS];
    if (x[a + W.nr] !== y[b + W.nr]) return false;
    if (this.#arch && x[a + W.arch] !== y[b + W.arch]) return false;
    const [kindA, kindB] = [kindOf(x, a), kindOf(y, b)];
    const bothLast = ((x[a + W.flags] as number) & (y[b + W.flags] as number) & FLAG.noReturn) !== 0;
    if (kindA !== kindB && !this.#kindsAgree(kindA, kindB, bothLast)) return false;
    const valid = ((x[a + W.cpuKindValid] as number) >>> 24) & ((y[b + W.cpuKindValid] as number) >>> 24);
    for (let n = 0; n < this.#args; n++) {
      const at = W.args + 2 * n;
      if (valid & (1 << n) && (x[a + at] !== y[b + at] || x[a + at + 1] !== y[b + at + 1])) return false;
    }
    return !this.#returns || sameReturn(this.#left, this.#right, i, j);
  }

  /**
   * An attempt and a call. Not where refusals are unseen: of an attempt that was refused and the call made again, the
   * other then has the second. A thread that is killed makes no second, and whoever stops it may have its last as a call.
   */
  #kindsAgree(a: number, b: number, bothLast: boolean): boolean {
    const calls = (kind: number) => kind === KIND.call || kind === KIND.refused;
    const asCalls = ({ capabilities }: Side) => capabilities.seccompRefusals === 'as-calls';
    return calls(a) && calls(b) && (bothLast || asCalls(this.#a) || asCalls(this.#b));
  }

  /** What `watcher` by its nature cannot see, or not tell from what is no call. */
  #isOptional(batch: EventBatch, i: number, { capabilities }: Side): boolean {
    const base = i * WORDS;
    const kind = kindOf(batch.u32, base);
    const noReturn = ((batch.u32[base + W.flags] as number) & FLAG.noReturn) !== 0;
    return (
      (kind === KIND.birth && !capabilities.seesBirths) ||
      (kind === KIND.refused && capabilities.seccompRefusals === 'unseen') ||
      // Killed in a tracer's stop: by the time the tracer looks there may be nobody left to tell.
      (kind === KIND.refused && noReturn && capabilities.regime === 'blocks') ||
      (noReturn && !capabilities.seesDyingCalls) ||
      (!capabilities.seesSigreturn && SIGRETURNS.has(batch.u32[base + W.nr] as number))
    );
  }

  /**
   * An exec by a thread that is not the leader begins under the thread's number and ends under the leader's: a record
   * made at the entry and one made at the exit name different threads, and both are right.
   */
  #matchAcrossThreads(): void {
    const [mine, theirs] = [this.#execsLeft.splice(0), this.#execsRight.splice(0)];
    const tgid = (batch: EventBatch, k: number): number => batch.u32[k * WORDS + W.tgid] as number;
    for (const i of mine) {
      const at = theirs.findIndex((j) => tgid(this.#left, i) === tgid(this.#right, j) && this.#same(i, j));
      if (at < 0) {
        this.#onlyReference++;
        this.#note('only-reference', i, null);
      } else {
        theirs.splice(at, 1);
        this.#equal++;
      }
    }
    for (const j of theirs) {
      this.#onlyOther++;
      this.#note('only-other', null, j);
    }
  }

  #mayChangeThread(batch: EventBatch, i: number): boolean {
    const differ = this.#a.capabilities.detail !== this.#b.capabilities.detail;
    return differ && this.#threads && EXECS.has(batch.u32[i * WORDS + W.nr] as number);
  }

  #onlyLeft(i: number): void {
    if (this.#mayChangeThread(this.#left, i)) {
      this.#execsLeft.push(i);
      return;
    }
    if (this.#isOptional(this.#left, i, this.#b)) {
      this.#unseen++;
      return;
    }
    this.#onlyReference++;
    this.#note('only-reference', i, null);
  }

  #onlyRight(j: number): void {
    if (this.#mayChangeThread(this.#right, j)) {
      this.#execsRight.push(j);
      return;
    }
    if (this.#isOptional(this.#right, j, this.#a)) return;
    this.#onlyOther++;
    this.#note('only-other', null, j);
  }

  #note(what: Difference['what'], i: number | null, j: number | null): void {
    if (this.#differences.length >= this.#shown) return;
    this.#differences.push({
      what,
      reference: i === null ? null : this.#a.recording.at(i),
      other: j === null ? null : this.#b.recording.at(j),
    });
  }

  #fields(): string[] {
    const fields = [this.#threads ? 'thread' : 'process', 'number', `${this.#args} arguments`];
    if (this.#arch) fields.push('architecture');
    if (this.#returns) fields.push('return value');
    if (this.#ordered()) fields.push(this.#threads ? 'order within a thread' : 'order within a process of one thread');
    return fields;
  }

  #notCompared(): { field: string; why: string }[] {
    const why = (has: (c: Capabilities) => boolean): string =>
      [this.#a, this.#b]
        .filter((side) => !has(side.capabilities))
        .map((side) => `${side.variant} has none`)
        .join(', ');
    const missing: { field: string; why: string }[] = [];
    if (!this.#threads) missing.push({ field: 'thread', why: why((c) => c.thread) });
    if (this.#args < 6) missing.push({ field: `arguments ${this.#args} to 5`, why: why((c) => c.args === 6) });
    if (!this.#arch) missing.push({ field: 'architecture', why: why((c) => c.seesForeignArch) });
    if (!this.#returns) missing.push({ field: 'return value', why: why((c) => c.returnValue) });
    if (!this.#ordered()) missing.push({ field: 'order', why: why((c) => c.ordering !== 'none') });
    return missing;
  }

  #ordered(): boolean {
    return this.#a.capabilities.ordering !== 'none' && this.#b.capabilities.ordering !== 'none';
  }
}

function kindOf(u32: Uint32Array, base: number): number {
  return ((u32[base + W.cpuKindValid] as number) >>> 16) & 0xff;
}

function returnOf(batch: EventBatch, i: number): bigint | null {
  const base = i * WORDS;
  if (!((batch.u32[base + W.flags] as number) & FLAG.ret)) return null;
  return BigInt.asIntN(64, batch.u64[(base + W.ret) / 2] as bigint);
}

const EINTR = -4n;

/**
 * Equal; or a restart that one side reports as what the program would see without it; or the last call of a thread that
 * died in it: the kernel's return, which no program ever saw, is not seen by every collector either.
 */
function sameReturn(left: EventBatch, right: EventBatch, i: number, j: number): boolean {
  const [a, b] = [i * WORDS + W.ret, j * WORDS + W.ret];
  const flags = (left.u32[i * WORDS + W.flags] as number) & (right.u32[j * WORDS + W.flags] as number);
  if (flags & FLAG.ret && left.u32[a] === right.u32[b] && left.u32[a + 1] === right.u32[b + 1]) return true;
  const [x, y] = [returnOf(left, i), returnOf(right, j)];
  const neverReturned = (batch: EventBatch, k: number): boolean =>
    ((batch.u32[k * WORDS + W.flags] as number) & FLAG.noReturn) !== 0;
  const restarted = (isRestart(x) && y === EINTR) || (isRestart(y) && x === EINTR);
  return x === y || restarted || neverReturned(left, i) || neverReturned(right, j);
}
