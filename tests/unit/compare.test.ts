import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareStudies } from '../../harness/compare/index.ts';
import type { CompareOptions } from '../../harness/compare/inquiry.ts';
import { type LoadedStudy, loadStudy } from '../../harness/compare/load.ts';
import type { Change, StudyComparison } from '../../harness/compare/result.ts';
import { exitCodeOf } from '../../harness/compare/verdict.ts';
import { distDir } from '../../harness/paths.ts';
import type { CompletedTrial } from '../../harness/result.ts';
import { renderCompareMarkdown } from '../../reports/compare-markdown.ts';
import { renderCompareTerminal } from '../../reports/compare-terminal.ts';
import { jsonSchemas, resultJson } from '../../reports/json.ts';
import {
  type FixtureOptions,
  failed,
  fixtureInput,
  fixtureLatency,
  fixturePlan,
  fixtureStudy,
} from '../fixtures/study.ts';

const OPTIONS: CompareOptions = { threshold: 0.05, lossThreshold: 0.001, across: false, requireSameCells: false };
const SMALL: FixtureOptions = {
  rounds: 8,
  workloads: ['null', 'file'],
  variants: ['ebpf', 'ebpf/perfbuf', 'ebpf/count', 'ptrace'],
};

const { before } = fixtureInput(fixturePlan()).calibration;
const calibration = { before, after: { ...before, pipeRoundTripCrossCpuNs: 50_000 } };

function loaded(options: FixtureOptions): LoadedStudy {
  const { study, trials } = fixtureStudy({ ...SMALL, ...options, head: { calibration, ...options.head } });
  const studyId = `seed-${options.seed ?? 42}`;
  return { path: studyId, study: { ...study, studyId }, trials };
}

const base = loaded({ seed: 1 });

function compared(next: FixtureOptions, options: Partial<CompareOptions> = {}): StudyComparison {
  return compareStudies(base, loaded({ seed: 2, ...next }), { ...OPTIONS, ...options });
}

/** `time of null/1900000/none` → the change. */
function changed(comparison: StudyComparison, outcome: Change['outcome']): string[] {
  return comparison.cells.flatMap(({ cellId, changes }) =>
    changes.filter((change) => change.outcome === outcome).map(({ quantity }) => `${quantity} of ${cellId}`),
  );
}

function changeOf(comparison: StudyComparison, cellId: string, quantity: Change['quantity']): Change {
  const found = comparison.cells.find((cell) => cell.cellId === cellId)?.changes.find((c) => c.quantity === quantity);
  if (!found) throw new Error(`no ${quantity} of ${cellId}`);
  return found;
}

const slower = (trial: CompletedTrial, factor: number): CompletedTrial =>
  trial.section === null
    ? trial
    : { ...trial, section: { ...trial.section, durationNs: Math.round(trial.section.durationNs * factor) } };

const only = (variant: string, workload: string, then: (trial: CompletedTrial) => CompletedTrial) => ({
  change: (t: CompletedTrial) => (t.spec.variant === variant && t.spec.workload.name === workload ? then(t) : t),
});

type Records = Extract<CompletedTrial['accounting'], { delivers: 'records' }>;

/** Loses `calls` of each trial, of which the mechanism admits `admitted`. */
const losing =
  (calls: number, admitted: number) =>
  (t: CompletedTrial): CompletedTrial => {
    const books = t.accounting as Records;
    const silent = calls - admitted;
    const accounting: Records = {
      ...books,
      complete: books.issued - calls,
      missing: calls,
      reportedCalls: { min: admitted, max: admitted },
      discrepancy: { min: silent, max: silent },
      verdict: silent > 0 ? 'under-reported' : 'reconciled',
    };
    return { ...t, accounting };
  };

