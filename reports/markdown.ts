/** summary.md: opens with the verdict; everything a reader needs to trust or reject it follows. */
import {
  addedInterval,
  count,
  joined,
  NOTHING,
  percent,
  range,
  rateInterval,
  ratioInterval,
  time,
  timeInterval,
} from '../harness/notation.ts';
import type { Cell, Study } from '../harness/result.ts';
import { backendLabel } from '../harness/result-words.ts';
import { ALONGSIDE_COLUMNS, ALONGSIDE_TEXT, ALONGSIDE_TITLE, alongsideRows } from './alongside.ts';
import { APPLICATIONS_NOTE, APPLICATIONS_TITLE, applicationRows } from './applications.ts';
import { CLAIMS_TITLE, claimLines } from './claims.ts';
import { columns } from './columns.ts';
import { CPU_BILL_COLUMNS, CPU_BILL_TEXT, CPU_BILL_TITLE, cpuBillRows, kernelThreadsLine } from './cpu-bill.ts';
import { baselines, books, cellsOf, delivered, REGIMES, unequal, workload } from './format.ts';
import { conditions } from './markdown-conditions.ts';
import { markdownTable, text } from './markdown-table.ts';
import { notesOf } from './notes.ts';
import { OPEN_LOOP_COLUMNS, OPEN_LOOP_TEXT, OPEN_LOOP_TITLE, openLoopTables } from './open-loop.ts';
import { REFERENCE_TITLE, referenceLines } from './reference.ts';
import { SELECTIVITY_TEXT, SELECTIVITY_TITLE, selectivityTable } from './selectivity.ts';
import { STARVED_COLUMNS, STARVED_TEXT, STARVED_TITLE, starvedRows } from './starved.ts';

export function renderMarkdown(study: Study): string {
  const { notes, numbers } = notesOf(study);
  const out: string[] = ['# Verdict', '', ...study.verdict.map(text).flatMap((s) => [s, ''])];
  for (const flag of study.flags) out.push(`> **${flag.code}**: ${text(flag.text)}`, '');

  out.push('# Results', '', lead(study), '');
  for (const { regime, title } of REGIMES) {
    const cells = cellsOf(study.cells, regime);
    if (cells.length > 0) out.push(`## ${title}`, '', ...results(cells, numbers), '');
  }
  out.push(...applications(study.cells, numbers));
  out.push('## Untraced', '', ...untraced(baselines(study.cells), numbers), '');
  out.push(...alongside(study.cells));
  out.push(...headToHead(study));
  out.push(...referenceCheck(study));
  out.push(...openLoop(study), ...starved(study), ...latencies(study.cells));
  out.push(...selectivity(study), ...cpuBill(study));
  out.push(...claimsTable(study));
  if (notes.length > 0) {
    out.push('## Notes', '');
    for (const note of notes) {
      out.push(`${note.number}. **${note.code}**`);
      for (const { text: words, where } of note.said) out.push(`   - ${text(where.join('; '))}: ${text(words)}`);
    }
    out.push('');
  }
  out.push(...conditions(study));
  return `${out.join('\n').trimEnd()}\n`;
}

function lead(study: Study): string {
  const { plan, noise } = study;
  const parts = [
    `Study \`${study.studyId}\`, ${study.startedAt} to ${study.finishedAt}: profile ${plan.profile}, ${plan.rounds} rounds and ${plan.warmupRounds} discarded warm-up rounds, cells shuffled in each (seed ${plan.seed}).`,
    'Brackets are order-statistic intervals of the median over the rounds, coverage at least 95 %; slowdown and added time are paired with the untraced trial of the same round. Overhead means nothing without the delivered share beside it.',
  ];
  if (noise) {
    parts.push(
      `The baseline is known to ± ${percent(noise.baselineHalfWidth)}; the smallest change of the time per call this study could see on every workload is ${percent(noise.minimumDetectableEffect)}.`,
    );
  }
  return parts.join(' ');
}

