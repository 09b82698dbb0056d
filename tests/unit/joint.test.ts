import { describe, expect, it } from 'vitest';
import { ARCH, EventBatch, FLAG, KIND, RECORD_BYTES, RECORD_OFFSETS } from '../../harness/event.ts';
import { JOINT_START_MS } from '../../harness/plan/costs.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import { callsByName, type Witness } from '../../harness/reference/joint.ts';
import { judgeJoint } from '../../harness/reference/judge.ts';
import { jointSpecs } from '../../harness/reference/plan.ts';
import { predictedJointMs } from '../../harness/reference/predict.ts';
import { Recording } from '../../harness/reference/recording.ts';
import type { JointResult, JointSpec } from '../../harness/result.ts';
import { exitCodeOf, prepareStudy } from '../../harness/study/study.ts';
import { summarise } from '../../harness/summarise/index.ts';
import { NATIVE_ARCH, syscallNumber } from '../../harness/syscalls/index.ts';
import { TallyCounter, tallyCounts } from '../../harness/trace/tally.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { FULL_CAPABILITIES } from '../fixtures/capabilities.ts';
import { fakeBackends, fakeContext } from '../fixtures/plan-context.ts';
import { fixtureInput, fixturePlan, fixtureTrials, fixtureVariants } from '../fixtures/study.ts';

const NO_LOSS = { min: 0, max: 0, counters: [] };
const spec: JointSpec = {
  workload: { kind: 'stamped', name: 'file', calls: 100, threads: 1, seed: 1 },
  reference: 'ebpf',
  counter: 'ebpf/count',
  variant: 'other',
  bufferBytes: 1 << 20,
  filter: null,
  user: null,
  deadlineMs: 1000,
  mostRecords: 1000,
  shown: 2,
};

function batch(calls: readonly (readonly [string, bigint])[]): EventBatch {
  const buffer = new ArrayBuffer(calls.length * RECORD_BYTES);
  const view = new DataView(buffer);
  for (const [i, [name, ret]] of calls.entries()) {
    const at = (field: keyof typeof RECORD_OFFSETS) => i * RECORD_BYTES + RECORD_OFFSETS[field];
    view.setUint32(at('tid'), 7, true);
    view.setUint32(at('tgid'), 7, true);
    view.setInt32(at('nr'), syscallNumber(name), true);
    view.setUint32(at('arch'), NATIVE_ARCH, true);
    view.setUint8(at('kind'), KIND.call);
    view.setUint32(at('flags'), FLAG.ret, true);
    view.setBigInt64(at('ret'), ret, true);
  }
  return new EventBatch(buffer, 0, calls.length, 0n);
}

/** The report is not looked at. */
function witness(
  variant: string,
  calls: readonly (readonly [string, bigint])[],
  changes: Partial<Witness> = {},
): Witness {
  const recording = new Recording(1000);
  recording.append(batch(calls));
  const counter = new TallyCounter();
  counter.addBatch(batch(calls));
  const tally = counter.result();
  const report = null as unknown as Witness['report'];
  return { variant, capabilities: FULL_CAPABILITIES, recording, tally, lost: NO_LOSS, report, ...changes };
}

function countOf(variant: string, calls: Record<string, number>): Witness {
  const counts = Object.entries(calls).map(([name, count]) => ({ nr: syscallNumber(name), count }));
  const capabilities = { ...FULL_CAPABILITIES, delivers: 'counts' as const, detail: null };
  return witness(variant, [], { capabilities, tally: tallyCounts(counts) });
}

const CALLS = [
  ['openat', 3n],
  ['read', 10n],
  ['read', 0n],
  ['close', 0n],
] as const;
const ISSUED = { openat: 1, read: 2, close: 1 };