describe('what counts as a change', () => {
  it('nothing between two studies of the same, though every figure differs', () => {
    const comparison = compared({});
    expect(comparison.verdict).toBe('no regression');
    expect(changed(comparison, 'regression')).toEqual([]);
    expect(changed(comparison, 'improvement')).toEqual([]);
    expect(exitCodeOf(comparison)).toBe(0);
    const slowdown = changeOf(comparison, 'null/1900000/ebpf', 'slowdown');
    expect(slowdown.change?.estimate).not.toBe(0);
    expect(slowdown.rounds).toEqual({ base: 8, next: 8 });
    expect(slowdown.bar).toBe(Math.max(0.05, slowdown.minimumDetectableEffect ?? 0, slowdown.noise ?? 0));
    expect(slowdown.minimumDetectableEffect).toBeGreaterThan(0);
  });

  it('nothing in a study compared with itself, and says so', () => {
    const comparison = compareStudies(base, base, OPTIONS);
    expect(new Set(comparison.cells.flatMap((c) => c.changes.map(({ outcome }) => outcome)))).toEqual(
      new Set(['no change']),
    );
    expect(comparison.remarks).toEqual([expect.stringMatching(/the same study, seed-1/)]);
    expect(exitCodeOf(comparison)).toBe(0);
  });

  it('a slower tracer, in its slowdown and in what it adds; the other way round an improvement', () => {
    const worse = loaded({ seed: 2, ...only('ebpf', 'null', (t) => slower(t, 1.2)) });
    const there = compareStudies(base, worse, OPTIONS);
    expect(changed(there, 'regression')).toEqual(['slowdown of null/1900000/ebpf', 'added of null/1900000/ebpf']);
    expect(changeOf(there, 'null/1900000/ebpf', 'slowdown').change?.estimate).toBeCloseTo(0.2, 1);
    expect(exitCodeOf(there)).toBe(99);
    const back = compareStudies(worse, base, OPTIONS);
    expect(changed(back, 'regression')).toEqual([]);
    expect(changed(back, 'improvement')).toEqual(['slowdown of null/1900000/ebpf', 'added of null/1900000/ebpf']);
    expect(exitCodeOf(back)).toBe(0);
  });

  it('not a change below the threshold, however certain', () => {
    const next = only('ebpf', 'null', (t) => slower(t, 1.06));
    expect(changed(compared(next, { threshold: 0.2 }), 'regression')).toEqual([]);
    expect(changeOf(compared(next, { threshold: 0.2 }), 'null/1900000/ebpf', 'slowdown')).toMatchObject({
      outcome: 'no change',
      note: expect.stringMatching(/^more than chance, but below what counts$/),
    });
    expect(changed(compared(next, { threshold: 0.02 }), 'regression')).toContain('slowdown of null/1900000/ebpf');
  });

  it('a slower workload, in its untraced time, and no smaller slowdown for it', () => {
    const next = { change: (t: CompletedTrial) => (t.spec.workload.name === 'null' ? { ...t, ...addedTo(t, 30) } : t) };
    const comparison = compared(next);
    const times = ['time of null/1900000/none', 'time of null/17000/none'];
    expect(changed(comparison, 'regression')).toEqual(times);
    expect(changed(comparison, 'improvement')).toEqual([]);
    expect(changeOf(comparison, 'null/1900000/ebpf', 'slowdown')).toMatchObject({
      outcome: 'no change',
      note: expect.stringMatching(/follows from the untraced workload, which became slower/),
    });
  });

  it('no untraced time of a machine that was slower as a whole', () => {
    const moved = {
      change: (t: CompletedTrial) => ({ ...slower(t, 1.08), canaryNsPerCall: (t.canaryNsPerCall ?? 0) * 1.09 }),
    };
    expect(changed(compared(moved), 'regression')).toEqual([]);
    expect(changeOf(compared(moved), 'null/1900000/none', 'time').noise).toBeCloseTo(0.09, 2);
  });

  it('a later p99', () => {
    const later = (t: CompletedTrial) => ({
      ...t,
      latency: fixtureLatency([4e5, 8e5, 3e6 + (t.spec.round % 7) * 1e4]),
    });
    expect(changed(compared(only('ebpf', 'null', later)), 'regression')).toEqual(['p99 of null/1900000/ebpf']);
  });
});

/** So many ns more a call. */
function addedTo(trial: CompletedTrial, ns: number): Pick<CompletedTrial, 'section'> {
  const { section } = trial;
  return { section: section && { ...section, durationNs: section.durationNs + ns * section.calls } };
}

