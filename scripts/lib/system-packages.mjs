// What the system has to bring, and why. Asked for by what is really used (a command, a header), never by package
// state: a compiler from elsewhere does as well.
import { installMissing } from './apt.mjs';
import { findCommand, findHeader } from './needs.mjs';
import { say } from './report.mjs';

const NO_EBPF = 'the ebpf backend is not built, its row of the study will say so';

const NO_FTRACE = 'the ftrace backend is not built, its row of the study will say so';

const TO_BUILD = [
  { package: 'gcc', command: 'gcc', essential: true, why: 'compiles the workloads and the launcher' },
  { package: 'g++', command: 'g++', essential: true, why: 'compiles the addon' },
  { package: 'libc6-dev', header: 'stdio.h', essential: true, why: 'C headers' },
  { package: 'make', command: 'make', essential: true, why: 'runs the native builds' },
  { package: 'python3', command: 'python3', essential: true, why: 'node-gyp needs it' },
  { package: 'zlib1g-dev', header: 'zlib.h', essential: true, why: 'histograms are stored compressed' },
  { package: 'clang', command: 'clang', essential: false, why: 'compiles the BPF programs', without: NO_EBPF },
  { package: 'libelf-dev', header: 'gelf.h', essential: false, why: 'libbpf is built with it', without: NO_EBPF },
  {
    package: 'libtraceevent-dev',
    header: 'traceevent/event-parse.h',
    essential: false,
    why: 'reads the formats of ftrace events',
    without: NO_FTRACE,
  },
];

const TO_TEST = [
  {
    package: 'clang-format',
    command: 'clang-format',
    essential: false,
    why: 'the form of C and C++ is checked with it',
    without: 'the form of C and C++ is not checked, which counts as a skipped test',
  },
];

const TO_BENCH = [
  {
    package: 'strace',
    command: 'strace',
    essential: false,
    why: 'ptrace is measured against it, and its counts are compared',
    without: 'the checks against strace fail',
  },
  {
    package: 'bpftrace',
    command: 'bpftrace',
    essential: false,
    why: 'eBPF is measured against it',
    without: 'the check against bpftrace fails',
  },
];

const FOR = { start: TO_BUILD, test: [...TO_BUILD, ...TO_TEST], bench: [...TO_BUILD, ...TO_BENCH] };

const isThere = (need) => Boolean(need.command ? findCommand(need.command) : findHeader(need.header));

/** @param purpose what the set-up is for: 'start', 'test' or 'bench' */
export async function systemPackages(purpose) {
  const missing = FOR[purpose].filter((need) => !isThere(need));
  if (missing.length === 0) return;
  const left = await installMissing(missing);
  if (left.length === 0) say('packages: installed');
}
