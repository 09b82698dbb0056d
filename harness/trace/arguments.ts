/** Arguments as text: only what the call declares, by the letters of syscalls/signatures.ts. */
import { ARCH, type PathString } from '../event.ts';
import { quotePath } from './paths.ts';

const AT_FDCWD = -100;

interface OpenFlags {
  readonly named: readonly (readonly [number, string])[];
  readonly creates: number;
}

const O_CREAT = 0o100;
/** The bit of __O_TMPFILE that O_DIRECTORY does not have. */
const TMPFILE = 0o20000000;

/** Four flags have other bits on arm than on x86; O_SYNC and O_TMPFILE contain another and come before it. */
function openFlags(direct: number, largefile: number, directory: number, nofollow: number): OpenFlags {
  return {
    named: [
      [O_CREAT, 'O_CREAT'],
      [0o200, 'O_EXCL'],
      [0o400, 'O_NOCTTY'],
      [0o1000, 'O_TRUNC'],
      [0o2000, 'O_APPEND'],
      [0o4000, 'O_NONBLOCK'],
      [0o4010000, 'O_SYNC'],
      [0o10000, 'O_DSYNC'],
      [0o20000, 'O_ASYNC'],
      [direct, 'O_DIRECT'],
      [largefile, 'O_LARGEFILE'],
      [TMPFILE | directory, 'O_TMPFILE'],
      [directory, 'O_DIRECTORY'],
      [nofollow, 'O_NOFOLLOW'],
      [0o1000000, 'O_NOATIME'],
      [0o2000000, 'O_CLOEXEC'],
      [0o10000000, 'O_PATH'],
    ],
    creates: O_CREAT | TMPFILE,
  };
}

const X86_OPEN = openFlags(0o40000, 0o100000, 0o200000, 0o400000);
const ARM_OPEN = openFlags(0o200000, 0o400000, 0o40000, 0o100000);

function openFlagsOf(arch: number): OpenFlags {
  return arch === ARCH.aarch64 || arch === ARCH.arm ? ARM_OPEN : X86_OPEN;
}

function formatOpenFlags(value: number, flags: OpenFlags): string {
  const parts = [['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'][value & 3] as string];
  let rest = value & ~3;
  for (const [bits, name] of flags.named) {
    if ((rest & bits) !== bits) continue;
    parts.push(name);
    rest &= ~bits;
  }
  if (rest !== 0) parts.push(`0x${(rest >>> 0).toString(16)}`);
  return parts.join('|');
}

function formatOctal(value: bigint): string {
  const low = value & 0xffffffffn;
  return low === 0n ? '000' : `0${low.toString(8)}`;
}

/**
 * `value` as 64 bits of a register. Of an i386 call only the low half is an argument, and a negative long is negative
 * in it.
 */
function formatOne(letter: string, value: bigint, arch: number): string {
  const bits = arch === ARCH.i386 || arch === ARCH.arm ? 32 : 64;
  const unsigned = BigInt.asUintN(bits, value);
  switch (letter) {
    case 'f': {
      const fd = Number(BigInt.asIntN(32, value));
      return fd === AT_FDCWD ? 'AT_FDCWD' : String(fd);
    }
    case 'd':
      return String(BigInt.asIntN(32, value));
    case 'l':
      return String(BigInt.asIntN(bits, value));
    case 'u':
      return String(unsigned);
    case 'O':
      return formatOpenFlags(Number(BigInt.asIntN(32, value)), openFlagsOf(arch));
    case 'o':
    case 'm':
      return formatOctal(value);
    case 's':
    case 'p':
      return unsigned === 0n ? 'NULL' : `0x${unsigned.toString(16)}`;
    default:
      return unsigned === 0n ? '0' : `0x${unsigned.toString(16)}`;
  }
}

/**
 * `args` are the registers, null where not recorded; `signature` null: nothing is known of the call, all that was
 * recorded is shown. A declared argument that was not recorded is shown as `?`, one whose string was read as that.
 */
export function formatArguments(
  args: readonly (bigint | null)[],
  signature: string | null,
  arch: number,
  paths: readonly PathString[] = [],
): string {
  const recorded = args.findLastIndex((arg) => arg !== null) + 1;
  const letters = signature ?? 'x'.repeat(recorded);
  const shown: string[] = [];
  for (let i = 0; i < letters.length; i++) {
    const letter = letters[i] as string;
    if (letter === 'm') {
      const flags = args[letters.indexOf('O')] ?? null;
      if (flags !== null && (Number(BigInt.asIntN(32, flags)) & openFlagsOf(arch).creates) === 0) break;
    }
    const value = args[i] ?? null;
    const path = paths.find((p) => p.arg === i && p.status !== 'fault');
    if (path !== undefined) shown.push(quotePath(path));
    else shown.push(value === null ? '?' : formatOne(letter, value, arch));
  }
  return shown.join(', ');
}
