/** seccomp user notification: every call waits for the collector's answer. What that means: README.md beside this file. */
import { defineBackend } from '../../harness/backend.ts';

export default defineBackend({
  name: 'seccomp-notify',
  title: 'seccomp user notification (RET_USER_NOTIF)',
  source: 'seccomp-notify',
  privileges: { least: 'root', what: 'CAP_SYS_ADMIN to install a filter without NO_NEW_PRIVS' },
  takesAlone: "the target's one tracer",
  variants: [
    {
      name: '',
      summary: 'one notification at the entry of each call, answered with CONTINUE; the filter in the kernel (root)',
      capabilities: {
        delivers: 'records',
        detail: 'enter',
        thread: true,
        args: 6,
        returnValue: false,
        /* By process_vm_readv, before the call is let on. */
        paths: { read: 'entry' },
        filter: 'kernel',
        /* One queue for all tasks of the target. */
        ordering: 'global',
        regime: 'blocks',
        losesEnd: 'none',
        followsSetuid: true,
        /* Of two filters the stricter answer wins: a refused call is never notified. */
        seccompRefusals: 'unseen',
        tellsKilled: false,
        seesBirths: false,
        seesForeignArch: true,
        seesRestarts: true,
        seesSigreturn: false,
        seesDyingCalls: true,
        /* The filter cannot be taken off, and refuses every call once nobody listens. */
        detaches: false,
      },
      /* Nothing can be lost: the target waits. One record a call. */
      loss: { min: 1, max: 1 },
      buffer: null,
      wakeup: { kind: 'sync' },
      placement: 'same',
    },
  ],
  launchNeeds: () => ({ keepSysAdmin: true }),
});
