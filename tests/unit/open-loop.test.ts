/** Open loops in a study: what a cell says of its schedule, the curve in the reports, the notes. */
import { describe, expect, it } from 'vitest';
import type { Cell, CompletedTrial } from '../../harness/result.ts';
import { cellsCsv, trialsCsv } from '../../reports/csv.ts';
import { renderExplain } from '../../reports/explain.ts';
import { resultJson } from '../../reports/json.ts';
import { renderMarkdown } from '../../reports/markdown.ts';
import { openLoopTables } from '../../reports/open-loop.ts';
import { renderTerminal } from '../../reports/terminal.ts';
import { fixtureStudy } from '../fixtures/study.ts';

const ASKED = {
  rounds: 6,
  workloads: ['null@100', 'null@10k', 'null@100k'],
  variants: ['ebpf', 'ebpf/enter', 'ptrace'],
};

function cellOf(cells: readonly Cell[], cellId: string): Cell {
  const cell = cells.find((c) => c.cellId === cellId);
  if (!cell) throw new Error(`${cellId} is none of ${cells.map((c) => c.cellId).join(', ')}`);
  return cell;
}

/** Of a workload that cannot be made faster than so. */
function slowed(share: number) {
  return (trial: CompletedTrial): CompletedTrial => {
    const { section, openLoop } = trial;
    if (section === null || openLoop === null) return trial;
    const durationNs = section.durationNs / share;
    return {
      ...trial,
      section: { ...section, durationNs },
      openLoop: { ...openLoop, achievedPerS: openLoop.achievedPerS * share },
    };
  };
}

describe('a cell of an open loop', () => {
  const { study } = fixtureStudy(ASKED);

  it('has the time of its calls without the waiting, and a slowdown of that', () => {
    const bare = cellOf(study.cells, 'null@10k/10000/none');
    expect(bare.perCallNs?.estimate).toBeGreaterThan(165);
    expect(bare.perCallNs?.estimate).toBeLessThan(185);
    const traced = cellOf(study.cells, 'null@10k/10000/ebpf');
    expect(traced.slowdown?.estimate).toBeGreaterThan(1.9);
    expect(traced.slowdown?.estimate).toBeLessThan(2.3);
    expect(traced.addedNsPerCall?.estimate).toBeGreaterThan(170);
  });

  it('says what was achieved, how late calls were sent, and what the collector took of a CPU', () => {
    const { openLoop, flags } = cellOf(study.cells, 'null@10k/10000/ebpf');
    expect(openLoop?.achievedPerS).toMatchObject({ estimate: 10_000, n: 6 });
    expect(openLoop?.lateFraction).toBe(0.001);
    expect(openLoop?.latestNs).toBe(21_000);
    expect(openLoop?.latencyFromDue?.count).toBe(cellOf(study.cells, 'null@10k/10000/ebpf').latency?.count);
    // 10,000 records a second of 31 ns each.
    expect(openLoop?.collectorCpuFraction?.estimate).toBeCloseTo(0.00031, 5);
    expect(flags).toEqual([]);
    expect(cellOf(study.cells, 'null@10k/10000/none').openLoop?.collectorCpuFraction).toBeNull();
  });

  it('is flagged where the schedule was not kept, blocking backends by their own words', () => {
    const { study: behind } = fixtureStudy({ ...ASKED, change: slowed(0.98) });
    const said = (id: string) => cellOf(behind.cells, id).flags.find((f) => f.code === 'not-achieved')?.text;
    expect(said('null@10k/10000/ebpf')).toMatch(
      /^9800 calls a second were made of 10000 offered, the limit of the load generator/,
    );
    expect(said('null@10k/10000/ptrace')).toMatch(/as much as this backend lets through/);
    expect(said('null@100/100/none')).toBeDefined();
    expect(cellOf(fixtureStudy({ ...ASKED, change: slowed(0.995) }).study.cells, 'null@10k/10000/ebpf').flags).toEqual(
      [],
    );
  });

  it('is flagged where more than a hundredth of the calls were late', () => {
    const late = (trial: CompletedTrial): CompletedTrial =>
      trial.openLoop ? { ...trial, openLoop: { ...trial.openLoop, lateBursts: 200 } } : trial;
    const { study: delayed } = fixtureStudy({ ...ASKED, change: late });
    const flag = cellOf(delayed.cells, 'null@10k/10000/ebpf').flags.find((f) => f.code === 'late');
    expect(flag?.text).toMatch(/^2\.0 % of the calls were sent over 1 µs after they were due, the latest by 21 µs/);
  });

  it('is not taken for too short, too few calls or out of proportion', () => {
    const codes = study.cells.flatMap(({ cellId, flags }) => flags.map(({ code }) => `${cellId}: ${code}`));
    expect(codes).toEqual(['null@100k/100000/ptrace: not-achieved']);
  });
});

