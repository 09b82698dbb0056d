/** Audit: kauditd's netlink socket, owned or listened to. What the variants are and change: README.md beside this file. */
import {
  type BufferTerms,
  type Capabilities,
  defineBackend,
  type LossRelation,
  type Wakeup,
} from '../../harness/backend.ts';

const full: Capabilities = {
  delivers: 'records',
  detail: 'full',
  /* `pid=` is the process; tid repeats it. */
  thread: false,
  args: 4,
  returnValue: true,
  /* PATH records. */
  paths: { read: 'kernel' },
  filter: 'kernel',
  /* Records queue up in the order of exits, but carry the time of the entry. */
  ordering: 'thread',
  regime: 'drops',
  losesEnd: 'newest',
  followsSetuid: true,
  /* Refused before audit's entry: there is no record at all. */
  seccompRefusals: 'unseen',
  tellsKilled: false,
  seesBirths: false,
  seesForeignArch: true,
  seesRestarts: false,
  seesSigreturn: true,
  seesDyingCalls: true,
  detaches: true,
};

/** Loss is counted in calls; what is counted in records cannot be told apart: another lost call each, or none. */
const A_CALL_OR_NONE: LossRelation = { min: 1, max: Number.POSITIVE_INFINITY };

/** Three records of a call in kauditd's queue, and as many again on their way through the socket. */
const QUEUE: BufferTerms = {
  bytesPerCall: 6912,
  perCpu: false,
  granularity: 'page',
  knob: { name: 'auditctl -b', unitBytes: 2304, powerOfTwo: false },
};

/** Nobody is woken, the collector looks: as the other dropping backends do by default. */
const LOOK_EVERY_200_US: Wakeup = { kind: 'timer', value: 200 };

export default defineBackend({
  name: 'auditd',
  title: 'audit (netlink)',
  source: 'auditd',
  privileges: { least: 'root', what: 'CAP_AUDIT_CONTROL, CAP_AUDIT_READ to listen beside an owner' },
  takesAlone: 'audit',
  variants: [
    {
      name: '',
      summary: 'audit’s owner, as auditd is; a call does not wait for room in the queue (root, Linux 4.10)',
      capabilities: full,
      loss: A_CALL_OR_NONE,
      buffer: QUEUE,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'block',
      summary: 'the same, a call waits up to 1 s for room in the queue',
      /* It waits for the queue; what overflows behind the queue is lost all the same. */
      capabilities: { ...full, regime: 'blocks' },
      loss: A_CALL_OR_NONE,
      buffer: QUEUE,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
    {
      name: 'multicast',
      summary: 'a listener only, also beside an owner that lives (root, Linux 4.12)',
      capabilities: full,
      loss: A_CALL_OR_NONE,
      buffer: QUEUE,
      wakeup: LOOK_EVERY_200_US,
      placement: 'other',
    },
  ],
  launchNeeds: (variant) => ({ auditContext: true, audit: variant.name === 'multicast' ? 'listener' : 'owner' }),
});
