import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { BystanderSpec, BystanderTrial, CompletedBystander, Readings } from '../../harness/bystander/result.ts';
import { type BystanderServices, placeOn, studyBystander, TWIN } from '../../harness/bystander/study.ts';
import { taxesOf } from '../../harness/bystander/summarise.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import { bystanderLine, renderBystander, renderBystanderMarkdown } from '../../reports/bystander.ts';
import { jsonSchemas } from '../../reports/json.ts';
import { fakeBackends, fakeContext } from '../fixtures/plan-context.ts';
import { fixtureInput, fixturePlan } from '../fixtures/study.ts';

const SPEC: BystanderSpec = {
  trialId: 'ring#0',
  round: 0,
  variant: 'ring',
  bufferBytes: 8192,
  wakeup: { kind: 'adaptive' },
  auditContext: 'absent',
  idle: 'native',
  callsPerBlock: 100,
  place: placeOn([0, 1]),
  seed: 1,
  user: null,
  deadlineMs: 1000,
};

function trial(round: number, old: Readings, fresh: Readings = old, variant = 'ring'): CompletedBystander {
  const spec = { ...SPEC, trialId: `${variant}#${round}`, round, variant };
  return { status: 'completed', spec, auditContext: 'absent', auditContextReason: '', calls: 1149, old, new: fresh };
}

function failed(round: number): BystanderTrial {
  const error = { code: 'BUSY', message: 'somebody holds it', mend: null };
  return { status: 'failed', spec: { ...SPEC, round }, error };
}

const HEAD = { variant: 'ring', auditContext: 'absent' } as const;
const readings = (before: number, armed: number, residue: number, busy: number | null = null): Readings => ({
  before,
  armed,
  busy,
  residue,
});

describe('what a bystander pays', () => {
  it('is the difference of differences and the ratio of ratios, by round', () => {
    const traced = [readings(100, 150, 110), readings(200, 260, 220)].map((r, round) => trial(round, r));
    // In the baseline the machine slowed down by a tenth meanwhile, in the first round only.
    const untraced = [readings(100, 110, 110), readings(100, 100, 100)].map((r, round) => trial(round, r));
    const { old, rounds } = taxesOf(HEAD, traced, untraced);
    expect(rounds).toBe(2);
    expect(old.armed?.addedNs).toMatchObject({ estimate: 50, low: null, high: null, n: 2 });
    expect(old.armed?.ratio.estimate).toBeCloseTo(Math.sqrt((1.5 / 1.1) * 1.3), 12);
    expect(old.residue?.addedNs.estimate).toBe(10);
    expect(old.residue?.ratio.estimate).toBeCloseTo(Math.sqrt(1.1), 12);
    expect(old.busy).toBeNull();
  });

  it('keeps old and new bystanders and the busy phase apart', () => {
    const bare = readings(100, 100, 100, 100);
    const traced = trial(0, readings(100, 101, 102, 103), readings(100, 200, 300, 400));
    const row = taxesOf(HEAD, [traced], [trial(0, bare)]);
    expect([row.old.armed, row.old.residue, row.old.busy].map((tax) => tax?.addedNs.estimate)).toEqual([1, 2, 3]);
    expect([row.new.armed, row.new.residue, row.new.busy].map((tax) => tax?.addedNs.estimate)).toEqual([100, 200, 300]);
  });

  it('pairs by round, whatever failed on either side, and has an interval from six', () => {
    const bare = readings(100, 100, 100);
    const traced = [7, 3, 1, 0, 5, 2, 6].map((round) => trial(round, readings(100, 110 + round, 100)));
    const row = taxesOf(
      HEAD,
      [...traced, failed(4)],
      [0, 1, 2, 4, 5, 6, 7].map((round) => trial(round, bare)),
    );
    expect(row.rounds).toBe(6);
    expect(row.failures).toEqual(['round 5: BUSY: somebody holds it']);
    expect(row.old.armed?.addedNs).toMatchObject({ estimate: 13.5, low: 10, high: 17, method: 'order-statistic' });
  });

  it('says when nobody knows whether processes had an audit context', () => {
    const unknown = { ...trial(0, readings(1, 1, 1)), auditContext: 'unknown' as const };
    expect(taxesOf(HEAD, [unknown], []).auditContext).toBe('unknown');
    expect(taxesOf(HEAD, [trial(0, readings(1, 1, 1))], [])).toMatchObject({ auditContext: 'absent', rounds: 0 });
    expect(taxesOf(HEAD, [], []).old).toEqual({ armed: null, busy: null, residue: null });
  });
});

