/** Whole tools as data: what a file may say, how text is read into books, where a tool has cells. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Contestant, defineContestant } from '../../backends/external/contestant.ts';
import external, { contestantOf, contestants } from '../../backends/external/index.ts';
import { packagesOf } from '../../harness/commands/setup.ts';
import { fillBlanks } from '../../harness/contestants/blanks.ts';
import { judgeTool, type ToolBooks, warmupOf } from '../../harness/contestants/books.ts';
import { linesOf, tailOf } from '../../harness/contestants/output-files.ts';
import { INSTALL_MEND, probeContestant } from '../../harness/contestants/probe.ts';
import { StampBook } from '../../harness/contestants/stamp-book.ts';
import { readCalls, readLoss, type StampedTruth } from '../../harness/contestants/tool-output.ts';
import { projectRoot } from '../../harness/paths.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import { definitionOf } from '../../harness/plan/variants.ts';
import { keepsOwnWakeup } from '../../harness/plan/wakeup.ts';
import { findSyscallNumber } from '../../harness/syscalls/index.ts';
import { findWorkload } from '../../workloads/index.ts';
import { fakeBackends, fakeContext } from '../fixtures/plan-context.ts';

const LSEEK = 8;
const GETPPID = 110;

function named(name: string): Contestant {
  const found = contestantOf(`external/${name}`);
  if (found === null) throw new Error(name);
  return found;
}

describe('a contestant’s file', () => {
  const strace = named('strace');
  const but = (changed: Partial<Contestant>) => () => defineContestant({ ...strace, ...changed });

  test.each<[string, Partial<Contestant>, RegExp]>([
    [
      'a blank that is none',
      { words: ['strace', '{where}'] },
      /contestant strace: \{where\} is no blank; there are pid/,
    ],
    ['a blank in a file', { files: { conf: 'a = {b}' } }, /\{b\} is no blank/],
    ['a name', { name: 'S trace' }, /a name is lower-case/],
    ['no ready sign', { ready: null }, /a ready sign belongs to one that attaches/],
    ['launched and stopped', { starts: 'launches', ready: null, stop: 'SIGINT' }, /ends with it/],
    ['no workload', { workloads: [] }, /needs a workload/],
    [
      'lines without arguments',
      { output: { ...strace.output, line: /(?<name>\w+)/ } },
      /has the group nr or name, and arg/,
    ],
    [
      'a loss without a number',
      { losses: [{ name: 'x', unit: 'call', file: 'f', line: /lost/ }] },
      /x has no group lost/,
    ],
    ['a flag of the reader’s', { output: { ...strace.output, line: /(?<name>\w+)(?<a1>\d+)/g } }, /flags g and y/],
    ['nothing delivered', { capabilities: { ...strace.capabilities, delivers: 'nothing' } }, /records or counts/],
  ])('is refused for %s', (_what, changed, message) => {
    expect(but(changed)).toThrow(message);
  });

  test('names workloads of the catalogue whose calls all carry stamps', () => {
    for (const { name, workloads } of contestants) {
      for (const workload of workloads) {
        expect(findWorkload(workload)?.counted, `${name} on ${workload}`).toEqual([]);
      }
    }
  });

  test('covers calls that there are, and a package that can be typed', () => {
    for (const c of contestants) {
      for (const call of c.covers ?? []) expect(findSyscallNumber(call), c.name).toBeDefined();
      expect(c.package, c.name).toMatch(/^[a-z0-9][a-z0-9+.-]+$/);
    }
  });

  test.runIf(process.arch === 'x64')('waits for calls that there are', () => {
    for (const { name, ready } of contestants) {
      if (ready === null || 'file' in ready) continue;
      for (const call of ready.waitsIn) expect(findSyscallNumber(call), `${name}: ${call}`).toBeDefined();
    }
  });

  test('shows no arguments but on the workload whose stamp is one of the declared', () => {
    const declaredOnly = contestants.filter((c) => !/\(\?<a3>/.test(c.output.line.source));
    for (const c of declaredOnly.filter(({ capabilities }) => capabilities.delivers === 'records')) {
      expect(c.workloads, c.name).toEqual(['visible']);
    }
  });

  test('each is a variant, in the order of its list', () => {
    expect(external.variants.map((v) => v.name)).toEqual(contestants.map((c) => c.name));
    expect(contestantOf('ebpf/count')).toBeNull();
    expect(() => contestantOf('external/nobody')).toThrow("no contestant is called 'nobody'");
  });

  test('blanks are filled, other braces stay', () => {
    const blanks = { pid: '7', sessionId: '', folder: '/f', calls: 'lseek', pagesPerCpu: '4', kibPerCpu: '16' };
    expect(fillBlanks('{pid} {folder}/x { printf }', { ...blanks, instance: 'i', ruleKey: 'k' })).toBe(
      '7 /f/x { printf }',
    );
  });
});

describe('text of the real tools', () => {
  const golden = (name: string): string => join(projectRoot, 'tests', 'fixtures', 'contestants', `${name}.txt`);
  const truth = (issued: number): StampedTruth => ({
    lanes: [issued],
    kinds: [{ nr: LSEEK, class: 'stamped', stampArg: 1 }],
  });
  const numberOf = (name: string) => findSyscallNumber(name);
  const read = (tool: string, issued: number) => {
    const { output, covers } = named(tool);
    return readCalls(linesOf(golden(tool)), output, covers, truth(issued), numberOf);
  };

  test.runIf(process.arch === 'x64')('strace: every call counted, stamps found, the warm-up told apart', () => {
    const { calls, stamps, unstamped, kindDelivered } = read('strace', 3);
    expect(Object.fromEntries(calls)).toEqual({ 61: 1, 13: 1, 8: 6, 98: 1, 110: 1, 231: 1 });
    expect(kindDelivered).toEqual([3]);
    expect(unstamped).toBe(3);
    expect(stamps).toMatchObject({ complete: 3, duplicates: 0, reorders: 0, neverIssued: 0 });
  });

  test.runIf(process.arch === 'x64')(
    'perf trace: an argument left out is 0; an exit whose entry it lost is no call',
    () => {
      const { calls, stamps, unstamped } = read('perf-trace', 212);
      expect(calls.get(LSEEK)).toBe(10);
      expect(unstamped).toBe(4);
      // 0, 1, 2, 208, 209 and 211: the one between was printed without its arguments.
      expect(stamps.complete).toBe(6);
      expect(stamps.losses()).toMatchObject({ lossRuns: 2, longestLossRun: 205 });
    },
  );

  test.runIf(process.arch === 'x64')('ltrace: its library calls are none', () => {
    const { calls, stamps, unstamped } = read('ltrace', 3);
    expect(Object.fromEntries(calls)).toEqual({ 8: 4, 231: 1 });
    expect([stamps.complete, unstamped]).toEqual([3, 1]);
  });

  test('perf script: hexadecimal registers', () => {
    const { calls, stamps, unstamped } = read('perf-record', 4);
    expect(Object.fromEntries(calls)).toEqual({ 8: 6, 231: 1 });
    expect([stamps.complete, unstamped]).toEqual([4, 2]);
    expect(stamps.losses()).toMatchObject({ lossRuns: 0, longestLossRun: 0 });
  });

  test('bpftrace: what its program prints, between what it says by itself', () => {
    const { calls, stamps, unstamped } = read('bpftrace', 200_000);
    expect(Object.fromEntries(calls)).toEqual({ 13: 1, 16: 1, 8: 4, 231: 1 });
    expect([stamps.complete, stamps.neverIssued, unstamped]).toEqual([1, 0, 3]);
  });

  test.each([
    ['perf-trace', 4298],
    ['perf-record', 37_863],
    ['bpftrace', 3571],
  ])('%s: what it admits to have lost', (tool, lost) => {
    const [loss] = named(tool).losses;
    if (loss === undefined) throw new Error(tool);
    expect(readLoss(linesOf(golden(tool)), loss)).toBe(lost);
  });

  test('a stamp that nobody issued is seen as such, one that comes twice as well', () => {
    const { output, covers } = named('strace');
    const line = (stamp: number) => `7 lseek(-1, ${stamp}, SEEK_SET) = -1 EBADF (Bad file descriptor)`;
    const lines = [line(9_960_970_244), line(9_960_970_244), line(40_960_970_244)];
    const { stamps } = readCalls(lines, output, covers, truth(4), () => LSEEK);
    expect(stamps).toMatchObject({ complete: 1, duplicates: 1, neverIssued: 1 });
  });

  test('where registers are shown, calls of the same number that are not the loop’s are known by them', () => {
    const { output, covers } = named('bpftrace');
    const [mine = '', strange = ''] = [
      'NR 8 (ffffffffffffffff, 277a2d5d4, 0, c9ed0fc8fd199980, 7af1d51bbaa64a95, a965120c06f9a1da)',
      'NR 8 (ffffffffffffffff, 277a2d5d4, 0, 1, 2, 3)',
    ];
    const { calls, stamps, unstamped } = readCalls([strange, mine, strange], output, covers, truth(4), numberOf);
    expect([calls.get(LSEEK), stamps.complete, stamps.duplicates, unstamped]).toEqual([3, 1, 0, 0]);
  });

  test('counts of a table; its heading is no call', () => {
    const { output, covers } = named('syscount');
    const lines = ['Tracing syscalls, printing top 512... Ctrl+C to quit.', 'SYSCALL          COUNT', 'lseek     2200'];
    const { calls } = readCalls(lines, output, covers, { lanes: [], kinds: [] }, numberOf);
    expect([...calls.values()]).toEqual([2200]);
  });
});

describe('the book of stamps', () => {
  test('agrees with counting by hand', () => {
    const run = fc.array(fc.record({ lane: fc.nat(3), sequence: fc.nat(40) }), { maxLength: 80 });
    fc.assert(
      fc.property(run, (notes) => {
        const issued = [40, 0, 17];
        const book = new StampBook(issued);
        const seen = new Set<string>();
        let strange = 0;
        for (const { lane, sequence } of notes) {
          book.note(lane * 2 ** 26 + sequence);
          if (sequence < (issued[lane] ?? 0)) seen.add(`${lane}:${sequence}`);
          else strange++;
        }
        expect(book.complete).toBe(seen.size);
        expect(book.neverIssued).toBe(strange);
        expect(book.duplicates).toBe(notes.length - seen.size - strange);
        const { lossDeciles, longestLossRun } = book.losses();
        expect(lossDeciles.reduce((a, b) => a + b, 0)).toBe(57 - seen.size);
        expect(longestLossRun).toBeLessThanOrEqual(40);
      }),
    );
  });
});

describe('the books of a tool', () => {
  const kinds = [{ nr: LSEEK, name: 'lseek', class: 'stamped' as const, issued: 1000, wanted: true }];
  const books = (delivered: number, lost: number, changed: Partial<ToolBooks> = {}): ToolBooks => {
    const stamps = new StampBook([1000]);
    for (let i = 0; i < delivered; i++) stamps.note(i);
    const calls = new Map([[LSEEK, delivered + 100]]);
    return {
      contestant: named('perf-record'),
      kinds,
      lanes: 1,
      warmup: warmupOf(1000),
      callsPerIteration: 1,
      workload: 'visible',
      found: { calls, stamps, kindDelivered: [delivered], unstamped: 100 },
      counters: [{ name: 'lost', place: 'kernel', unit: 'record', count: lost }],
      ...changed,
    };
  };

  test('what it admits covers its whole run: the share of the section is bounds', () => {
    // 16 calls of an iteration and 200 of loader and exit may be among the admitted.
    expect(judgeTool(books(400, 700))).toMatchObject({
      missing: 600,
      reportedCalls: { min: 484, max: 700 },
      discrepancy: { min: -100, max: 116 },
      verdict: 'reconciled',
    });
    expect(judgeTool(books(400, 500))).toMatchObject({
      discrepancy: { min: 100, max: 316 },
      verdict: 'under-reported',
    });
    expect(judgeTool(books(400, 900))).toMatchObject({ discrepancy: { max: -84 }, verdict: 'over-reported' });
    expect(judgeTool(books(0, 1000))).toMatchObject({ verdict: 'error' });
  });

  test('counts lose the warm-up and what is known to lie outside', () => {
    const syscount = { contestant: named('syscount'), workload: 'null', kinds: [{ ...kinds[0], nr: GETPPID }] };
    const counted = (count: number) => {
      const base = books(0, 0, syscount as Partial<ToolBooks>);
      return judgeTool({ ...base, counters: [], found: { ...base.found, calls: new Map([[GETPPID, count]]) } });
    };
    expect(counted(1102)).toMatchObject({ delivers: 'counts', counted: 1000, verdict: 'reconciled' });
    expect(counted(1100)).toMatchObject({ counted: 998, discrepancy: { min: 2, max: 2 }, verdict: 'under-reported' });
    expect(counted(1103)).toMatchObject({ verdict: 'error' });
  });

  test('a call that a tool does not cover is none that it missed', () => {
    const openat = findSyscallNumber('openat') ?? -1;
    const asked = [
      { ...(kinds[0] as (typeof kinds)[0]), nr: openat, name: 'openat', issued: 250 },
      { ...(kinds[0] as (typeof kinds)[0]), nr: 0, name: 'read', issued: 250 },
    ];
    const base = books(0, 0, {
      contestant: named('opensnoop'),
      workload: 'file',
      kinds: asked,
      callsPerIteration: 4,
      counters: [],
    });
    const found = { ...base.found, calls: new Map([[openat, 250 + 25 + 1]]) };
    expect(judgeTool({ ...base, found })).toMatchObject({ issued: 250, counted: 250, verdict: 'reconciled' });
  });

  test('losses are summed over all matches', () => {
    const loss = { line: /Lost (?<lost>\d+) events/ };
    expect(readLoss(['Lost 3 events', 'x', 'Lost 4 events Lost 5 events'], loss)).toBe(12);
  });
});

describe('where a tool has cells', () => {
  const context = fakeContext({ backends: [...fakeBackends, external] });
  const asked = (settings: Parameters<typeof resolveRequest>[0]) => {
    const request = resolveRequest(settings, context, 1);
    return { request, plan: expandPlan(request, request.variants, context) };
  };

  test('only where it was asked for by name', () => {
    expect(asked({ profile: 'full' }).request.variants).toEqual(['none', 'ring', 'ring/count', 'stop', 'audit']);
    expect(asked({ backends: ['all'] }).request.variants).toEqual(['none', 'ring', 'stop', 'audit']);
    expect(asked({ backends: ['external/*'] }).request.variants).toHaveLength(contestants.length + 1);
  });

  test('only on workloads whose truth it shows, with a note', () => {
    const { plan } = asked({ backends: ['external/opensnoop'], workloads: ['null', 'file'] });
    const cells = plan.plan.cells.filter((cell) => cell.trial.variant !== 'none');
    expect(cells.map((cell) => cell.trial.workload.name)).toEqual(['file']);
    expect(plan.notes).toContain(
      "no cell of external/opensnoop on null: its output does not show that workload's truth; that of file it does",
    );
  });

  test('not with a filter, and not as another user where it starts the target itself', () => {
    const filtered = asked({ backends: ['external/strace'], workloads: ['file'], events: ['read'] });
    expect(filtered.plan.notes.join()).toContain('it takes no filter (-e)');
    const other = asked({ backends: ['external/strace-seccomp'], workloads: ['file'], user: 'nobody' });
    expect(other.plan.notes.join()).toContain('not as another user');
  });

  test('its wake-ups are its own', () => {
    expect(keepsOwnWakeup(definitionOf('external/perf-record', [external]).variant)).toBe('it is a whole tool');
  });
});

describe('a tool’s files, and a tool that is not there', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tb-contestant-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('lines over chunks, without an end, of a file that is not there', () => {
    const long = 'x'.repeat((1 << 22) + 5);
    writeFileSync(join(folder, 'a'), `${long}\nlast`);
    expect([...linesOf(join(folder, 'a'))].map((line) => line.length)).toEqual([long.length, 4]);
    expect(tailOf(join(folder, 'a'))).toMatch(/^….*x; last$/);
    expect([...linesOf(join(folder, 'none'))]).toEqual([]);
  });

  test('says which package brings it, and the command that does', async () => {
    const row = await probeContestant({ ...named('strace'), program: 'no-such-tracer' });
    expect(row).toEqual({
      variant: 'external/strace',
      answer: 'no',
      reason: 'no-such-tracer is not installed (Debian package strace)',
      mend: INSTALL_MEND,
    });
  });

  test('packages are asked for once, with what they are for', () => {
    const missing = contestants.map((c) => ({ name: `external/${c.name}`, packages: [c.package] }));
    expect(packagesOf([{ name: 'redis', packages: ['redis-server', 'redis-tools'] }])).toEqual([
      'redis-server=redis',
      'redis-tools=redis',
    ]);
    expect(packagesOf(missing)).toContain('linux-perf=external/perf-trace, external/perf-record');
    expect(packagesOf(missing).filter((text) => text.startsWith('strace='))).toHaveLength(1);
  });
});