describe('a joint trial', () => {
  const judge = (other: Witness, changes: { counter?: Witness; reference?: Witness } = {}) =>
    judgeJoint(spec, { counter: countOf('ebpf/count', ISSUED), reference: witness('ebpf', CALLS), other, ...changes });

  it('is equal when all three tell the same', () => {
    expect(judge(witness('other', CALLS))).toMatchObject({
      verdict: 'equal',
      issued: 4,
      referenceCalls: 4,
      otherCalls: 4,
      countDifferences: [],
      content: { equal: 4, differences: [] },
    });
  });

  it('shows what differs, in full', () => {
    const theirs = CALLS.map(([name, ret]) => [name, name === 'openat' ? -2n : ret] as const);
    const result = judge(witness('other', theirs));
    expect(result.verdict).toBe('differs');
    expect(result.reasons).toEqual(['1 calls have different contents']);
    expect(result.content?.differences[0]?.reference).toMatch(/openat\(.*\) = 3$/);
    expect(result.content?.differences[0]?.other).toMatch(/openat\(.*\) = -1 ENOENT/);
  });

  it.each([
    [{ min: 1, max: 1, counters: [] }, 'equal but for admitted losses'],
    [{ min: 1, max: null, counters: [] }, 'equal but for admitted losses'],
    [NO_LOSS, 'differs'],
  ])('a missing call is explained by an admitted loss and by nothing else (%j)', (lost, verdict) => {
    expect(judge(witness('other', CALLS.slice(0, 3), { lost })).verdict).toBe(verdict);
  });

  it('a call that the reference lacks is the reference’s loss, or a difference', () => {
    const reference = witness('ebpf', CALLS.slice(0, 3));
    expect(judge(witness('other', CALLS), { reference }).reasons).toEqual([
      'ebpf/count and ebpf count differently: close 1 against 0',
      '1 calls of other are missing from ebpf, which admits 0 lost',
    ]);
  });

  it('holds counts against counts', () => {
    expect(judge(countOf('perf/count', ISSUED))).toMatchObject({ verdict: 'equal', content: null });
    const result = judge(countOf('perf/count', { ...ISSUED, read: 1, getpid: 1 }));
    expect(result.reasons).toEqual([
      'ebpf/count and perf/count count differently: getpid 0 against 1, read 2 against 1',
    ]);
    expect(result.countDifferences).toContainEqual({ name: 'read', issued: 2, reference: 2, other: 1 });
  });

  it('that could not keep all records does not claim to be equal', () => {
    const recording = new Recording(2);
    recording.append(batch(CALLS));
    const other = witness('other', CALLS, { recording, lost: { min: 0, max: null, counters: [] } });
    expect(judge(other).verdict).toBe('not fully compared');
  });

  it('counts native calls only', () => {
    const counter = new TallyCounter();
    counter.addCount(NATIVE_ARCH, syscallNumber('read'), 2);
    counter.addCount(ARCH.i386, 3, 5);
    expect([...callsByName(counter.result())]).toEqual([['read', 2]]);
  });
});

describe('the joint trials of a study', () => {
  const plan = fixturePlan();
  const roles = { reference: 'ebpf', counter: 'ebpf/count', delivering: (id: string) => id !== 'none' };
  const usable = new Set([...plan.backends, 'ebpf/count']);

  it('are one for each workload and delivering variant but the reference', () => {
    const specs = jointSpecs(plan, usable, roles);
    const variants = plan.backends.filter((id) => !['none', 'ebpf', 'ebpf/count'].includes(id));
    const names = [...new Set(plan.workloads.map((w) => w.name))];
    expect(specs.map((s) => `${s.workload.name} ${s.variant}`).sort()).toEqual(
      names.flatMap((name) => variants.map((variant) => `${name} ${variant}`)).sort(),
    );
    for (const { workload } of specs) if (workload.kind === 'stamped') expect(workload.calls).toBeLessThanOrEqual(5000);
  });

  it.each(['ebpf', 'ebpf/count'])('are none without %s', (missing) => {
    expect(jointSpecs(plan, new Set([...usable].filter((id) => id !== missing)), roles)).toEqual([]);
  });
});

function applicationSpec(name: string, more: { catalogued?: { fixedWork: boolean } } = {}): JointSpec['workload'] {
  return { kind: 'application', name, argv: [name], ...more };
}

