/** perf_event on the raw system call tracepoints, rings of its own. What the variants are: README.md beside this file. */
import { arch } from 'node:process';
import {
  type BufferTerms,
  type Capabilities,
  defineBackend,
  type LossRelation,
  type Wakeup,
} from '../../harness/backend.ts';

/** What is counted as lost are records that stand for a call each; lost returns make calls partial. */
const ONE_RECORD_A_CALL: LossRelation = { min: 1, max: 1 };

/** Nobody is woken, the collector looks. */
const LOOK_EVERY_200_US: Wakeup = { kind: 'timer', value: 200 };

const full: Capabilities = {
  delivers: 'records',
  detail: 'full',
  thread: true,
  args: 6,
  returnValue: true,
  /* Linux 6.19 is the first whose syscalls:* events carry what user pointers point to. */
  paths: { none: 'samples of the raw tracepoints carry registers and no user memory' },
  filter: 'kernel',
  /* Over CPUs a sample may be published after a younger one of another CPU was read. */
  ordering: 'thread',
  regime: 'drops',
  losesEnd: 'newest',
  followsSetuid: false,
  /* From the exit alone a refused call looks like one that failed. */
  seccompRefusals: 'as-calls',
  tellsKilled: false,
  seesBirths: true,
  seesForeignArch: true,
  seesRestarts: true,
  seesSigreturn: true,
  seesDyingCalls: true,
  detaches: true,
};

/** Entries and exits: an exit without an entry was refused. */
const paired: Capabilities = { ...full, seccompRefusals: 'told' };

/** On arm64 the exit no longer has the first argument, so there all variants with return values pair. */
const oneRecord: Capabilities = arch === 'arm64' ? paired : full;

/** A ring per CPU; sample sizes as the README has them. */
const rings = (bytesPerCall: number): BufferTerms => ({
  bytesPerCall,
  perCpu: true,
  granularity: 'power-of-two-pages',
  knob: { name: 'perf record -m', unitBytes: 4096, powerOfTwo: true },
});
const EXIT_RING = rings(arch === 'arm64' ? 184 : 144);
const LEAN_RING = rings(112);
const PAIR_RING = rings(arch === 'arm64' ? 184 : 200);
const ENTRY_RING = rings(arch === 'arm64' ? 112 : 120);

const FUNCTION_RING = rings(104);

const base = { loss: ONE_RECORD_A_CALL, wakeup: LOOK_EVERY_200_US, placement: 'other' } as const;

export default defineBackend({
  name: 'perf',
  title: 'perf_event (tracepoints, mapped rings)',
  source: 'perf',
  privileges: { least: 'root', what: "CAP_PERFMON, and the files of tracefs, which are root's" },
  variants: [
    {
      ...base,
      name: '',
      summary: 'one record per call from sys_exit with the user registers, a perf ring per CPU',
      capabilities: oneRecord,
      buffer: EXIT_RING,
    },
    {
      ...base,
      name: 'pair',
      summary: 'records of sys_enter and sys_exit, paired by the collector (Linux 6.0)',
      capabilities: paired,
      buffer: PAIR_RING,
    },
    {
      ...base,
      name: 'enter',
      summary: 'one record per call from sys_enter, without the return value',
      capabilities: { ...full, detail: 'enter', returnValue: false, seccompRefusals: 'unseen', seesBirths: false },
      buffer: ENTRY_RING,
    },
    {
      ...base,
      name: 'count',
      summary: 'a counting event per system call, no records: what perf stat does',
      capabilities: {
        ...full,
        delivers: 'counts',
        paths: { none: 'calls are counted and make no records' },
        detail: null,
        thread: false,
        args: 0,
        returnValue: false,
        ordering: 'none',
        regime: 'neither',
        losesEnd: 'none',
        seccompRefusals: 'unseen',
        seesBirths: false,
      },
      buffer: null,
      /* The kernel waits for two grace periods at each of some 330 tracepoints, one after the other. */
      aboutDetachMs: 13_000,
    },
    {
      ...base,
      name: 'cgroup',
      summary: 'as perf, following a private control group instead of what is inherited: also through set-uid programs',
      capabilities: { ...oneRecord, followsSetuid: true },
      buffer: EXIT_RING,
    },
    {
      ...base,
      name: 'lean',
      summary: 'as perf without the registers by which i386 calls are told: cheaper, and int 0x80 is misnamed (x86-64)',
      capabilities: { ...full, seesForeignArch: false, misnamesForeignArch: true },
      buffer: LEAN_RING,
    },
    {
      ...base,
      name: 'uprobe',
      summary: 'one record per call of a function, by an event of the uprobe PMU with the user registers',
      capabilities: {
        ...full,
        events: 'function',
        detail: 'enter',
        returnValue: false,
        paths: { none: 'it traces a function, and no system calls' },
        filter: 'none',
        seccompRefusals: 'unseen',
        seesBirths: false,
        seesForeignArch: false,
        seesRestarts: false,
        seesSigreturn: false,
        seesDyingCalls: false,
      },
      buffer: FUNCTION_RING,
    },
  ],
  sourceOptions: ({ capabilities }, { function: traced }) =>
    capabilities.events === 'function' && traced !== undefined
      ? { program: traced.program, function: traced.symbol }
      : {},
  launchNeeds: (variant) => (variant.name === 'cgroup' ? { cgroup: true } : {}),
});
