/**
 * The event record as JavaScript sees it: 96 bytes, little-endian, at the offsets of native/include/record.h.
 *
 * The numbers below are checked against what the addon exports when it is loaded (native/index.ts); a mismatch is
 * refused, so that no comment has to say "keep in sync".
 */

export const RECORD_BYTES = 96;
export const RECORD_ABI = 4;

/** Byte offsets of the fields of `struct tb_record`. */
export const RECORD_OFFSETS = {
  ts_ns: 0,
  tid: 8,
  tgid: 12,
  nr: 16,
  arch: 20,
  cpu: 24,
  kind: 26,
  args_valid: 27,
  flags: 28,
  ret: 32,
  args: 40,
  aux: 88,
} as const;

export const KIND = { call: 1, birth: 2, refused: 3, function: 4 } as const;
/** What `nr` is in records of kind `function`, which are no system calls. */
export const NR_FUNCTION = -1;
const KINDS = [null, 'call', 'birth', 'refused', 'function'] as const;
export const FLAG = { ret: 1, noReturn: 2, entryArgs: 4, enter: 8 } as const;
export const ARCH = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028 } as const;
export const CPU_UNKNOWN = 0xffff;

/** Bytes of `struct tb_path`, the head of a string. */
const PATH_HEAD_BYTES = 4;
/** By enum tb_path_status. */
const PATH_STATUS = [null, 'whole', 'cut', 'fault'] as const;

/** The string of one path argument, with detail `paths`. */
export interface PathString {
  /** Which argument points to it. */
  readonly arg: number;
  /** cut: longer than what is read (255 bytes); fault: it could not be read, and `bytes` is empty. */
  readonly status: 'whole' | 'cut' | 'fault';
  /** Without terminator; any bytes but 0, in no particular encoding. */
  readonly bytes: Uint8Array;
}

const NO_PATHS: readonly PathString[] = [];

/** One record, decoded: the convenient form for tests and printing. Hot paths read the batch's views. */
export interface EventRecord {
  /** CLOCK_MONOTONIC, ns; at the call's exit, at its entry when `enter` is set. */
  readonly tsNs: bigint;
  readonly tid: number;
  readonly tgid: number;
  readonly nr: number;
  readonly arch: number;
  /** null where the mechanism cannot say. */
  readonly cpu: number | null;
  readonly kind: keyof typeof KIND;
  /** The argument registers, null where not recorded. Unsigned 64 bit. */
  readonly args: readonly (bigint | null)[];
  /** null when the call does not return or the detail does not carry it. Signed 64 bit. */
  readonly ret: bigint | null;
  readonly noReturn: boolean;
  readonly entryArgs: boolean;
  readonly enter: boolean;
  /** With detail `paths`, in the order of the arguments; those that are NULL or were left out have none. */
  readonly paths: readonly PathString[];
}

/**
 * A batch: `count` records in a slab shared with the drain thread, zero copy. Valid until the iteration that
 * yielded it goes on to the next one; then the slab goes back to the drain thread.
 */
export class EventBatch {
  /** 24 words a record. */
  readonly u32: Uint32Array;
  /** 12 double words a record. Reading one allocates a BigInt; prefer two words of `u32` in hot loops. */
  readonly u64: BigUint64Array;
  readonly count: number;
  /** CLOCK_MONOTONIC ns at which the drain round made these records visible. */
  readonly visibleNs: bigint;
  /** The strings of its records, at the places their `aux` names; null without detail `paths`. */
  readonly arena: Uint8Array | null;

  constructor(
    buffer: SharedArrayBuffer | ArrayBuffer,
    byteOffset: number,
    count: number,
    visibleNs: bigint,
    arena: Uint8Array | null = null,
  ) {
    this.u32 = new Uint32Array(buffer, byteOffset, (count * RECORD_BYTES) / 4);
    this.u64 = new BigUint64Array(buffer, byteOffset, (count * RECORD_BYTES) / 8);
    this.count = count;
    this.visibleNs = visibleNs;
    this.arena = arena;
  }

  /** The strings of record i as views into the arena: they are valid as long as the batch is. */
  paths(i: number): PathString[] {
    const arena = this.arena;
    const aux = (i * RECORD_BYTES + RECORD_OFFSETS.aux) >> 2;
    const bytes = this.u32[aux] as number;
    const found: PathString[] = [];
    if (arena === null || bytes === 0) return found;
    let at = this.u32[aux + 1] as number;
    for (const end = at + bytes; at < end; ) {
      const length = (arena[at + 2] as number) | ((arena[at + 3] as number) << 8);
      const begin = at + PATH_HEAD_BYTES;
      const status = PATH_STATUS[arena[at + 1] as number] ?? null;
      if (status === null || begin + length > end) throw new RangeError(`record ${i} has no such strings`);
      found.push({ arg: arena[at] as number, status, bytes: arena.subarray(begin, begin + length) });
      at = begin + length;
    }
    return found;
  }

  /** Record i, 0 ≤ i < count, decoded. Throws RangeError outside. */
  at(i: number): EventRecord {
    if (!(i >= 0 && i < this.count)) throw new RangeError(`record ${i} of a batch of ${this.count}`);
    const w = i * (RECORD_BYTES / 4);
    const d = i * (RECORD_BYTES / 8);
    const u32 = this.u32;
    const word = (byte: number): number => u32[w + (byte >> 2)] as number;
    const cpuKind = word(RECORD_OFFSETS.cpu);
    const cpu = cpuKind & 0xffff;
    const kind = (cpuKind >>> 16) & 0xff;
    const valid = cpuKind >>> 24;
    const flags = word(RECORD_OFFSETS.flags);
    const args: (bigint | null)[] = [];
    for (let a = 0; a < 6; a++) {
      args.push(valid & (1 << a) ? (this.u64[d + RECORD_OFFSETS.args / 8 + a] as bigint) : null);
    }
    return {
      tsNs: this.u64[d] as bigint,
      tid: word(RECORD_OFFSETS.tid),
      tgid: word(RECORD_OFFSETS.tgid),
      nr: word(RECORD_OFFSETS.nr) | 0,
      arch: word(RECORD_OFFSETS.arch),
      cpu: cpu === CPU_UNKNOWN ? null : cpu,
      kind: KINDS[kind] ?? 'call',
      args,
      ret: flags & FLAG.ret ? BigInt.asIntN(64, this.u64[d + RECORD_OFFSETS.ret / 8] as bigint) : null,
      noReturn: (flags & FLAG.noReturn) !== 0,
      entryArgs: (flags & FLAG.entryArgs) !== 0,
      enter: (flags & FLAG.enter) !== 0,
      paths:
        this.arena === null ? NO_PATHS : this.paths(i).map((path) => ({ ...path, bytes: new Uint8Array(path.bytes) })),
    };
  }
}

/** True for the kernel-internal returns −512…−516 by which a call asks to be restarted. */
export function isRestart(ret: bigint | null): boolean {
  return ret !== null && ret <= -512n && ret >= -516n;
}
