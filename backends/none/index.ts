/** The baseline: the same path as every backend, with nothing attached. */
import { defineBackend } from '../../harness/backend.ts';

export default defineBackend({
  name: 'none',
  title: 'nothing attached: the baseline',
  source: 'none',
  privileges: { least: 'none', what: 'nothing is traced' },
  variants: [
    {
      name: '',
      summary: 'no tracing; what every slowdown is relative to',
      capabilities: {
        delivers: 'nothing',
        detail: null,
        thread: false,
        args: 0,
        returnValue: false,
        paths: { none: 'nothing is traced' },
        filter: 'none',
        ordering: 'none',
        regime: 'neither',
        losesEnd: 'none',
        followsSetuid: false,
        seccompRefusals: 'unseen',
        tellsKilled: false,
        seesBirths: false,
        seesForeignArch: false,
        seesRestarts: false,
        seesSigreturn: true,
        seesDyingCalls: false,
        detaches: true,
      },
      loss: { min: 1, max: 1 },
      buffer: null,
      wakeup: { kind: 'timer', value: 200 },
      placement: 'other',
    },
  ],
});
