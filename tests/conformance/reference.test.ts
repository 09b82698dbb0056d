/**
 * The reference check on the real thing: every variant that delivers, on the same process as ebpf and ebpf/count, must
 * tell the same of every case, call by call, on the fields that both declare.
 */
import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { findVariant } from '../../backends/index.ts';
import { runJoint, type Witness } from '../../harness/reference/joint.ts';
import { judgeJoint } from '../../harness/reference/judge.ts';
import type { JointSpec } from '../../harness/result.ts';
import { CALLS_PROGRAM, syscallSubjects } from './collect.ts';

const all = await syscallSubjects();
const delivering = all.filter((s) => s.capabilities.delivers !== 'nothing');
const lacking = delivering.find((s) => ['ebpf', 'ebpf/count'].includes(s.id) && s.unavailable !== null);
const others = delivering.filter((s) => s.id !== 'ebpf' && s.id !== 'ebpf/count' && s.unavailable === null);

const CASES = [
  'marked',
  'errors',
  'fork',
  'vfork',
  'clone3',
  'daemon',
  'threads',
  'dying',
  'exec',
  'exec-thread',
  'sigreturn',
  'restart',
  'segfault',
  'killed',
];

/** For variants that stop the target: its threads make calls until they are killed, too many for the others. */
const STOPPED = 'dying-busy';

/** How a case ends that does not return 0. */
const ENDS: Record<string, { exitCode: number | null; signal: number | null }> = {
  dying: { exitCode: 7, signal: null },
  'dying-busy': { exitCode: 7, signal: null },
  segfault: { exitCode: null, signal: constants.signals.SIGSEGV },
  killed: { exitCode: null, signal: constants.signals.SIGKILL },
};

/** restart sleeps 80 ms each time. */
const REPEATS: Record<string, number> = { restart: 5 };
const DEFAULT_REPEATS = 23;

/** For variants of a mechanism whose default goes through all cases. */
const FEW = ['marked', 'fork', 'exec-thread', 'dying'];
/** Its detaching takes 13 s: it is among the others of its mechanism in the case that has most of everything. */
const SLOW = { id: 'perf/count', cases: ['exec-thread'] };

interface Group {
  readonly ids: readonly string[];
  readonly cases: readonly string[];
}

/** Those that cannot be on one process together, or would stop each other, have runs of their own. */
function groupsOf(ids: readonly string[]): Group[] {
  const isDefault = (id: string): boolean => findVariant(id).variant.name === '';
  const alone = (id: string): boolean => {
    const { backend, variant } = findVariant(id);
    return variant.capabilities.regime === 'blocks' || (backend.name === 'auditd' && variant.name !== '');
  };
  const together = ids.filter((id) => !alone(id));
  const others = together.filter((id) => !isDefault(id));
  const names = [...new Set(others.map((id) => findVariant(id).backend.name))];
  return [
    { ids: together.filter(isDefault), cases: CASES },
    ...names.map((name) => ({ ids: others.filter((id) => findVariant(id).backend.name === name), cases: FEW })),
    ...ids.filter(alone).map((id) => {
      const cases = isDefault(id) ? CASES : FEW;
      const stops = findVariant(id).variant.capabilities.regime === 'blocks';
      return { ids: [id], cases: stops ? [...cases, STOPPED] : cases };
    }),
  ].filter((group) => group.ids.length > 0);
}

if (lacking !== undefined) test.skip(`no reference: ${lacking.id}: ${lacking.unavailable}`, () => {});
const groups = lacking === undefined ? groupsOf(others.map(({ id }) => id)) : [];

describe.each(groups.map((group) => ({ ...group, name: group.ids.join(', ') })))(
  '$name beside ebpf',
  ({ ids, cases }) => {
    test.each(cases)('%s', async (name) => {
      const argv = [CALLS_PROGRAM, name, String(REPEATS[name] ?? DEFAULT_REPEATS)];
      const present = ids.filter((id) => id !== SLOW.id || SLOW.cases.includes(name));
      const run = await runJoint({
        variants: ['ebpf/count', 'ebpf', ...present],
        argv,
        filter: null,
        bufferBytes: 32 << 20,
        user: null,
        stdio: 'null',
        signal: AbortSignal.timeout(30_000),
        mostRecords: 100_000,
      });
      if (run.aborted !== null) throw run.aborted;
      expect(run).toMatchObject(ENDS[name] ?? { exitCode: 0, signal: null });
      const [counter, reference, ...rest] = run.witnesses as [Witness, Witness, ...Witness[]];
      for (const other of rest) {
        const spec: JointSpec = {
          workload: { kind: 'application', name, argv },
          reference: 'ebpf',
          counter: 'ebpf/count',
          variant: other.variant,
          bufferBytes: 32 << 20,
          filter: null,
          user: null,
          deadlineMs: 30_000,
          mostRecords: 100_000,
          shown: 5,
        };
        const found = judgeJoint(spec, { counter, reference, other });
        expect(found, JSON.stringify(found, null, 1)).toMatchObject({ verdict: 'equal', reasons: [] });
        expect(found.issued).toBeGreaterThan(20);
      }
    });
  },
);