describe('what needs no test', () => {
  it('loss where there was none, above the threshold', () => {
    const comparison = compared(only('ebpf', 'null', losing(9500, 9500)));
    expect(changed(comparison, 'regression')).toEqual(['loss of null/1900000/ebpf']);
    expect(changeOf(comparison, 'null/1900000/ebpf', 'loss')).toMatchObject({ rule: 'new loss', base: 0, next: 0.005 });
    expect(exitCodeOf(comparison)).toBe(99);
  });

  it('less than that is said, and does not count', () => {
    const change = changeOf(compared(only('ebpf', 'null', losing(19, 19))), 'null/1900000/ebpf', 'loss');
    expect(change).toMatchObject({
      rule: 'new loss',
      outcome: 'no change',
      note: expect.stringMatching(/152 calls lost/),
    });
  });

  it('one call lost without a word', () => {
    const one = {
      change: (t: CompletedTrial) => (t.spec.variant === 'ptrace' && t.spec.round === 4 ? losing(1, 0)(t) : t),
    };
    const comparison = compared(one);
    expect(changed(comparison, 'regression')).toEqual([
      'unreported of null/17000/ptrace',
      'unreported of file/17000/ptrace',
    ]);
    expect(changeOf(comparison, 'null/17000/ptrace', 'unreported').rule).toBe('new unreported loss');
  });

  it('an accounting error', () => {
    const error = (t: CompletedTrial) => ({
      ...t,
      accounting: { ...(t.accounting as Records), verdict: 'error' as const, neverIssued: 1 },
    });
    const comparison = compared({ change: (t) => (t.spec.variant === 'ebpf' && t.spec.round === 3 ? error(t) : t) });
    expect(changed(comparison, 'regression')).toEqual(['books of null/1900000/ebpf', 'books of file/1900000/ebpf']);
    expect(changeOf(comparison, 'null/1900000/ebpf', 'books').note).toBe(
      'accounting errors in 1 of 8 trials, where there were none',
    );
  });

  it('where both lose, the rounds are tested', () => {
    const more = compared(only('ebpf/perfbuf', 'null', losing(190_000, 190_000)));
    expect(changeOf(more, 'null/1900000/ebpf/perfbuf', 'loss')).toMatchObject({ rule: 'test', outcome: 'regression' });
    expect(changeOf(compared({}), 'null/1900000/ebpf/perfbuf', 'loss')).toMatchObject({
      rule: 'test',
      outcome: 'no change',
    });
  });
});

describe('what cannot be judged', () => {
  it('fewer than 6 rounds', () => {
    const few = compareStudies(loaded({ seed: 1, rounds: 5 }), loaded({ seed: 2, rounds: 12 }), OPTIONS);
    expect(few.verdict).toBe('nothing judged');
    expect(few.tests).toBe(0);
    expect(exitCodeOf(few)).toBe(4);
    expect(changeOf(few, 'null/1900000/ebpf', 'slowdown').note).toMatch(/^5 rounds in one of the studies/);
  });

  it('rounds too few for so many tests, and says how many would do', () => {
    const few = compareStudies(loaded({ seed: 1, rounds: 6 }), loaded({ seed: 2, rounds: 6 }), OPTIONS);
    expect(exitCodeOf(few)).toBe(4);
    expect(changeOf(few, 'null/1900000/ebpf', 'slowdown').note).toMatch(/of \d+ tests none .* run 7 rounds of each/);
    const enough = compareStudies(loaded({ seed: 1, rounds: 7 }), loaded({ seed: 2, rounds: 7 }), OPTIONS);
    expect(exitCodeOf(enough)).toBe(0);
  });

  it('a study without a single complete round', () => {
    const none = compareStudies(base, loaded({ seed: 2, change: (t) => failed(t) }), OPTIONS);
    expect(exitCodeOf(none)).toBe(4);
    expect(none.remarks.join()).toMatch(/NEW has failed trials/);
    expect(none.reasons).toContain('no cell was measured in both studies');
  });

  it('a cell whose every trial failed, which is the other study’s alone', () => {
    const broken = { change: (t: CompletedTrial) => (t.spec.variant === 'ptrace' ? failed(t) : t) };
    const comparison = compared(broken);
    expect(comparison.onlyInBase).toEqual([
      { cellId: 'null/17000/ptrace', why: 'no trial of it was completed there, 8 failed' },
      { cellId: 'file/17000/ptrace', why: 'no trial of it was completed there, 8 failed' },
    ]);
    expect(exitCodeOf(comparison)).toBe(0);
    expect(exitCodeOf(compared(broken, { requireSameCells: true }))).toBe(99);
  });

  it('cells of one study only: listed, with the reason, and a breach when asked', () => {
    const fewer = { variants: ['ebpf', 'ebpf/perfbuf', 'ptrace'] };
    const comparison = compared(fewer);
    expect(comparison.onlyInBase.map(({ cellId }) => cellId)).toEqual([
      'null/1900000/ebpf/count',
      'file/1900000/ebpf/count',
    ]);
    expect(exitCodeOf(comparison)).toBe(0);
    expect(exitCodeOf(compared(fewer, { requireSameCells: true }))).toBe(99);
    const backends = [{ variant: 'ebpf/count', answer: 'no' as const, reason: 'the verifier refused', mend: null }];
    expect(compared({ ...fewer, head: { backends } }).onlyInBase[0]?.why).toMatch(
      /ebpf\/count could not run there: the verifier refused/,
    );
  });
});

