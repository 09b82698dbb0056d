/** eBPF on the raw system call tracepoints: the reference collector. What the variants are: README.md beside this file. */
import { join } from 'node:path';
import { type Capabilities, defineBackend, type LossRelation, type Wakeup } from '../../harness/backend.ts';
import { projectRoot } from '../../harness/paths.ts';

/** Every record variant loses whole records, one a call, and counts each. */
const ONE_RECORD_A_CALL: LossRelation = { min: 1, max: 1 };

/** The mapped ring and, to be compared with it, the others: nobody is woken, the collector looks. */
const LOOK_EVERY_200_US: Wakeup = { kind: 'timer', value: 200 };

const full: Capabilities = {
  delivers: 'records',
  detail: 'full',
  thread: true,
  args: 6,
  returnValue: true,
  filter: 'kernel',
  ordering: 'global',
  regime: 'drops',
  losesEnd: 'newest',
  followsSetuid: true,
  seesSeccompRefusals: true,
  seesBirths: true,
  seesForeignArch: true,
  seesDyingCalls: true,
  detaches: true,
};

/** What is seen at the entry alone. */
const entryOnly = { returnValue: false, seesSeccompRefusals: false, seesBirths: false } as const;

export default defineBackend({
  name: 'ebpf',
  title: 'eBPF (libbpf, CO-RE)',
  source: 'ebpf',
  variants: [
    {
      name: '',
      summary: 'one record per call from sys_exit, per-CPU rings in mapped memory (x86-64, Linux 5.12)',
      capabilities: full,
      loss: ONE_RECORD_A_CALL,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'ringbuf',
      summary: 'the same records through the BPF ring buffer (Linux 5.8, also arm64)',
      capabilities: { ...full, ordering: 'thread' },
      loss: ONE_RECORD_A_CALL,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'perfbuf',
      summary: 'the same records through the BPF perf buffer, one perf ring per CPU',
      capabilities: { ...full, ordering: 'none' },
      loss: ONE_RECORD_A_CALL,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'enter',
      summary: 'one record per call from sys_enter, without the return value',
      capabilities: { ...full, ...entryOnly, detail: 'enter' },
      loss: ONE_RECORD_A_CALL,
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
        detail: null,
        thread: false,
        args: 0,
        ordering: 'none',
        regime: 'neither',
        losesEnd: 'none',
      },
      loss: ONE_RECORD_A_CALL,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
  ],
  sourceOptions: () => ({ object: join(projectRoot, 'build', 'bpf', 'tracebench.bpf.o') }),
});