describe('the curve', () => {
  const { study, trials } = fixtureStudy(ASKED);

  it('has a row for each rate, entry and exit in tables of their own, rates ascending', () => {
    const tables = openLoopTables(study);
    expect(tables.map(({ made }) => made)).toEqual(['exit', 'enter']);
    const [exit, enter] = tables.map(({ rows }) => rows.map((row) => row.slice(0, 5)));
    expect(exit).toEqual([
      ['null', 'ebpf', '100 /s', '100 /s', '100 %'],
      ['null', 'ebpf', '10.0 k/s', '10.0 k/s', '100 %'],
      ['null', 'ebpf', '100 k/s', '100 k/s', '100 %'],
      ['null', 'ptrace', '100 /s', '100 /s', '100 %'],
      ['null', 'ptrace', '10.0 k/s', '10.0 k/s', '100 %'],
      ['null', 'ptrace', '100 k/s', '63.4 k/s', '100 %'].map((word, i) =>
        i === 3 ? expect.stringMatching(/^6\d\.\d k\/s$/) : word,
      ),
    ]);
    expect(enter?.map((row) => row[1])).toEqual(['ebpf/enter', 'ebpf/enter', 'ebpf/enter']);
  });

  it('gives the median in round trips of a pipe between CPUs placed alike', () => {
    const [rows] = openLoopTables(study).map((table) => table.rows);
    const { pipeRoundTripSameCpuNs, pipeRoundTripCrossCpuNs } = study.calibration.before;
    const multiple = (row: readonly string[] | undefined) => Number(row?.[10]);
    const p50 = (id: string) => cellOf(study.cells, id).latency?.p50Ns ?? Number.NaN;
    expect(multiple(rows?.[1])).toBeCloseTo(p50('null@10k/10000/ebpf') / (pipeRoundTripCrossCpuNs ?? 0), 1);
    expect(multiple(rows?.[4])).toBeCloseTo(p50('null@10k/10000/ptrace') / pipeRoundTripSameCpuNs, 2);
  });

  it('stands in summary.md and at the terminal, and the latencies of closed loops do not', () => {
    const text = renderMarkdown(study);
    expect(text).toContain('## Latency against load (open loop)\n');
    expect(text).toContain('## Latency against load (open loop), records made at the entry');
    expect(text).not.toContain('## Delivery latency');
    const shown = renderTerminal(study, { width: 120 });
    expect(shown).toContain('Latency against load (open loop)');
    expect(shown).toMatch(/null +ebpf +100 k\/s +100 k\/s +100 %/);
  });

  it('is explained cell by cell: the time of a call without the waiting, what was achieved, both latencies', () => {
    const text = renderExplain(study, trials, 'null@10k/10000/ebpf', 'x');
    expect(text).toMatch(/^workload +null 10.0 k\/s, 10,000 calls asked for/m);
    expect(text).toMatch(/^achieved +10.0\d* k\/s \[.*; 0.1 % late, by 21.0 µs at most$/m);
    expect(text).toMatch(/^latency from due +p50 /m);
    // A round: 364 ns of work a call, twice its baseline's, not the 100 µs from one call to the next.
    expect(text).toMatch(/^ +1 +\d+ +3\d\d ns +2\.\d+× +reconciled/m);
  });

  it('is in the csv files and in result.json', () => {
    const [head = '', ...rows] = cellsCsv(study).trim().split('\n');
    const at = (row: string | undefined, name: string) => row?.split(',')[head.split(',').indexOf(name)];
    const row = rows.find((r) => r.startsWith('null@10k/10000/ebpf,'));
    expect([at(row, 'offered_per_s'), at(row, 'burst_calls'), at(row, 'achieved_per_s')]).toEqual([
      '10000',
      '1',
      '10000',
    ]);
    expect(Number(at(row, 'due_latency_p99_ns'))).toBeGreaterThan(0);
    const [trialHead = '', first] = trialsCsv(trials).trim().split('\n');
    expect(first?.split(',')[trialHead.split(',').indexOf('offered_per_s')]).toMatch(/^10+$/);
    expect(JSON.parse(resultJson(study)).cells).toHaveLength(study.cells.length);
  });
});