it.each([
  [[3], { bystander: 3, collector: 3, target: 3, busy: false }],
  [[0, 1], { bystander: 1, collector: 0, target: 0, busy: false }],
  [[0, 2, 5], { bystander: 5, collector: 0, target: 2, busy: true }],
  [[0, 1, 2, 3], { bystander: 3, collector: 0, target: 2, busy: true }],
])('on CPUs %j bystander, collector and target are placed', (cpus, place) => {
  expect(placeOn(cpus)).toEqual(place);
});

describe('a study', () => {
  const context = fakeContext();
  const backends = ['none', 'ring', 'stop', 'audit'];
  const rows = backends.map((variant) => ({ variant, answer: 'yes' as const, reason: null, mend: null }));
  const { plan } = expandPlan(
    resolveRequest({ backends, workloads: ['null'], seed: 9 }, context, 0),
    backends,
    context,
  );
  const asked = { plan, rows, backends: fakeBackends, cpus: [0, 1], rounds: 6, callsPerBlock: 100 };

  /** Of the made-up ring everybody pays 50 ns while it is armed, of audit whoever is new, and 20 ns for ever. */
  function answer(spec: BystanderSpec): BystanderTrial {
    if (spec.variant === 'stop' && spec.round === 2) return { ...failed(2), spec } as BystanderTrial;
    const armed = spec.variant === 'ring' ? 150 : 100;
    const old = readings(100, armed, 100);
    const fresh = spec.auditContext === 'present' ? readings(100, 300, 120) : old;
    return { ...trial(spec.round, old, fresh), spec };
  }

  function services(changed: Partial<BystanderServices> = {}): BystanderServices {
    return {
      runTrial: async (spec) => answer(spec),
      tried: () => {},
      environment: fixtureInput(fixturePlan()).environment,
      stop: { signal: new AbortController().signal, reason: () => null, dispose: () => {} },
      ...changed,
    };
  }

  it('runs the baseline, its twin and every variant once a round, in an order drawn from the seed', async () => {
    const order: string[] = [];
    const run = services({ tried: (subject) => order.push(subject) });
    const study = await studyBystander(asked, run);
    const again: string[] = [];
    await studyBystander(asked, services({ tried: (subject) => again.push(subject) }));
    expect(again).toEqual(order);
    const passes = Array.from({ length: 6 }, (_, round) => order.slice(round * 5, round * 5 + 5));
    for (const pass of passes) expect(pass.toSorted()).toEqual(['audit', 'none', TWIN, 'ring', 'stop']);
    expect(new Set(passes.map(String)).size).toBeGreaterThan(1);
    expect(study.trials).toHaveLength(30);
  });

  it('is held to its schema and says of each what was measured', async () => {
    const study = await studyBystander(asked, services());
    const valid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(
      JSON.parse(jsonSchemas()['bystander.schema.json']),
    );
    expect(valid(JSON.parse(JSON.stringify(study))), JSON.stringify(valid.errors)).toBe(true);
    expect(valid({ ...study, twin: {} })).toBe(false);
    const [ring, stop, audit] = study.variants;
    expect(ring?.old.armed?.addedNs).toMatchObject({ estimate: 50, low: 50, high: 50 });
    expect(ring?.auditContext).toBe('absent');
    expect(stop).toMatchObject({ rounds: 5, failures: ['round 3: BUSY: somebody holds it'] });
    expect(audit).toMatchObject({ auditContext: 'present', rounds: 6 });
    expect(audit?.old.residue?.addedNs.estimate).toBe(0);
    expect(audit?.new.residue?.addedNs.estimate).toBe(20);
    expect(study.twin.new.armed?.ratio.estimate).toBe(1);
    expect(study.untracedNs?.new).toMatchObject({ estimate: 100, n: 6 });
  });

  it('audit’s processes have a context, the baseline’s never', async () => {
    const contexts = new Map<string, string>();
    await studyBystander(asked, services({ tried: (subject, { spec }) => contexts.set(subject, spec.auditContext) }));
    expect(Object.fromEntries(contexts)).toEqual({
      none: 'absent',
      [TWIN]: 'absent',
      ring: 'absent',
      stop: 'absent',
      audit: 'present',
    });
  });

  it('keeps what was measured when it is ended, and says so', async () => {
    const abort = new AbortController();
    const study = await studyBystander(
      asked,
      services({
        stop: {
          signal: abort.signal,
          reason: () => (abort.signal.aborted ? { text: 'interrupted (SIGINT)', exitCode: 130 } : null),
          dispose: () => {},
        },
        runTrial: async (spec) => {
          if (spec.round === 1) abort.abort();
          if (abort.signal.aborted) throw new Error('stopped');
          return answer(spec);
        },
      }),
    );
    expect(study).toMatchObject({ complete: false, incompleteReason: 'interrupted (SIGINT)' });
    expect(study.trials).toHaveLength(5);
    expect(renderBystander(study)).toContain('Incomplete (interrupted (SIGINT)): the rounds that were done.');
  });

  it('fails with what a trial could not be asked for', async () => {
    const run = studyBystander(asked, services({ runTrial: () => Promise.reject(new Error('no such program')) }));
    await expect(run).rejects.toThrow('no such program');
  });

  it('takes no whole tool', async () => {
    const [none, ring, ...rest] = fakeBackends;
    const [variant] = ring?.variants ?? [];
    if (!none || !ring || !variant) throw new Error('the made-up catalogue has changed');
    const tool = { ...variant, tool: { workloads: ['null'], applications: false, launches: false } };
    const withTool = [none, { ...ring, variants: [tool] }, ...rest];
    await expect(studyBystander({ ...asked, backends: withTool }, services())).rejects.toThrow('ring is a whole tool');
  });

  it('shows two rows a tracer, noise first, and no busy figures on two CPUs', async () => {
    const study = await studyBystander(asked, services());
    const text = renderBystander(study);
    const lines = text.split('\n');
    expect(lines[1]).toMatch(/^nobody \(noise\) +old +0 ns \[0, 0\] +1\.00× \[1\.00, 1\.00\] +– +– +0 ns/);
    expect(text).toMatch(/^ring +old +\+50\.0 ns \[50\.0, 50\.0\] +1\.50× \[1\.50, 1\.50\] +– +– +0 ns/m);
    expect(text).toContain('busy is not claimed: it takes three CPUs');
    expect(text).toContain('stop: round 3: BUSY: somebody holds it');
    expect(text).toContain("audit: against processes without audit's mark; the residue stays until the next boot.");
    expect(renderBystanderMarkdown(study)).toContain('| ring | old | +50.0 ns [50.0, 50.0] | 1.50×');
  });

  it('shows the busy phase where it was measured', async () => {
    const busy = (spec: BystanderSpec) =>
      trial(spec.round, readings(100, 100, 100, spec.variant === 'ring' ? 130 : 100));
    const study = await studyBystander(
      { ...asked, cpus: [0, 1, 2] },
      services({ runTrial: async (spec) => ({ ...busy(spec), spec }) }),
    );
    expect(study.variants[0]?.old.busy?.addedNs.estimate).toBe(30);
    expect(renderBystander(study)).toContain('target and collector on CPUs 1 and 0');
  });

  it('says that its spinners had no control group of their own', async () => {
    const spinners = { ownGroup: false, reason: 'not root' };
    const study = await studyBystander(
      asked,
      services({
        runTrial: async (spec) =>
          spec.round === 0 && spec.variant === 'ring' ? { ...answer(spec), spinners } : answer(spec),
      }),
    );
    expect(renderBystander(study)).toMatch(
      /^Idle busy: the spinners .* in one trial \(not root\): kernel threads .*\.$/m,
    );
    expect(renderBystander(await studyBystander(asked, services()))).not.toContain('Idle busy');
  });

  it('tells of each trial in a line', () => {
    const line = bystanderLine('ring', trial(0, readings(100, 150, 101, 170)));
    expect(line).toBe(
      'ring: old 100 ns, armed 150 ns, busy 170 ns, after 101 ns; new 100 ns, armed 150 ns, busy 170 ns, after 101 ns',
    );
    expect(bystanderLine('ring', failed(3))).toBe('ring: BUSY: somebody holds it');
  });
});