function results(cells: readonly Cell[], numbers: (cell: Cell) => string): string[] {
  return markdownTable(
    columns(
      'left:workload',
      'left:backend',
      'right:added per call',
      'right:slowdown',
      'right:delivered',
      'right:books',
      'right:admitted loss',
      'right:discrepancy',
      'right:throughput',
      'right:collector CPU per call',
      'right:attach',
      'right:detach',
      'left:notes',
    ),
    cells.map((c) => [
      workload(c.workload),
      backendLabel(c),
      joined(addedInterval(c.addedNsPerCall)),
      joined(ratioInterval(c.slowdown)),
      delivered(c),
      books(c),
      range(c.reportedLossCalls),
      range(c.discrepancy),
      joined(rateInterval(c.throughputPerS)),
      joined(timeInterval(c.collectorCpuNsPerCall)),
      joined(timeInterval(c.attachNs)),
      joined(timeInterval(c.detachNs)),
      numbers(c),
    ]),
  );
}

function applications(cells: readonly Cell[], numbers: (cell: Cell) => string): string[] {
  const rows = applicationRows(cells);
  if (rows.length === 0) return [];
  return [
    `## ${APPLICATIONS_TITLE}`,
    '',
    APPLICATIONS_NOTE,
    '',
    ...markdownTable(
      columns(
        'left:application',
        'left:backend',
        'right:figure of merit',
        'left:unit',
        'right:ratio',
        'right:issued',
        'right:admitted loss',
        'left:notes',
      ),
      rows.map((r) => [
        r.workload,
        r.backend,
        joined(r.value),
        r.unit,
        joined(r.ratio),
        r.issued,
        r.admittedLoss,
        numbers(r.cell),
      ]),
    ),
    '',
  ];
}

function untraced(cells: readonly Cell[], numbers: (cell: Cell) => string): string[] {
  return markdownTable(
    columns(
      'left:workload',
      'right:calls',
      'right:per call',
      'right:whole',
      'right:rounds',
      'left:audit context',
      'left:notes',
    ),
    cells.map((c) => [
      workload(c.workload),
      c.workload.kind === 'stamped' ? count(c.workload.calls) : NOTHING,
      joined(timeInterval(c.perCallNs)),
      joined(timeInterval(c.durationNs)),
      String(c.trials.completed),
      c.terms.auditContext,
      numbers(c),
    ]),
  );
}

function headToHead(study: Study): string[] {
  if (study.comparisons.length === 0) return [];
  const cell = (id: string): Cell | undefined => study.cells.find((c) => c.cellId === id);
  const rows = study.comparisons.map((c) => {
    const left = cell(c.left);
    const right = cell(c.right);
    const winner = c.outcome === 'left faster' ? left : right;
    return [
      c.workload,
      left ? backendLabel(left) : c.left,
      left ? delivered(left) : NOTHING,
      right ? backendLabel(right) : c.right,
      right ? delivered(right) : NOTHING,
      joined(ratioInterval(c.ratio)),
      c.pValue.toPrecision(2),
      c.pHolm.toPrecision(2),
      c.outcome === 'tie' ? 'tie' : `${winner ? backendLabel(winner) : ''} faster`,
      unequal(left, right),
    ];
  });
  return [
    '## Head to head',
    '',
    'Ratio of the times per call, paired by round; p of the sign test, alone and after Holm over the pairs of the workload. A tie is not equality: this study could not tell the two apart. A backend that lost records did less work than one that did not.',
    '',
    ...markdownTable(
      columns(
        'left:workload',
        'left:left',
        'right:delivered',
        'left:right',
        'right:delivered',
        'right:left / right',
        'right:p',
        'right:p (Holm)',
        'left:outcome',
        'left:not equal in',
      ),
      rows,
    ),
    '',
  ];
}

function referenceCheck(study: Study): string[] {
  const lines = referenceLines(study);
  if (lines.length === 0) return [];
  const out = [`## ${REFERENCE_TITLE}`, ''];
  for (const { variant, text: words, details } of lines) {
    out.push(`- **${variant}**: ${text(words)}`);
    for (const detail of details) out.push(`  - ${text(detail)}`);
  }
  return [...out, ''];
}

