/** eBPF on the raw system call tracepoints: the reference collector. What the variants are: README.md beside this file. */
import { join } from 'node:path';
import {
  type BufferTerms,
  type Capabilities,
  defineBackend,
  type LossRelation,
  type SourceOptions,
  type TracedFunction,
  type Wakeup,
} from '../../harness/backend.ts';
import { RECORD_BYTES } from '../../harness/event.ts';
import { projectRoot } from '../../harness/paths.ts';

/** Every record variant loses whole records, one a call, and counts each. */
const ONE_RECORD_A_CALL: LossRelation = { min: 1, max: 1 };

/** The mapped ring and, to be compared with it, the others: nobody is woken, the collector looks. */
const LOOK_EVERY_200_US: Wakeup = { kind: 'timer', value: 200 };

/* What each transport puts before a record, beside it. */
const MAPPED_RINGS: BufferTerms = {
  bytesPerCall: RECORD_BYTES,
  perCpu: true,
  granularity: 'call',
  knob: { name: 'value size of the mapped array', unitBytes: 1, powerOfTwo: false },
};
/** A header of 8 bytes; one ring for all CPUs. */
const RING_BUFFER: BufferTerms = {
  bytesPerCall: 8 + RECORD_BYTES,
  perCpu: false,
  granularity: 'power-of-two-pages',
  knob: { name: 'max_entries of the BPF ring buffer', unitBytes: 1, powerOfTwo: true },
};
/** Header 8, size 4, padded to 8. */
const PERF_RINGS: BufferTerms = {
  bytesPerCall: 16 + RECORD_BYTES,
  perCpu: true,
  granularity: 'power-of-two-pages',
  knob: { name: 'pages of each perf buffer ring', unitBytes: 4096, powerOfTwo: true },
};

/** Lines of 190 bytes as events of 212 in pages, which they do not cross. */
const PRINTK_PAGES: BufferTerms = { bytesPerCall: 216, perCpu: true, granularity: 'page' };

const full: Capabilities = {
  delivers: 'records',
  detail: 'full',
  thread: true,
  args: 6,
  returnValue: true,
  paths: { none: 'its ring has room for records of one size; ebpf/ringbuf carries strings' },
  filter: 'kernel',
  ordering: 'global',
  regime: 'drops',
  losesEnd: 'newest',
  followsSetuid: true,
  seccompRefusals: 'told',
  tellsKilled: true,
  seesBirths: true,
  seesForeignArch: true,
  seesRestarts: true,
  seesSigreturn: true,
  seesDyingCalls: true,
  detaches: true,
};

/** What is seen at the entry alone. */
const entryOnly = { returnValue: false, seccompRefusals: 'unseen', tellsKilled: false, seesBirths: false } as const;

/** Hits of a probe on a function: where it is left by is not seen, and nothing is known of system calls. */
const functions: Capabilities = {
  ...full,
  ...entryOnly,
  events: 'function',
  detail: 'enter',
  paths: { none: 'it traces a function, and no system calls' },
  filter: 'none',
  /* Programs at probes may be preempted between their clock and their place in the ring. */
  ordering: 'thread',
  followsSetuid: false,
  seesForeignArch: false,
  seesRestarts: false,
  seesSigreturn: false,
  seesDyingCalls: false,
};

/** Hits of them go through the ring buffer: programs at probes may be preempted, which the mapped rings do not bear. */
const probes = {
  capabilities: functions,
  loss: ONE_RECORD_A_CALL,
  buffer: RING_BUFFER,
  wakeup: LOOK_EVERY_200_US,
  placement: 'other',
} as const;

/** Which place of the function a variant's programs hang on. */
function placeOf(variant: string, { symbol, stepped, provider, probe }: TracedFunction): SourceOptions {
  if (variant === 'usdt') return { provider, probe };
  return { function: variant === 'uprobe-stepped' ? stepped : symbol };
}

const object = (name: string): string => join(projectRoot, 'build', 'bpf', `${name}.bpf.o`);

