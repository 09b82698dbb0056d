/** System calls by name and number, per architecture. Names of one architecture are never used for another. */
import { usageError } from '../errors.ts';
import { ARCH } from '../event.ts';
import { nearest } from './nearest.ts';
import { I386_SIGNATURES, SIGNATURES } from './signatures.ts';
import { AARCH64_NAMES, I386_NAMES, X86_64_NAMES } from './tables.ts';

interface Table {
  readonly nameOf: ReadonlyMap<number, string>;
  readonly numberOf: ReadonlyMap<string, number>;
}

function readTable(text: string): Table {
  const nameOf = new Map<number, string>();
  const numberOf = new Map<string, number>();
  let nr = 0;
  for (const word of text.trim().split(/\s+/)) {
    if (word.startsWith('@')) {
      nr = Number(word.slice(1));
      continue;
    }
    nameOf.set(nr, word);
    numberOf.set(word, nr);
    nr++;
  }
  return { nameOf, numberOf };
}

function readSignatures(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .trim()
      .split(/\s+/)
      .map((word) => word.split(':') as [string, string]),
  );
}

const tables: ReadonlyMap<number, Table> = new Map([
  [ARCH.x86_64, readTable(X86_64_NAMES)],
  [ARCH.i386, readTable(I386_NAMES)],
  [ARCH.aarch64, readTable(AARCH64_NAMES)],
]);
const signatures = readSignatures(SIGNATURES);
const i386Signatures = readSignatures(I386_SIGNATURES);

/** AUDIT_ARCH_* of the machine this runs on. */
export const NATIVE_ARCH: number = process.arch === 'arm64' ? ARCH.aarch64 : ARCH.x86_64;

/** `x86_64`, `i386`, `aarch64`, `arm`, or the number in hex. */
export function archName(arch: number): string {
  for (const [name, value] of Object.entries(ARCH)) if (value === arch) return name;
  return `arch_0x${(arch >>> 0).toString(16)}`;
}

/** The call's name in the table of `arch`; `syscall_0x1f3` for a number or architecture without one. */
export function syscallName(arch: number, nr: number): string {
  return tables.get(arch)?.nameOf.get(nr) ?? `syscall_0x${(nr >>> 0).toString(16)}`;
}

/** The number of a call, also of one written as `syscall_0x1f3`; undefined for a name that `arch` does not have. */
export function findSyscallNumber(name: string, arch: number = NATIVE_ARCH): number | undefined {
  const raw = /^syscall_0x([0-9a-f]{1,8})$/.exec(name);
  return raw === null ? tables.get(arch)?.numberOf.get(name) : Number.parseInt(raw[1] as string, 16);
}

/** Like findSyscallNumber, but throws a usage error with the nearest name for one that `arch` does not have. */
export function syscallNumber(name: string, arch: number = NATIVE_ARCH): number {
  const nr = findSyscallNumber(name, arch);
  if (nr === undefined) throw unknownName(name, `system call of ${archName(arch)}`, syscallNames(arch).values());
  return nr;
}

function unknownName(name: string, what: string, known: Iterable<string>): Error {
  const suggestion = nearest(name, known);
  return usageError(`'${name}' is no ${what}`, suggestion === null ? undefined : `did you mean '${suggestion}'?`);
}

/** Every name that `arch` has, by number. */
export function syscallNames(arch: number = NATIVE_ARCH): ReadonlyMap<number, string> {
  return tables.get(arch)?.nameOf ?? new Map();
}

/** Letters of signatures.ts, one a declared argument; null for a call nothing is known of. */
export function syscallSignature(arch: number, nr: number): string | null {
  const name = tables.get(arch)?.nameOf.get(nr);
  if (name === undefined) return null;
  return (arch === ARCH.i386 ? i386Signatures.get(name) : undefined) ?? signatures.get(name) ?? null;
}

/** TB_NR_MAX of native/include/source.h. */
const FILTERABLE = 512;

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

const PROCESS = words(`
  clone clone3 fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill rt_sigqueueinfo
  rt_tgsigqueueinfo pidfd_open pidfd_send_signal pidfd_getfd unshare setns`);
const NETWORK = words(`
  socket socketpair bind listen accept accept4 connect getsockname getpeername sendto recvfrom sendmsg recvmsg
  sendmmsg recvmmsg shutdown setsockopt getsockopt sendfile`);
const MEMORY = words(`
  mmap munmap mprotect mremap brk madvise process_madvise mincore msync mlock mlock2 munlock mlockall munlockall mbind
  get_mempolicy set_mempolicy set_mempolicy_home_node migrate_pages move_pages remap_file_pages pkey_alloc pkey_free
  pkey_mprotect map_shadow_stack mseal shmat shmdt cachestat`);
const SIGNAL = words(`
  rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn
  rt_sigsuspend sigaltstack signalfd signalfd4 kill tkill tgkill pidfd_send_signal pause`);

/** The classes `-e` knows, by whether a call of this name and signature belongs. */
const CLASSES: Readonly<Record<string, (name: string, signature: string) => boolean>> = {
  '%file': (_name, signature) => signature.includes('s'),
  '%desc': (_name, signature) => signature.includes('f'),
  '%process': (name) => PROCESS.has(name),
  '%network': (name) => NETWORK.has(name),
  '%memory': (name) => MEMORY.has(name),
  '%signal': (name) => SIGNAL.has(name),
};

/**
 * Numbers (native, ascending, each once) of a list such as `openat,execve` or `%file,close`.
 * Throws a usage error for an unknown name, with the nearest known one, and for an empty list.
 */
export function parseSyscallList(list: string): number[] {
  const wanted = new Set<number>();
  for (const word of list.split(',').map((w) => w.trim())) {
    if (word === '') continue;
    const belongs = CLASSES[word];
    if (belongs !== undefined) {
      for (const [nr, name] of syscallNames()) if (belongs(name, signatures.get(name) ?? '')) wanted.add(nr);
      continue;
    }
    if (word.startsWith('%')) throw unknownName(word, 'class of system calls', Object.keys(CLASSES));
    const nr = syscallNumber(word);
    if (nr >= FILTERABLE) throw usageError(`'${word}': only numbers below ${FILTERABLE} can be selected`);
    wanted.add(nr);
  }
  if (wanted.size === 0)
    throw usageError('an empty list of system calls traces nothing', 'name some, as in -e openat,execve');
  return [...wanted].sort((a, b) => a - b);
}
