/** Two collectors on one stamped target, timed: the gates wait for both, and each has its own books. */
import { describe, expect, test } from 'vitest';
import { findVariant } from '../../backends/index.ts';
import type { Accounting, TrialSpec } from '../../harness/result.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { roomFor, subjects } from './collect.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

const CALLS = 5003;
const DROPPED = 7;

/** Each mechanism once on either side; who stops the target is armed last, wherever it stands. */
const PAIRS = [
  ['ebpf', 'perf'],
  ['ftrace', 'ebpf'],
  ['ebpf', 'ptrace'],
  ['ptrace', 'ftrace'],
  ['perf', 'seccomp-notify'],
  ['auditd', 'ebpf/count'],
  ['ebpf/ringbuf', 'auditd'],
] as const;

const before = await restingState();
const usable = new Set((await subjects()).filter((s) => s.unavailable === null).map(({ id }) => id));

function specOf(first: string, second: string): TrialSpec {
  const { wakeup } = findVariant(second).variant;
  const alongside = { variant: second, bufferBytes: roomFor(second, CALLS, 8 << 20), wakeup, collectorCpus: null };
  return specFor(first, stamped('null', CALLS), { bufferBytes: roomFor(first, CALLS, 8 << 20), alongside });
}

async function booksOf(spec: TrialSpec, env: Record<string, string> = {}): Promise<readonly [Accounting, Accounting]> {
  const trial = await runTrial(spec, env);
  if (trial.status === 'failed') throw new Error(`${trial.error.code}: ${trial.error.message}`);
  if (trial.alongside === undefined) throw new Error('the second collector has no books');
  return [trial.accounting, trial.alongside.accounting];
}

describe.each(PAIRS.filter(([first, second]) => usable.has(first) && usable.has(second)))(
  '%s + %s',
  (first, second) => {
    test('each delivers every call of the section, none of the other', async () => {
      for (const accounting of await booksOf(specOf(first, second))) {
        expect(accounting).toMatchObject({ issued: CALLS, verdict: 'reconciled', discrepancy: { min: 0, max: 0 } });
        if (accounting.delivers === 'records') expect(accounting.complete + accounting.partial).toBe(CALLS);
        else expect(accounting).toMatchObject({ delivers: 'counts', counted: CALLS });
      }
    });
  },
);

test.runIf(usable.has('ebpf') && usable.has('perf'))(
  'a bridge that drops behind both is caught in both books',
  async () => {
    const TRACEBENCH_TEST_HOOKS = JSON.stringify({ dropCalls: DROPPED, dropAfter: 100 });
    for (const accounting of await booksOf(specOf('ebpf', 'perf'), { TRACEBENCH_TEST_HOOKS })) {
      expect(accounting).toMatchObject({ verdict: 'under-reported', discrepancy: { min: DROPPED, max: DROPPED } });
    }
  },
);

test('leaves the machine as it was', async () => {
  await expectRestored(before);
});