describe('the time of the joint trials', () => {
  const context = fakeContext({
    applications: [{ name: 'tar', argv: ['tar'], fixedWork: true, about: { ms: 300, calls: 20_000 }, lack: null }],
  });
  const ofRing = { ...spec, reference: 'ring', counter: 'ring/count' };
  const tar = applicationSpec('tar', { catalogued: { fixedWork: true } });

  it('is the start, and what three collectors add to the calls', () => {
    const calls = { kind: 'stamped', name: 'null', calls: 5000, threads: 1, seed: 1 } as const;
    // 175 ns bare, 250 by the ring, 120 by its counter, 11 µs by who stops, 3 µs to compare.
    const ms = (5000 * (175 + 250 + 120 + 11_000 + 3000)) / 1e6;
    expect(predictedJointMs([{ ...ofRing, workload: calls, variant: 'stop' }], context)).toBeCloseTo(
      JOINT_START_MS + ms,
      6,
    );
  });

  it('is of an application what its catalogue says, and of several their sum', () => {
    const withStop = JOINT_START_MS + 300 + (20_000 * (250 + 120 + 11_000 + 3000)) / 1e6;
    const counted = JOINT_START_MS + 300 + (20_000 * (250 + 120 + 3000)) / 1e6; // by the counter itself: two collectors
    const specs = ['stop', 'ring/count'].map((variant) => ({ ...ofRing, workload: tar, variant }));
    expect(predictedJointMs(specs, context)).toBeCloseTo(withStop + counted, 6);
    expect(predictedJointMs([], context)).toBe(0);
  });

  it('counts a slow detaching', () => {
    const slow = fakeBackends.map((backend) => ({
      ...backend,
      variants: backend.variants.map((v) => (backend.name === 'stop' ? { ...v, aboutDetachMs: 10_000 } : v)),
    }));
    const specs = [{ ...ofRing, workload: tar, variant: 'stop' }];
    const usual = predictedJointMs(specs, context) ?? 0;
    expect(predictedJointMs(specs, { ...context, backends: slow })).toBeCloseTo(usual + 10_000, 6);
  });

  it('is part of what is predicted of a study, and nothing where the reference cannot run', async () => {
    const [backend] = fakeBackends.filter(({ name }) => name === 'ring');
    const named = backend === undefined ? [] : [{ ...backend, name: 'ebpf' }];
    const withReference = { ...context, backends: [...fakeBackends, ...named] };
    const settings = { backends: ['ebpf', 'stop'], workloads: ['null', 'tar'] };
    const prepare = (refused: string | null) =>
      prepareStudy(resolveRequest(settings, withReference, 1), withReference, async (variant) =>
        variant === refused
          ? { variant, answer: 'no', reason: 'no BTF', mend: null }
          : { variant, answer: 'yes', reason: null, mend: null },
      );
    const { predictedRoundsMs, predictedJointMs: jointMs, predictedMs } = await prepare(null);
    // A joint trial of stop on either workload; of tar two by the counter besides, for the spread of its calls.
    expect(jointMs).toBeGreaterThan(4 * JOINT_START_MS);
    expect(predictedMs).toBeCloseTo((predictedRoundsMs ?? 0) + (jointMs ?? 0), 6);
    expect(await prepare('ebpf')).toMatchObject({ predictedJointMs: 0 });
  });

  it('is not known of a command', () => {
    const workload = applicationSpec('true');
    expect(predictedJointMs([{ ...ofRing, workload, variant: 'stop' }], context)).toBeNull();
  });
});

describe('the reference check in reports', () => {
  const plan = fixturePlan();
  const trials = fixtureTrials(plan, {});
  const judged = (other: Witness): JointResult =>
    judgeJoint(
      { ...spec, variant: other.variant },
      { counter: countOf('ebpf/count', ISSUED), reference: witness('ebpf', CALLS), other },
    );
  const study = (joint: JointResult[]) =>
    summarise({ ...fixtureInput(plan), joint }, trials, { variants: fixtureVariants, reference: 'ebpf' });
  const bad = judged(witness('ptrace', CALLS.slice(1)));
  const failed: JointResult = {
    status: 'failed',
    spec: { ...spec, variant: 'ptrace' },
    error: { code: 'BUSY', message: 'somebody else has it', mend: null },
  };

  it('says what was equal, on which fields', () => {
    const text = renderTerminal(study([judged(witness('ptrace', CALLS))]), { width: 200 });
    expect(text).toMatch(/ptrace: equal on file \(4 equal in thread, number, 6 arguments, .*order within a thread\)/);
    expect(text.replace(/\s+/g, ' ')).toMatch(
      /every other backend told the same, call by call, in the one joint trial/,
    );
  });

  it('shows what was not, in both reports, and in the verdict', () => {
    const whole = study([bad, failed]);
    for (const text of [renderTerminal(whole, { width: 300 }), renderMarkdown(whole)]) {
      expect(text).toMatch(/differs on file/);
      expect(text).toMatch(/file: 1 calls of ebpf are missing from ptrace, which admits 0 lost/);
      expect(text).toMatch(/file: only ebpf: .*openat\(/);
      expect(text).toMatch(/somebody else has it/);
      expect(text).toMatch(/not confirmed by ptrace on file/);
      expect(text).toMatch(/reference-differs/);
    }
  });

  it('decides the exit code', () => {
    const quiet = { ...study([]), noise: null };
    const before = exitCodeOf(
      quiet,
      trials.filter((t) => t.status === 'completed'),
    );
    expect(exitCodeOf({ ...quiet, joint: [failed] }, [])).toBe(1);
    expect(exitCodeOf({ ...quiet, joint: [bad], cells: [] }, [])).toBe(4);
    expect(exitCodeOf({ ...quiet, joint: [judged(witness('ptrace', CALLS))] }, [])).toBe(before === 1 ? 0 : before);
  });
});
