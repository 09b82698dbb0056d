import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TracebenchError } from '../../harness/errors.ts';
import { ARCH } from '../../harness/event.ts';
import { projectRoot } from '../../harness/paths.ts';
import { describeErrno, errnoName } from '../../harness/syscalls/errno.ts';
import {
  archName,
  findSyscallNumber,
  NATIVE_ARCH,
  parseSyscallList,
  syscallName,
  syscallNames,
  syscallNumber,
  syscallSignature,
} from '../../harness/syscalls/index.ts';
import { nearest } from '../../harness/syscalls/nearest.ts';

/** name → number of a uapi header. */
function header(path: string): [string, number][] {
  return [...readFileSync(path, 'utf8').matchAll(/^#define __NR_(\w+)\s+(\d+)$/gm)].map((m) => [
    m[1] as string,
    Number(m[2]),
  ]);
}

const headers = '/usr/include/x86_64-linux-gnu/asm';

describe.skipIf(!existsSync(`${headers}/unistd_64.h`))('against the system’s headers', () => {
  test.each([
    ['unistd_64.h', ARCH.x86_64, 300],
    ['unistd_32.h', ARCH.i386, 400],
  ])('%s: every number has its name', (file, arch, least) => {
    const defined = header(`${headers}/${file}`);
    expect(defined.length).toBeGreaterThan(least);
    const named = defined.map(([, nr]) => [syscallName(arch, nr), nr]);
    expect(named).toEqual(defined);
  });
});

test.each([
  [ARCH.x86_64, 0, 'read'],
  [ARCH.x86_64, 59, 'execve'],
  [ARCH.x86_64, 334, 'rseq'],
  [ARCH.x86_64, 335, 'uretprobe'],
  [ARCH.x86_64, 424, 'pidfd_send_signal'],
  [ARCH.x86_64, 451, 'cachestat'],
  [ARCH.x86_64, 462, 'mseal'],
  [ARCH.x86_64, 469, 'file_setattr'],
  [ARCH.i386, 20, 'getpid'],
  [ARCH.i386, 403, 'clock_gettime64'],
  [ARCH.i386, 469, 'file_setattr'],
  [ARCH.aarch64, 56, 'openat'],
  [ARCH.aarch64, 63, 'read'],
  [ARCH.aarch64, 79, 'newfstatat'],
  [ARCH.aarch64, 80, 'fstat'],
  [ARCH.aarch64, 220, 'clone'],
  [ARCH.aarch64, 222, 'mmap'],
  [ARCH.aarch64, 291, 'statx'],
  [ARCH.aarch64, 469, 'file_setattr'],
])('arch %i number %i is %s', (arch, nr, name) => {
  expect(syscallName(arch, nr)).toBe(name);
  expect(findSyscallNumber(name, arch)).toBe(nr);
});

test('what has no name is shown by number and never takes another architecture’s', () => {
  expect(syscallName(ARCH.x86_64, 0x1f3)).toBe('syscall_0x1f3');
  expect(syscallName(ARCH.x86_64, 400)).toBe('syscall_0x190');
  expect(syscallName(ARCH.x86_64, -1)).toBe('syscall_0xffffffff');
  expect(syscallName(ARCH.arm, 20)).toBe('syscall_0x14');
  expect(syscallName(ARCH.i386, 39)).toBe('mkdir');
  expect(findSyscallNumber('socketcall', ARCH.x86_64)).toBeUndefined();
  expect(findSyscallNumber('syscall_0x1f3')).toBe(0x1f3);
  expect(() => syscallNumber('socketcall', ARCH.x86_64)).toThrow("'socketcall' is no system call of x86_64");
  expect(archName(ARCH.i386)).toBe('i386');
  expect(archName(7)).toBe('arch_0x7');
});

test.each(Object.entries(ARCH).filter(([name]) => name !== 'arm'))(
  '%s: every call has at most six declared arguments',
  (_name, arch) => {
    const names = syscallNames(arch);
    expect(names.size).toBeGreaterThan(300);
    for (const [nr, name] of names) expect(syscallSignature(arch, nr), name).toMatch(/^[fdluxspOom]{0,6}$/);
  },
);

