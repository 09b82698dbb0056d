import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatBytes, joined, percent, ratioInterval, time, timeInterval, timePair } from '../../harness/notation.ts';
import type { Cell, Interval } from '../../harness/result.ts';
import { parseResult } from '../../harness/study/study-result.ts';
import { cellsCsv, trialsCsv } from '../../reports/csv.ts';
import { renderExplain } from '../../reports/explain.ts';
import { books, delivered, wakeup } from '../../reports/format.ts';
import { renderFiles, writeReports } from '../../reports/index.ts';
import { jsonSchemas, resultJson } from '../../reports/json.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { renderTerminal, wrap } from '../../reports/terminal.ts';
import { failed, fixtureStudy } from '../fixtures/study.ts';

const plain = new PassThrough(); // not a TTY
const whole = fixtureStudy();
const quick = fixtureStudy({ rounds: 6, variants: ['ebpf', 'ptrace'] });
const budgets = fixtureStudy({ rounds: 6, inFlight: 95_000, workloads: ['null', 'file'] });
const odd = fixtureStudy({
  rounds: 7,
  workloads: ['null', 'threads:4', ['find', '/usr', '-name', '=cmd|x']],
  change: (t) =>
    t.spec.variant === 'ptrace' && t.spec.round === 3 ? failed(t, 'LOST_TARGET', '=HYPERLINK("x"), "quoted"\nline') : t,
});

function interval(estimate: number, low: number | null, high: number | null): Interval {
  return {
    estimate,
    low,
    high,
    confidence: 0.96,
    n: low === null ? 3 : 12,
    method: low === null ? 'none' : 'order-statistic',
  };
}

