/** ptrace, with stops at every call or only at those a seccomp filter picks. What that means: README.md beside this file. */
import { type Capabilities, defineBackend, type LossRelation, type Wakeup } from '../../harness/backend.ts';

const full: Capabilities = {
  delivers: 'records',
  detail: 'full',
  thread: true,
  args: 6,
  returnValue: true,
  /* By process_vm_readv, which brings a page in as the call itself would. */
  paths: { read: 'entry' },
  filter: 'user',
  /* In the order the stops were waited for, by one thread. */
  ordering: 'global',
  regime: 'blocks',
  losesEnd: 'none',
  followsSetuid: true,
  /* The entry's stop comes before seccomp: a refusal looks like any other call that fails. */
  seccompRefusals: 'as-calls',
  tellsKilled: false,
  seesBirths: true,
  seesForeignArch: true,
  seesRestarts: true,
  seesSigreturn: true,
  seesDyingCalls: true,
  detaches: true,
};

/** Nothing can be lost: the target waits. One record a call. */
const NOTHING_TO_LOSE: LossRelation = { min: 1, max: 1 };

const EVERY_STOP: Wakeup = { kind: 'sync' };

export default defineBackend({
  name: 'ptrace',
  title: 'ptrace (SEIZE, GET_SYSCALL_INFO)',
  source: 'ptrace',
  privileges: { least: 'none', what: "ptrace of a descendant, unless Yama's ptrace_scope is 2 or more" },
  takesAlone: "the target's one tracer",
  variants: [
    {
      name: '',
      summary: 'two stops at every call, the filter in user space; no privileges (Linux 5.3)',
      capabilities: full,
      loss: NOTHING_TO_LOSE,
      buffer: null,
      wakeup: EVERY_STOP,
      placement: 'same',
    },
    {
      name: 'seccomp',
      summary: 'two stops at the calls asked for, picked by a seccomp filter; no stop at the others (root)',
      /*
       * The filter cannot be taken off, and refuses every wanted call once its tracer is gone. What another filter refuses
       * never comes to it: the stricter answer wins.
       */
      capabilities: { ...full, filter: 'kernel', seccompRefusals: 'unseen', detaches: false },
      loss: NOTHING_TO_LOSE,
      buffer: null,
      wakeup: EVERY_STOP,
      placement: 'same',
      privileges: { least: 'root', what: 'CAP_SYS_ADMIN to install a filter without NO_NEW_PRIVS' },
    },
  ],
  /* An empty list means all. */
  launchNeeds: (variant, options) => (variant.name === 'seccomp' ? { seccompTrace: options.filter ?? [] } : {}),
});
