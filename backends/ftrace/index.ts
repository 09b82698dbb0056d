/** ftrace: a private tracefs instance with the raw system call events. What the variants are: README.md beside this file. */
import {
  type BufferTerms,
  type Capabilities,
  defineBackend,
  type LossRelation,
  type Wakeup,
} from '../../harness/backend.ts';

/** Loss is counted in calls; what is counted in records cannot be told apart: another lost call each, or none. */
const A_CALL_OR_NONE: LossRelation = { min: 1, max: Number.POSITIVE_INFINITY };

/** Sub-buffers of a page for each CPU; event sizes of x86-64 and arm64, with their headers. */
const pages = (bytesPerCall: number): BufferTerms => ({
  bytesPerCall,
  perCpu: true,
  granularity: 'page',
  knob: { name: 'buffer_size_kb', unitBytes: 1024, powerOfTwo: false },
});
const PAIR_PAGES = pages(98);
const ENTRY_PAGES = pages(69);

const LOOK_EVERY_200_US: Wakeup = { kind: 'timer', value: 200 };

const full: Capabilities = {
  delivers: 'records',
  detail: 'full',
  thread: true,
  args: 6,
  returnValue: true,
  /* Linux 6.19 is the first whose syscalls:* events carry what user pointers point to. */
  paths: { none: 'raw_syscalls events carry registers and no user memory' },
  filter: 'kernel',
  ordering: 'thread',
  regime: 'drops',
  losesEnd: 'newest',
  followsSetuid: true,
  seccompRefusals: 'told',
  tellsKilled: false,
  seesBirths: true,
  seesForeignArch: false,
  seesRestarts: true,
  seesSigreturn: true,
  misnamesForeignArch: true,
  seesDyingCalls: true,
  detaches: true,
};

export default defineBackend({
  name: 'ftrace',
  title: 'ftrace (tracefs)',
  source: 'ftrace',
  privileges: { least: 'root', what: 'the files of tracefs, and CAP_SYS_ADMIN to mount it' },
  variants: [
    {
      name: '',
      summary: 'raw sys_enter and sys_exit events of a private instance, binary pages, paired',
      capabilities: full,
      loss: A_CALL_OR_NONE,
      buffer: PAIR_PAGES,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'overwrite',
      summary: 'the same as a flight recorder: a full buffer loses its oldest records',
      capabilities: { ...full, losesEnd: 'oldest' },
      loss: A_CALL_OR_NONE,
      buffer: PAIR_PAGES,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'enter',
      summary: 'raw sys_enter events alone, without the return value',
      capabilities: { ...full, detail: 'enter', returnValue: false, seccompRefusals: 'unseen', seesBirths: false },
      loss: A_CALL_OR_NONE,
      buffer: ENTRY_PAGES,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'text',
      summary: 'the events of the default as text from trace_pipe, as most people read them (oldest are lost)',
      capabilities: { ...full, losesEnd: 'oldest' },
      loss: A_CALL_OR_NONE,
      buffer: PAIR_PAGES,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
  ],
  sourceOptions: (variant) => ({ overwrite: variant.capabilities.losesEnd === 'oldest' ? 'on' : 'off' }),
  launchNeeds: () => ({ holds: ['tracefs-instances'] }),
});