test.each([
  ['getppid', ''],
  ['read', 'fpu'],
  ['openat', 'fsOm'],
  ['mmap', 'xuxxfx'],
  ['lseek', 'flu'],
  ['copy_file_range', 'fpfpux'],
  ['exit_group', 'd'],
])('%s declares %s', (name, signature) => {
  expect(syscallSignature(NATIVE_ARCH, syscallNumber(name))).toBe(signature);
});

test('i386 declares 64-bit arguments in two registers', () => {
  expect(syscallSignature(ARCH.i386, 180)).toBe('fpuxx'); // pread64
  expect(syscallSignature(ARCH.i386, 90)).toBe('p'); // the old mmap
  expect(syscallSignature(ARCH.arm, 3)).toBeNull();
});

describe('path arguments', () => {
  const text = readFileSync(join(projectRoot, 'native', 'src', 'path_arguments.c'), 'utf8');
  const native = new Map(
    [...text.matchAll(/^\t\[SYS_(\w+)\] = (.+),$/gm)].map(([, name, args]) => [
      name as string,
      [...(args as string).matchAll(/ARG\((\d)\)/g)].map(([, i]) => Number(i)),
    ]),
  );

  test('the table of the native half is what the signatures call a path', () => {
    const declared = new Map<string, number[]>();
    for (const name of syscallNames(ARCH.x86_64).values()) {
      const letters = syscallSignature(ARCH.x86_64, syscallNumber(name, ARCH.x86_64)) ?? '';
      const args = [...letters].flatMap((letter, i) => (letter === 's' ? [i] : []));
      if (args.length > 0) declared.set(name, args);
    }
    for (const [name, args] of declared) expect([name, native.get(name)]).toEqual([name, args]);
    const foreign = [...native.keys()].filter((name) => !declared.has(name));
    expect(foreign).toEqual(foreign.filter((name) => findSyscallNumber(name, ARCH.aarch64) !== undefined));
  });
});

describe('lists', () => {
  test('are sorted numbers, each once', () => {
    const expected = ['execve', 'openat'].map((n) => syscallNumber(n)).sort((a, b) => a - b);
    expect(parseSyscallList(' openat,execve, openat,')).toEqual(expected);
  });

  test('classes follow the declared arguments', () => {
    const file = parseSyscallList('%file');
    for (const name of ['openat', 'execve', 'newfstatat', 'renameat2']) expect(file).toContain(syscallNumber(name));
    for (const name of ['read', 'getppid', 'fsetxattr']) expect(file).not.toContain(syscallNumber(name));
    const desc = parseSyscallList('%desc');
    for (const name of ['read', 'close', 'openat', 'mmap']) expect(desc).toContain(syscallNumber(name));
    expect(desc).not.toContain(syscallNumber('execve'));
    for (const name of ['%process', '%network', '%memory', '%signal'])
      expect(parseSyscallList(name).length).toBeGreaterThan(10);
  });

  test.each([
    ['opneat', "'opneat' is no system call of", "did you mean 'openat'?"],
    ['openat,%fil', "'%fil' is no class of system calls", "did you mean '%file'?"],
    ['zzzzzzzzzzzz', "'zzzzzzzzzzzz' is no system call", undefined],
    ['syscall_0x999', 'only numbers below 512', undefined],
    [',', 'an empty list', 'name some, as in -e openat,execve'],
  ])('%s is refused', (list, message, mend) => {
    let error: unknown;
    try {
      parseSyscallList(list);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(TracebenchError);
    expect(error).toMatchObject({ exitCode: 2, mend });
    expect((error as Error).message).toContain(message);
  });
});

test('the nearest word, or none', () => {
  expect(nearest('ebfp', ['perf', 'ebpf', 'none'])).toBe('ebpf');
  expect(nearest('x', ['perf', 'ebpf'])).toBeNull();
});

test('errno by number', () => {
  expect(describeErrno(2)).toBe('ENOENT (No such file or directory)');
  expect(describeErrno(11)).toBe('EAGAIN (Resource temporarily unavailable)');
  expect(errnoName(512)).toBe('ERESTARTSYS');
  expect(errnoName(516)).toBe('ERESTART_RESTARTBLOCK');
  expect(describeErrno(999)).toBe('E999');
});