describe('studies of different states', () => {
  const environment = fixtureInput(fixturePlan()).environment;
  const machine = { head: { environment: { ...environment, cpuModel: 'another', cpusOnline: 64 } } };
  const kernel = { head: { environment: { ...environment, kernelRelease: '6.19.0' } } };
  const audit = { change: (t: CompletedTrial) => ({ ...t, auditContext: 'present' as const }) };

  it.each([
    [
      'machine',
      machine,
      /another machine \(cpuModel: Intel.* in BASE, another in NEW; cpusOnline: 2 in BASE, 64 in NEW\)/,
    ],
    ['kernel', kernel, /another kernel \(kernelRelease: 6.18.2 in BASE, 6.19.0 in NEW\)/],
    [
      'audit',
      audit,
      /another audit state \(audit context of null\/1900000\/none, .* and 9 more: absent in BASE, present in NEW\)/,
    ],
  ] as const)('are refused: %s', (_, next, message) => {
    expect(() => compared(next)).toThrow(message);
  });

  it('are refused when their terms differ', () => {
    const next = loaded({ seed: 2 });
    const busy: LoadedStudy = { ...next, study: { ...next.study, plan: { ...next.study.plan, idle: 'busy' } } };
    expect(() => compareStudies(base, busy, OPTIONS)).toThrow(/other terms \(idle: native in BASE, busy in NEW\)/);
    expect(compareStudies(base, busy, { ...OPTIONS, across: true }).differences).toEqual([
      { kind: 'terms', what: 'idle', base: 'native', next: 'busy' },
    ]);
  });

  it('across machines claim ratios, shares and multiples of the round trip only', () => {
    const comparison = compared(machine, { across: true });
    expect(comparison.differences.map(({ kind }) => kind)).toEqual(['machine', 'machine']);
    expect(changeOf(comparison, 'null/1900000/none', 'time').outcome).toBe('not claimed');
    expect(changeOf(comparison, 'null/1900000/ebpf', 'added').outcome).toBe('not claimed');
    expect(changeOf(comparison, 'null/1900000/ebpf', 'slowdown').outcome).toBe('no change');
    const p99 = changeOf(comparison, 'null/1900000/ebpf', 'p99');
    expect(p99.unit).toBe('pipe round trips');
    const latency = base.study.cells.find(({ cellId }) => cellId === 'null/1900000/ebpf')?.latency;
    const unitNs = Math.sqrt(46_200 * 50_000);
    expect((p99.base ?? 0) * unitNs).toBeGreaterThan((latency?.p50Ns ?? 0) * 1.5);
    expect((p99.base ?? 0) * unitNs).toBeLessThan((latency?.maxNs ?? 0) * 1.01);
    // What the unit itself is not known by, of both studies.
    expect(p99.noise).toBeCloseTo((50_000 / 46_200) ** 2 - 1, 9);
    const once = compared({ head: { ...machine.head, calibration: { before, after: null } } }, { across: true });
    expect(changeOf(once, 'null/1900000/ebpf', 'p99')).toMatchObject({ outcome: 'not claimed', next: null });
  });

  it('across audit states claim neither times nor the ratios to them', () => {
    const comparison = compared(audit, { across: true });
    expect(changed(comparison, 'not claimed')).toContain('slowdown of null/1900000/ebpf');
    expect(changeOf(comparison, 'null/1900000/ebpf', 'added').outcome).toBe('no change');
  });

  it('across machines pair cells whose number of calls follows from the machine', () => {
    const next = loaded({ seed: 2, ...machine });
    const renamed = (id: string | null) => id?.replace('1900000', '3800000') ?? null;
    const study = {
      ...next.study,
      cells: next.study.cells.map((c) => ({
        ...c,
        cellId: renamed(c.cellId) as string,
        baselineCellId: renamed(c.baselineCellId),
      })),
    };
    const trials = next.trials.map((t) => ({ ...t, spec: { ...t.spec, cellId: renamed(t.spec.cellId) as string } }));
    const comparison = compareStudies(base, { path: 'other', study, trials }, { ...OPTIONS, across: true });
    expect(changeOf(comparison, 'null/3800000/ebpf', 'slowdown').outcome).toBe('no change');
    expect(comparison.onlyInBase.map(({ cellId }) => cellId)).toEqual(['null/1900000/none', 'file/1900000/none']);
  });
});

