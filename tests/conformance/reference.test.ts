/**
 * The reference check on the real thing: every variant that delivers, on the same process as ebpf and ebpf/count, must
 * tell the same of every case, call by call, on the fields that both declare.
 */
import { expect, test } from 'vitest';
import { runJoint, type Witness } from '../../harness/reference/joint.ts';
import { judgeJoint } from '../../harness/reference/judge.ts';
import type { JointSpec } from '../../harness/result.ts';
import { CALLS_PROGRAM, subjects } from './collect.ts';

const all = await subjects();
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

if (lacking !== undefined) test.skip(`no reference: ${lacking.id}: ${lacking.unavailable}`, () => {});

test.each(lacking === undefined ? others.flatMap(({ id }) => CASES.map((name) => ({ id, name }))) : [])(
  '$id beside ebpf: $name',
  async ({ id, name }) => {
    const argv = [CALLS_PROGRAM, name, '23'];
    const run = await runJoint({
      variants: ['ebpf/count', 'ebpf', id],
      argv,
      filter: null,
      bufferBytes: 16 << 20,
      user: null,
      stdio: 'null',
      signal: AbortSignal.timeout(30_000),
      mostRecords: 100_000,
    });
    if (run.aborted !== null) throw run.aborted;
    const [counter, reference, other] = run.witnesses as [Witness, Witness, Witness];
    const spec: JointSpec = {
      workload: { kind: 'application', name, argv },
      reference: 'ebpf',
      counter: 'ebpf/count',
      variant: id,
      bufferBytes: 16 << 20,
      filter: null,
      user: null,
      deadlineMs: 30_000,
      mostRecords: 100_000,
      shown: 5,
    };
    const found = judgeJoint(spec, { counter, reference, other });
    expect(found, JSON.stringify(found, null, 1)).toMatchObject({ verdict: 'equal', reasons: [] });
    expect(found.issued).toBeGreaterThan(20);
  },
);