/** A reader of RFC 4180, independent of the writer. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    rows.at(-1)?.push(quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'));
    if (end === '\n') rows.push([]);
    if (end === '') break;
  }
  return rows.filter((row) => row.length > 1);
}

describe('figures', () => {
  it('carry three digits and their unit', () => {
    expect([189.4, 999.7, 1000, 15_612, 46.2e6, 2.31e9, 38.25, 0.0202, 0].map(time)).toEqual([
      '189 ns',
      '1.00 µs',
      '1.00 µs',
      '15.6 µs',
      '46.2 ms',
      '2.31 s',
      '38.3 ns',
      '0.02 ns',
      '0 ns',
    ]);
    expect(time(null)).toBe('–');
    expect(formatBytes(8 * 2 ** 20)).toBe('8 MiB');
    expect(timePair(210e3, 1.4e6)).toBe('0.210 / 1.40 ms');
  });

  it('show an interval as finely as it is wide', () => {
    expect(joined(timeInterval(interval(15_612, 15_500, 15_700)))).toBe('15.6 µs [15.5, 15.7]');
    expect(joined(ratioInterval(interval(1.0021, 0.9982, 1.0064)))).toBe('1.002× [0.998, 1.006]');
    expect(joined(timeInterval(interval(2810, -11_630, 21_730)))).toBe('2.8 µs [-11.6, 21.7]');
    expect(joined(ratioInterval(interval(2.08, null, null)))).toBe('2.08× [n = 3]');
  });

  it('never round loss away', () => {
    expect([1, 0.9999994, 0.99996, 0.9994, 0.979, 0.153, 0.0094, 0].map(percent)).toEqual([
      '100 %',
      '99.99994 %',
      '99.996 %',
      '99.94 %',
      '97.9 %',
      '15.3 %',
      '0.94 %',
      '0 %',
    ]);
  });

  it('are the same in the verdict and in the tables', () => {
    for (const c of quick.study.cells.filter((cell) => cell.slowdown)) {
      expect(quick.study.verdict[0]).toContain(joined(ratioInterval(c.slowdown)).split(' [')[0]);
      expect(quick.study.verdict[0]).toContain(joined(ratioInterval(c.slowdown)).split(' [')[1]);
    }
  });
});

describe('terminal', () => {
  it.each([
    ['all variants', whole.study],
    ['quick', quick.study],
    ['two budgets', budgets.study],
    [
      'two budgets, few pairs',
      fixtureStudy({ rounds: 6, inFlight: 95_000, workloads: ['null'], variants: ['ebpf', 'ebpf/perfbuf'] }).study,
    ],
    ['failures and applications', odd.study],
  ])('%s stays within 110 columns, commands excepted', (_name, study) => {
    for (const line of renderTerminal(study, { stream: plain }).split('\n')) {
      if (!line.includes('`')) expect(line.length, line).toBeLessThanOrEqual(110);
      expect(line).not.toMatch(/undefined|NaN|\s$/);
    }
  });

  it('puts what drops and what blocks into tables of their own, delivered share beside every overhead', () => {
    const text = renderTerminal(whole.study, { stream: plain });
    const [, drops = '', blocks = '', neither = ''] = text.split(/^Backends that .*$/m);
    expect(drops).toMatch(/^null +ebpf +\+1\d\d ns .*2\.0\d× .*100 % +12\/12 ok/m);
    expect(drops).toMatch(/^null +ebpf\/perfbuf .*9[78]\.\d %/m);
    expect(drops).not.toContain('ptrace');
    expect(blocks.split('Untraced')[0]).not.toContain('ebpf');
    expect(neither).toMatch(/^null +ebpf\/count /m);
    expect(drops.match(/\(enter\)/g)).toHaveLength(3);
  });

  it('tells baselines apart that differ by their audit context only', () => {
    const context = (cell: Cell, auditContext: 'absent' | 'present'): Cell => ({
      ...cell,
      terms: { ...cell.terms, auditContext },
    });
    const bare = whole.study.cells.find((cell) => cell.variant === 'none') as Cell;
    const cells = [context(bare, 'absent'), context(bare, 'present')];
    const text = renderTerminal({ ...whole.study, cells }, { stream: plain });
    expect(text).toMatch(/per call .* audit context +rounds/);
    expect(text).toMatch(/ absent +\d+\b.*\n.* present +\d+\b/);
    expect(renderTerminal({ ...whole.study, cells: [cells[0] as Cell] }, { stream: plain })).not.toMatch(
      /audit context +rounds/,
    );
  });

  it('says what is missing here and how to mend it, and ends with the verdict', () => {
    const text = renderTerminal(whole.study, { stream: plain });
    expect(text).toMatch(/ebpf\/fentry: the verifier refused/);
    expect(text).toContain('mend: boot with lockdown=none, or use ebpf');
    expect(text).toContain('ebpf/mmap: could not tell: the probe did not end within 2 s');
    const verdict = text.slice(text.indexOf('\nVerdict\n') + 9);
    expect(verdict.replaceAll('\n', ' ').trim()).toBe(whole.study.verdict.join(' '));
  });

  it('lists comparisons with both delivered shares while there are few', () => {
    expect(renderTerminal(quick.study, { stream: plain })).toMatch(
      /^null +ebpf \/ ptrace +0\.02\d+× \[.*\] +0\.031 +100 % \/ 100 % +ebpf faster\n +drops \/ blocks, other \/ same$/m,
    );
    expect(renderTerminal(whole.study, { stream: plain })).toContain('30 pairs, in summary.md');
  });

  it('has no colour where nobody looks', () => {
    expect(renderTerminal(whole.study, { stream: plain })).not.toContain('\u001b');
  });

  it('wraps without breaking a command', () => {
    expect(wrap('aa bb `x y z w` cc', 8, '  ')).toEqual(['aa bb', '  `x y z w`', '  cc']);
    expect(wrap('v1 v2', 80, '', 'name    ')).toEqual(['name    v1 v2']);
  });
});

describe('two budgets', () => {
  const { study, trials } = budgets;
  const few = fixtureStudy({ rounds: 6, inFlight: 95_000, workloads: ['null'], variants: ['ebpf', 'ebpf/perfbuf'] });

  it('are told apart at the terminal: tables, comparisons, terms', () => {
    const text = renderTerminal(few.study, { stream: plain });
    expect(text.match(/^null +ebpf +\+/gm)).toHaveLength(2);
    expect(text.match(/^ +@95,000 calls/gm)?.length).toBeGreaterThanOrEqual(3);
    expect(text).toMatch(/^null +ebpf \/ ebpf\/perfbuf .*\n +@95,000 calls/m);
    const terms = text.slice(text.indexOf('\nTerms ')).replaceAll(/\n +/g, ' ');
    expect(terms).toContain(
      'ebpf: full records, all calls, buffer asked 8 MiB, had 8 MiB, 8 MiB within reach of one CPU at 96 B a call = 87,381 calls in flight, wake-up timer:200 µs',
    );
    expect(terms).toContain('ebpf @95,000 calls: full records, all calls, buffer asked 95,000 calls, had 8.7 MiB,');
    expect(terms).toContain('idle native');
  });

  it('are told apart in summary.md: every table, the terms', () => {
    const text = renderMarkdown(study);
    const section = (title: string): string => text.split(title)[1]?.split('\n## ')[0] ?? '';
    const results = section('## Backends that drop records when they fall behind');
    const latency = section('## Delivery latency, records made at the exit of a call');
    const terms = section('## Terms of each cell');
    for (const part of [results, latency, terms]) expect(part).toMatch(/^\| null \| ebpf @95,000 calls \|/m);
    expect(section('## Head to head')).toMatch(/\| ebpf @95,000 calls \| [\d.]+ % \| ebpf\/enter @95,000 calls \|/);
    expect(terms).toContain('| 95,000 calls | 8.7 MiB | 8.7 MiB | 96 B | 95,000 | 20.0 | timer:200 µs |');
    expect(terms).toContain('| 8 MiB | 8 MiB | 8 MiB | 96 B | 87,381 | 21.7 | timer:200 µs |');
  });

  it('have columns of their own', () => {
    const [head = [], ...rows] = readCsv(cellsCsv(study));
    study.cells.forEach((c, i) => {
      const at = (name: string) => rows[i]?.[head.indexOf(name)];
      expect(at('asked_calls_in_flight')).toBe(c.terms.askedCallsInFlight === null ? '' : '95000');
      expect(at('bytes_per_call')).toBe(String(c.terms.geometry?.bytesPerCall));
      expect(at('reachable_bytes_per_cpu')).toBe(String(c.terms.geometry?.reachableBytesPerCpu));
    });
    const [trialHead = [], ...trialRows] = readCsv(trialsCsv(trials));
    trials.forEach((t, i) => {
      const at = (name: string) => trialRows[i]?.[trialHead.indexOf(name)];
      expect(at('asked_calls_in_flight')).toBe(t.spec.inFlight === null ? '' : '95000');
      expect(at('asked_buffer_bytes')).toBe(String(t.spec.bufferBytes));
      expect([at('idle'), at('wakeup')]).toEqual(['native', t.spec.wakeup.kind]);
    });
  });

  it('are told apart in notes and in explain', () => {
    const flagged = fixtureStudy({
      rounds: 6,
      inFlight: 95_000,
      workloads: ['null'],
      change: (t) => (t.spec.inFlight === null ? t : { ...t, stealNs: t.wallMs * 1e6 }),
    });
    expect(renderTerminal(flagged.study, { stream: plain })).toMatch(
      /^ +null ebpf @95,000 calls; null ebpf\/enter @95,000/m,
    );
    const said = renderExplain(study, trials, 'null/1900000/ebpf@95000calls', 'x');
    expect(said).toMatch(/^backend +ebpf @95,000 calls, drops$/m);
    expect(said).toMatch(/buffer asked 95,000 calls, had 8\.7 MiB/);
  });

  it('say a wake-up in the words it is typed in', () => {
    expect(wakeup({ kind: 'timer', value: 200 })).toBe('timer:200 µs');
    expect(wakeup({ kind: 'watermark', value: 4096 })).toBe('watermark:4096 B');
    expect(wakeup({ kind: 'adaptive' })).toBe('adaptive');
    expect(wakeup({ kind: 'sync' })).toBe('sync');
  });
});

describe('summary.md', () => {
  it('opens with the verdict', () => {
    const lines = renderMarkdown(whole.study).split('\n');
    expect(lines[0]).toBe('# Verdict');
    expect([lines[2], lines[4], lines[6]]).toEqual(whole.study.verdict);
  });

  it('has rows as wide as their heads, whatever people call their commands', () => {
    for (const { study } of [whole, odd]) {
      let columns = 0;
      for (const line of renderMarkdown(study).split('\n')) {
        const cells = line.startsWith('|') ? line.replaceAll('\\|', '').split('|').length : 0;
        if (cells > 0 && columns > 0) expect(cells, line).toBe(columns);
        columns = cells;
        expect(line).not.toMatch(/undefined|NaN/);
      }
    }
  });

  it('keeps latencies of entry and exit in tables of their own', () => {
    const [, exit = '', entry = ''] = renderMarkdown(whole.study).split(/^## Delivery latency.*$/m);
    expect(exit).toContain('| ebpf |');
    expect(exit).not.toContain('| ebpf/enter |');
    expect(entry.split('## ')[0]).toContain('| ebpf/enter |');
    expect(entry.split('## ')[0]).not.toContain('| ptrace |');
  });

  it('names the terms of every cell, what was not measured, and the machine', () => {
    const text = renderMarkdown(whole.study);
    const terms = text.split('## Terms of each cell')[1]?.split('## ')[0] ?? '';
    expect(terms.match(/^\| (null|file|exec) /gm)).toHaveLength(whole.study.cells.length);
    expect(text).toContain('- the rates each backend sustains: `./tracebench capacity`');
    expect(text).toContain('| pipe round trip, across, kept awake | 11.9 µs | – |');
  });
});

describe('csv', () => {
  it('has a row a trial, failed and warm-up ones too', () => {
    const [head = [], ...rows] = readCsv(trialsCsv(odd.trials));
    const column = (name: string) => rows.map((row) => row[head.indexOf(name)]);
    expect(rows).toHaveLength(odd.trials.length);
    expect(rows.every((row) => row.length === head.length)).toBe(true);
    expect(new Set(column('warmup'))).toEqual(new Set(['true', 'false']));
    expect(column('status').filter((s) => s === 'failed')).toHaveLength(3);
    const first = odd.trials[0];
    if (first?.status !== 'completed') throw new Error('the fixture changed');
    expect(column('run_ns')[0]).toBe(String(first.run.durationNs));
    expect(column('ns_per_call')[0]).toBe(first.section ? String(first.section.durationNs / first.section.calls) : '');
  });

  it('does not let text become a formula, nor a negative number become text', () => {
    const [head = [], ...rows] = readCsv(trialsCsv(odd.trials));
    const message = rows.find((row) => row[head.indexOf('status')] === 'failed')?.[head.indexOf('error_message')];
    expect(message).toBe(`'=HYPERLINK("x"), "quoted"\nline`);
    const study = structuredClone(quick.study);
    for (const c of study.cells) c.discrepancy = { min: -3, max: -1 };
    const [cellHead = [], cell = []] = readCsv(cellsCsv(study));
    expect(cell[cellHead.indexOf('discrepancy_min')]).toBe('-3');
  });

  it('has a row a cell, figures with bounds, nothing where there is no figure', () => {
    const [head = [], ...rows] = readCsv(cellsCsv(whole.study));
    expect(rows).toHaveLength(whole.study.cells.length);
    whole.study.cells.forEach((c, i) => {
      const at = (name: string) => rows[i]?.[head.indexOf(name)];
      expect(at('cell_id')).toBe(c.cellId);
      expect(at('slowdown')).toBe(c.slowdown ? String(c.slowdown.estimate) : '');
      expect(at('slowdown_high')).toBe(c.slowdown ? String(c.slowdown.high) : '');
      expect(at('delivered_fraction')).toBe(c.deliveredFraction === null ? '' : String(c.deliveredFraction));
    });
    expect(new Set(head).size).toBe(head.length);
  });
});

describe('json', () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  const schemas = jsonSchemas();
  const validResult = ajv.compile(JSON.parse(schemas['result.schema.json']));
  const validTrial = ajv.compile(JSON.parse(schemas['trial.schema.json']));

  it('comes back as it went', () => {
    expect(parseResult(resultJson(odd.study))).toEqual(odd.study);
  });

  it('fits its schema, as do the trials; what is not one does not', () => {
    expect(validResult(JSON.parse(resultJson(whole.study))), JSON.stringify(validResult.errors)).toBe(true);
    for (const trial of odd.trials) expect(validTrial(JSON.parse(JSON.stringify(trial)))).toBe(true);
    expect(validResult({ ...whole.study, cells: [{}] })).toBe(false);
    expect(validTrial({ ...whole.trials[0], status: 'skipped' })).toBe(false);
  });

  it('is committed with the schema of this source (else: node dist/reports/write-schema.js)', () => {
    for (const [name, text] of Object.entries(schemas)) {
      expect(readFileSync(new URL(`../../reports/schema/${name}`, import.meta.url), 'utf8'), name).toBe(text);
    }
  });

  it('refuses figures that are none, and files that are no results', () => {
    const broken = structuredClone(quick.study);
    (broken.cells[0] as (typeof broken.cells)[number]).durationNs = interval(Number.NaN, null, null);
    expect(() => resultJson(broken)).toThrow();
    expect(() => parseResult('{')).toThrow(/not JSON/);
    expect(() => parseResult('{"version":99}')).toThrow(/version 2, but 99/);
    expect(() => parseResult('{"version":2}')).toThrow(/not a whole result/);
  });
});

describe('files', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'tracebench-reports-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('are all written, over older ones, into a folder that is made', () => {
    const out = join(dir, 'a', 'b');
    const names = ['cells.csv', 'result.json', 'summary.md', 'trials.csv'];
    writeReports(out, odd.study, odd.trials);
    const paths = writeReports(out, quick.study, quick.trials);
    expect(readdirSync(out).sort()).toEqual(names);
    expect(paths.map((p) => p.slice(out.length + 1)).sort()).toEqual(names);
    for (const [name, text] of renderFiles(quick.study, quick.trials))
      expect(readFileSync(join(out, name), 'utf8')).toBe(text);
  });

  it('are not begun when the study cannot be written', () => {
    const broken = structuredClone(quick.study);
    broken.verdict = [1 as unknown as string];
    writeFileSync(join(dir, 'result.json'), 'old');
    expect(() => writeReports(dir, broken, quick.trials)).toThrow();
    expect(readdirSync(dir)).toEqual(['result.json']);
    expect(readFileSync(join(dir, 'result.json'), 'utf8')).toBe('old');
  });

  it('leave no draft behind when a file cannot be put in place', () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    expect(() => writeReports(file, quick.study, quick.trials)).toThrow(/EEXIST|ENOTDIR/);
    expect(readdirSync(dir)).toEqual(['file']);
  });
});

describe('explain', () => {
  const ptrace = odd.study.cells.find((c) => c.variant === 'ptrace');

  it('shows configuration, every trial, the reasons and the command', () => {
    const text = renderExplain(odd.study, odd.trials, ptrace?.cellId ?? '', './tracebench run --again');
    expect(text).toContain('wake-up sync, placement same (workload on 1');
    expect(text.match(/^ +\d+( w)? +\d+ /gm)).toHaveLength(8);
    expect(text).toMatch(/^ +3 +\d+ +failed +LOST_TARGET$/m);
    expect(text).toMatch(/^ +0 w /m);
    expect(text).toContain('failed-trials: 1 trial failed');
    expect(text).toMatch(/Run just this cell again:\n {2}\.\/tracebench run --again\n$/);
    expect(text).not.toMatch(/undefined|NaN/);
  });

  it('works for baselines and applications, and names the cells there are', () => {
    for (const c of odd.study.cells)
      expect(renderExplain(odd.study, odd.trials, c.cellId, 'x')).not.toMatch(/undefined|NaN/);
    expect(() => renderExplain(odd.study, odd.trials, 'nope', 'x')).toThrow(/no cell nope; this study has null\//);
  });
});

describe('cells', () => {
  it('of applications claim neither books nor a share, only what the mechanism admits', () => {
    const find = odd.study.cells.find((c) => c.workload.kind === 'application' && c.variant === 'ebpf');
    if (!find) throw new Error('the fixture changed');
    expect(delivered(find)).toBe('lost 0');
    expect(books(find)).toBe('–');
  });
});