describe('what is written', () => {
  const worse = compared({
    ...only('ebpf', 'null', (t) => slower(t, 1.3)),
    head: { complete: false, incompleteReason: 'SIGINT' },
  });

  it('fits its schema', () => {
    const valid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(
      JSON.parse(jsonSchemas()['compare.schema.json']),
    );
    expect(valid(JSON.parse(JSON.stringify(worse))), JSON.stringify(valid.errors)).toBe(true);
    expect(valid({ ...worse, verdict: 'fine' })).toBe(false);
  });

  it('in Markdown opens with the verdict and shows what changed before the rest', () => {
    const lines = renderCompareMarkdown(worse).split('\n');
    expect(lines[0]).toMatch(/^# REGRESSION: 2 worse, 0 better, \d+ without a change that could be told$/);
    expect(lines).toContain('- regression: slowdown of null/1900000/ebpf');
    expect(lines.join('\n')).toMatch(/> NEW is incomplete \(SIGINT\)/);
    const row = lines.find((line) => line.startsWith('| null/1900000/ebpf | slowdown |')) ?? '';
    expect(row).toMatch(
      /\| 8 \| 2\.\d{3}× \| 2\.\d{3}× \| \+[23]\d\.\d % \[\+.*\] \| 0\.00\d+ \| .* % \| regression \|$/,
    );
    expect(lines.indexOf(row)).toBeLessThan(lines.findIndex((line) => line.startsWith('<details>')));
  });

  it('at a terminal ends with the verdict', () => {
    const text = renderCompareTerminal(worse, { width: 120, stream: new PassThrough() });
    expect(text).toMatch(/\n {3}?.*null\/1900000\/ebpf +slowdown|null\/1900000\/ebpf +slowdown/);
    expect(text).toMatch(/REGRESSION: 2 worse.*\n {2}regression: slowdown of null\/1900000\/ebpf\n/);
    expect(text).toMatch(/Without any loss in both studies: 6 cells; without unreported loss: 8\./);
  });
});

describe('the command', () => {
  const cli = join(distDir, 'harness', 'cli.js');
  let dir: string;
  const tracebench = (...args: string[]) =>
    execa(process.execPath, [cli, ...args], { reject: false, stdin: 'ignore', cwd: dir });

  function save(name: string, { study, trials }: LoadedStudy): void {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'result.json'), resultJson(study));
    writeFileSync(join(dir, name, 'trials.ndjson'), trials.map((t) => `${JSON.stringify(t)}\n`).join(''));
  }

  beforeAll(() => {
    if (!existsSync(cli)) throw new Error(`${cli} is missing: npm run build`);
    dir = mkdtempSync(join(tmpdir(), 'tb-compare-'));
    const small = { rounds: 8, workloads: ['null'], variants: ['ebpf'] };
    save('base', loaded({ seed: 1, ...small }));
    save('worse', loaded({ seed: 2, ...small, ...only('ebpf', 'null', (t) => slower(t, 1.3)) }));
    save('short', loaded({ seed: 3, ...small, rounds: 3 }));
    save('other', loaded({ seed: 4, ...small }));
    const text = readFileSync(join(dir, 'other', 'result.json'), 'utf8');
    save('old', loaded({ seed: 5, ...small }));
    writeFileSync(join(dir, 'old', 'result.json'), text.replace('"version": 2', '"version": 0'));
    save('cut', loaded({ seed: 6, ...small }));
    writeFileSync(join(dir, 'cut', 'result.json'), text.slice(0, 900));
    save('bare', loaded({ seed: 7, ...small }));
    rmSync(join(dir, 'bare', 'trials.ndjson'));
    mkdirSync(join(dir, 'empty'));
    writeFileSync(join(dir, 'notes.txt'), 'mine');
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each([
    [['base', 'other'], 0],
    [['base', 'worse'], 99],
    [['base/result.json', 'short'], 4],
  ] as [string[], number][])('compares %j with exit code %i', async (args, exitCode) => {
    const ended = await tracebench('compare', '--json', ...args);
    expect(ended.stderr).toBe('');
    expect(ended.exitCode).toBe(exitCode);
    expect(JSON.parse(ended.stdout).verdict).toBe(
      { 0: 'no regression', 99: 'regression', 4: 'nothing judged' }[exitCode],
    );
  });

  it.each([
    ['nowhere', /there is no .*nowhere/, /folder of a study/],
    ['notes.txt', /neither the folder of a study nor a result\.json/, /one of the two/],
    ['empty', /holds no finished study/, /--resume/],
    ['old', /not a tracebench result of version 2, but 0/, /new study/],
    ['cut', /not JSON/, /new study/],
    ['bare', /has 0 trials of null\/1900000\/none, result\.json speaks of 8/, /keep trials\.ndjson beside/],
  ] as [string, RegExp, RegExp][])('refuses %s', (name, message, mend) => {
    const refused = (): unknown => {
      try {
        return loadStudy(join(dir, name));
      } catch (error) {
        return error;
      }
    };
    expect(refused()).toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
      mend: expect.stringMatching(mend),
    });
  });

  it.each([
    [['base'], /missing required argument 'new'/, /compare --help/],
    [['base', 'other', '--threshold', '5x'], /'5x' is not a share/, /--threshold 5%/],
    [['base', 'other', '--json', '--markdown', '-'], /both want standard output/, /name a file/],
  ] as [string[], RegExp, RegExp][])('refuses %j', async (args, message, mend) => {
    const ended = await tracebench('compare', ...args);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.split('\n').find((line) => line.startsWith('mend: '))).toMatch(mend);
    expect(ended.exitCode).toBe(2);
  });

  it('writes a Markdown summary beside its table, or instead of it', async () => {
    const both = await tracebench('compare', 'base', 'worse', '--markdown', 'summary.md');
    expect(readFileSync(join(dir, 'summary.md'), 'utf8')).toMatch(/^# REGRESSION: 2 worse/);
    expect(both.stdout).toMatch(/REGRESSION: 2 worse/);
    const only = await tracebench('compare', 'base', 'worse', '--markdown', '-');
    expect(only.stdout).toMatch(/^# REGRESSION/);
    const nowhere = await tracebench('compare', 'base', 'other', '--markdown', 'no/such/folder.md');
    expect([nowhere.exitCode, nowhere.stderr]).toEqual([1, expect.stringMatching(/cannot write no\/such\/folder\.md/)]);
  });
});