function alongside(cells: readonly Cell[]): string[] {
  const rows = alongsideRows(cells);
  if (rows.length === 0) return [];
  return [`## ${ALONGSIDE_TITLE}`, '', ALONGSIDE_TEXT, '', ...markdownTable(ALONGSIDE_COLUMNS, rows), ''];
}

function openLoop(study: Study): string[] {
  return openLoopTables(study).flatMap(({ made, rows }) => {
    return [
      `## ${OPEN_LOOP_TITLE}${made === 'exit' ? '' : ', records made at the entry'}`,
      '',
      OPEN_LOOP_TEXT,
      '',
      ...markdownTable(OPEN_LOOP_COLUMNS, rows),
      '',
    ];
  });
}

function starved(study: Study): string[] {
  const rows = starvedRows(study);
  if (rows.length === 0) return [];
  return [`## ${STARVED_TITLE}`, '', STARVED_TEXT, '', ...markdownTable(STARVED_COLUMNS, rows), ''];
}

/** Records made at the entry and at the exit of a call are never in one table. */
function latencies(cells: readonly Cell[]): string[] {
  const out: string[] = [];
  for (const made of ['exit', 'enter'] as const) {
    const rows = cells.flatMap((c) => {
      const l = c.latency;
      if (!l || l.made !== made || c.openLoop) return [];
      const points = [l.minNs, l.p50Ns, l.p90Ns, l.p99Ns, l.p999Ns, l.p9999Ns, l.maxNs].map(time);
      return [
        [
          workload(c.workload),
          backendLabel(c),
          delivered(c),
          count(l.count),
          ...points,
          l.ambiguous > 0 ? count(l.ambiguous) : '0',
        ],
      ];
    });
    if (rows.length === 0) continue;
    const when = made === 'exit' ? 'exit, so the duration of the call itself is in it' : 'entry';
    out.push(
      `## Delivery latency, records made at the ${made === 'exit' ? 'exit' : 'entry'} of a call`,
      '',
      `From the stamp to the moment the collector could read the record, closed loop, calls that cannot block only; the record is made at the ${when}.`,
      '',
      ...markdownTable(
        columns(
          'left:workload',
          'left:backend',
          'right:delivered',
          'right:records',
          'right:min',
          'right:p50',
          'right:p90',
          'right:p99',
          'right:p99.9',
          'right:p99.99',
          'right:max',
          'right:ambiguous',
        ),
        rows,
      ),
      '',
    );
  }
  return out;
}

function selectivity(study: Study): string[] {
  const found = selectivityTable(study);
  if (found === null) return [];
  return [
    `## ${SELECTIVITY_TITLE}`,
    '',
    SELECTIVITY_TEXT,
    '',
    ...markdownTable(
      found.columns,
      found.rows.map((row) => row.map((figure) => text(joined(figure)))),
    ),
    '',
    ...found.offLine.flatMap((line) => [`- ${line}`]),
    ...(found.offLine.length > 0 ? [''] : []),
  ];
}

function cpuBill(study: Study): string[] {
  const rows = cpuBillRows(study);
  if (rows.length === 0) return [];
  return [
    `## ${CPU_BILL_TITLE}`,
    '',
    [CPU_BILL_TEXT, text(kernelThreadsLine(study))].join(' ').trimEnd(),
    '',
    ...markdownTable(
      CPU_BILL_COLUMNS,
      rows.map((r) => [r.workload, r.backend, r.delivered, ...r.figures.map(joined), r.noise]),
    ),
    '',
  ];
}

function claimsTable(study: Study): string[] {
  const rows = claimLines(study).map(({ text, source, measured, outcome, reason }) => [
    `${text} (${source})`,
    measured,
    reason === null ? outcome : `${outcome}: ${reason}`,
  ]);
  if (rows.length === 0) return [];
  return [
    `## ${CLAIMS_TITLE}`,
    '',
    'Of workload `null` where nothing else is said. An interval decides, or nothing does; the cheaper of two wins only where it would also if the calls it lost had cost nothing.',
    '',
    ...markdownTable(columns('left:claim', 'left:here', 'left:'), rows),
    '',
  ];
}