export default defineBackend({
  name: 'ebpf',
  title: 'eBPF (libbpf, CO-RE)',
  source: 'ebpf',
  privileges: { least: 'cap_bpf', what: 'CAP_BPF and CAP_PERFMON (before Linux 5.8 CAP_SYS_ADMIN)' },
  variants: [
    {
      name: '',
      summary: 'one record per call from sys_exit, per-CPU rings in mapped memory (x86-64, Linux 5.12)',
      capabilities: full,
      loss: ONE_RECORD_A_CALL,
      buffer: MAPPED_RINGS,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'ringbuf',
      summary: 'the same records through the BPF ring buffer (Linux 5.8, also arm64)',
      /* At the exit, when the call has brought the pages in; of a successful execve before its memory goes. */
      capabilities: { ...full, paths: { read: 'exit' }, ordering: 'thread' },
      loss: ONE_RECORD_A_CALL,
      buffer: RING_BUFFER,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'perfbuf',
      summary: 'the same records through the BPF perf buffer, one perf ring per CPU',
      capabilities: { ...full, ordering: 'none' },
      loss: ONE_RECORD_A_CALL,
      buffer: PERF_RINGS,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'tracepoint',
      summary: 'as ebpf/ringbuf, attached to the classic tracepoints through perf (Linux 5.15)',
      capabilities: {
        ...full,
        paths: { none: 'it is compared with ebpf/ringbuf, which carries strings' },
        ordering: 'thread',
      },
      loss: ONE_RECORD_A_CALL,
      buffer: RING_BUFFER,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
      privileges: { least: 'root', what: 'CAP_SYS_ADMIN, for the ids of events in a tracefs of its own' },
    },
    {
      name: 'printk',
      summary: 'as text by bpf_trace_vprintk, from trace_pipe of a private instance: what bpf_printk is (Linux 5.16)',
      capabilities: { ...full, paths: { none: 'the text has the registers alone' }, ordering: 'none' },
      loss: ONE_RECORD_A_CALL,
      buffer: PRINTK_PAGES,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
      privileges: { least: 'root', what: 'a tracing instance: the files of tracefs, and CAP_SYS_ADMIN to mount it' },
    },
    {
      name: 'enter',
      summary: 'one record per call from sys_enter, without the return value',
      capabilities: { ...full, ...entryOnly, detail: 'enter' },
      loss: ONE_RECORD_A_CALL,
      buffer: MAPPED_RINGS,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'count',
      summary: 'counters per system call in the kernel, no records: the least a tracer can cost',
      capabilities: {
        ...full,
        ...entryOnly,
        delivers: 'counts',
        paths: { none: 'calls are counted and make no records' },
        detail: null,
        thread: false,
        args: 0,
        ordering: 'none',
        regime: 'neither',
        losesEnd: 'none',
      },
      loss: ONE_RECORD_A_CALL,
      buffer: null,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      ...probes,
      name: 'uprobe',
      summary: 'one record per call of a function, by a uprobe on an instruction that the kernel emulates',
    },
    {
      ...probes,
      name: 'uprobe-stepped',
      summary: 'as ebpf/uprobe, on an instruction that the kernel has to step through: a second trap',
      aboutNs: 11_000,
    },
    {
      ...probes,
      name: 'usdt',
      summary: 'as ebpf/uprobe, by a USDT probe (a nop), its arguments found by libbpf’s usdt.bpf.h',
    },
  ],
  launchNeeds: (variant) => (variant.name === 'printk' ? { holds: ['tracefs-instances'] } : {}),
  sourceOptions: ({ name, capabilities }, { function: traced, running }) =>
    capabilities.events === 'function'
      ? { object: object('functions'), ...(traced && { program: traced.program, ...placeOf(name, traced) }) }
      : {
          object: object('tracebench'),
          ...(running && 'pid' in running ? { follow: 'running' } : {}),
          ...(running && 'cgroup' in running ? { cgroup: running.cgroup } : {}),
        },
});
