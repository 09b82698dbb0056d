/** A capacity study as a table: at the terminal and in capacity.md. */
import type { Capacity, CapacityStudy, SurfaceResult } from '../harness/capacity/result.ts';
import { count, formatBytes, NOTHING, percent, rate, time } from '../harness/notation.ts';
import { GRID_TEXT, gridTables } from './capacity-grid.ts';
import { type Column, columns } from './columns.ts';
import { markdownTable } from './markdown-table.ts';
import { plainTable } from './plain-table.ts';

type Search = Capacity['searches'][number];

/** Progress: one attempt, one search. */
export const capacityLines = {
  attempt({ offeredPerS, achievedPerS, lossFraction }: Search['attempts'][number]): string {
    const offered = offeredPerS === null ? 'full speed' : `${rate(offeredPerS)} offered`;
    return `${offered}, ${rate(achievedPerS)} achieved, ${percent(lossFraction)} lost`;
  },
  point({ load, callsInFlight, lossFraction }: SurfaceResult['tested'][number]): string {
    const burst = `${load.bursts} bursts of ${count(load.burstCalls)} at ${rate(load.peakPerS)}`;
    return `${burst} into ${count(callsInFlight)} calls in flight: ${percent(lossFraction)} lost`;
  },
  outcome(outcome: Search['outcome']): string {
    if (outcome.kind === 'below-least') return `not even ${rate(outcome.failedPerS)} is held`;
    if (outcome.kind === 'generator-limit') return `nothing is lost at full speed, ${rate(outcome.heldPerS)}`;
    return `${rate(outcome.heldPerS)} is held, ${rate(outcome.failedPerS)} is not`;
  },
} as const;

const COLUMNS = columns(
  'left:backend',
  'left:when slow',
  'right:capacity',
  'right:interval',
  'right:searches',
  'right:calls in flight',
  'right:buffer',
  'left:meaning',
);

const MEANING: Readonly<Record<NonNullable<Capacity['capacity']>['meaning'], string>> = {
  held: 'highest offered rate that is held',
  'at-least': 'at least: nothing lost at the load generator’s limit',
  'less-than': 'not even the least rate tried is held',
  'let-through': 'the workload is made to wait: what is let through',
};

function rows({ variants }: CapacityStudy): string[][] {
  return variants.map(({ variant, regime, capacity, geometry, searches, failures }) => [
    variant,
    regime,
    capacity === null ? NOTHING : `${SIGN[capacity.meaning]}${rate(capacity.perS)}`,
    capacity === null ? NOTHING : interval(capacity),
    failures.length === 0 ? String(searches.length) : `${searches.length} + ${failures.length} failed`,
    geometry && geometry.callsInFlight > 0 ? count(geometry.callsInFlight) : NOTHING,
    geometry && geometry.bufferBytes > 0 ? formatBytes(geometry.bufferBytes) : NOTHING,
    capacity === null ? (failures[0] ?? 'not measured') : MEANING[capacity.meaning],
  ]);
}

const SIGN: typeof MEANING = { held: '', 'at-least': '≥ ', 'less-than': '< ', 'let-through': '' };

function interval({ low, high, confidence }: NonNullable<Capacity['capacity']>): string {
  if (confidence === 0) return 'none: fewer than 6';
  return `[${low === null ? '0' : rate(low)}, ${high === null ? '∞' : rate(high)}]`;
}

function terms({ workload, criteria, searches, sectionMs, seed, idle, environment: e }: CapacityStudy): string {
  return (
    `Workload ${workload}: the highest rate of which ${percent(criteria.achievedLeast)} is achieved and at most ` +
    `${percent(criteria.lossFraction)} lost, to ${percent(criteria.resolution)}; median of ${searches} searches with its ` +
    `order-statistic interval; two of three trials of at least ${sectionMs / 1000} s decide a rate, each fills the buffer ` +
    `20 times where it can; idle ${idle}, seed ${seed}. Linux ${e.kernelRelease}, ${e.cpusOnline} × ${e.cpuModel}, ${e.virtualisation}.`
  );
}

/** What the figures do not say. */
function notes({ complete, incompleteReason, spinners }: CapacityStudy): string[] {
  return [
    ...(spinners === undefined ? [] : [`Idle busy: ${spinners}.`]),
    ...(complete ? [] : [`Incomplete (${incompleteReason}): the searches that were done.`]),
  ];
}

const SURFACE_COLUMNS = columns(
  'left:backend',
  'right:serves',
  'right:pause',
  'right:of its buffer',
  'right:points',
  'right:telling',
  'right:loss off by',
  'right:buffer off by',
  'left:the model',
);

const SURFACE_TEXT =
  'Bursts of drawn sizes into buffers of drawn sizes, and the fluid queue fitted to them: calls served a second, pause from the first ' +
  'call in an empty buffer to when the collector works, share of the calls in flight that counts. Off by: medians over points that ' +
  'were drawn before the fit and not fitted to, the loss in points of all calls, the buffer that would lose as much relative to ' +
  'the one had; telling points lost between 5 and 95 %.';

function surfaceRows({ variants }: CapacityStudy): string[][] {
  return variants.flatMap(({ variant, surface }) => {
    if (surface === null) return [];
    const { fit, fitted, tested, telling, lossError, bufferError, holds } = surface;
    return [
      [
        variant,
        rate(fit.servedPerS),
        time(fit.pauseMs * 1e6),
        percent(fit.bufferShare),
        `${fitted.length} + ${tested.length}`,
        String(telling),
        percent(lossError),
        percent(bufferError),
        holds ? 'holds' : 'does not hold here',
      ],
    ];
  });
}

interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  readonly text: string;
}

function tables(study: CapacityStudy): Table[] {
  const surfaces = surfaceRows(study);
  const capacity = { columns: COLUMNS, rows: rows(study), text: terms(study) };
  const grids = gridTables(study);
  return [
    capacity,
    ...(surfaces.length > 0 ? [{ columns: SURFACE_COLUMNS, rows: surfaces, text: SURFACE_TEXT }] : []),
    // What holds for all of them stands once, under the last.
    ...grids.map((grid, i) => (i < grids.length - 1 ? grid : { ...grid, text: `${grid.text} ${GRID_TEXT}`.trim() })),
  ];
}

export function renderCapacity(study: CapacityStudy): string {
  const shown = tables(study).flatMap(({ columns: heads, rows, text }) => [
    plainTable(heads, rows),
    '',
    ...(text === '' ? [] : [text, '']),
  ]);
  return `${[...shown, ...notes(study)].join('\n').trimEnd()}\n`;
}

export function renderCapacityMarkdown(study: CapacityStudy): string {
  const shown = tables(study).flatMap(({ columns: heads, rows, text }) => [
    ...markdownTable(heads, rows),
    '',
    ...(text === '' ? [] : [text, '']),
  ]);
  return `${['# Capacity', '', ...shown, ...notes(study)].join('\n').trimEnd()}\n`;
}
