/** A bystander study as a table: at the terminal and in bystander.md. */
import {
  type BystanderRow,
  type BystanderStudy,
  type BystanderTrial,
  KINDS,
  type Kind,
  type Tax,
} from '../harness/bystander/result.ts';
import { addedInterval, joined, NOTHING, ratioInterval, time, timeInterval } from '../harness/notation.ts';
import { spinnersText } from '../harness/result-words.ts';
import { columns } from './columns.ts';
import { markdownTable } from './markdown-table.ts';
import { plainTable } from './plain-table.ts';

/** Progress: one trial. */
export function bystanderLine(subject: string, trial: BystanderTrial): string {
  if (trial.status === 'failed') return `${subject}: ${trial.error.code}: ${trial.error.message}`;
  const kind = (name: Kind): string => {
    const { before, armed, busy, residue } = trial[name];
    const phases = [`armed ${time(armed)}`, ...(busy === null ? [] : [`busy ${time(busy)}`]), `after ${time(residue)}`];
    return `${name} ${time(before)}, ${phases.join(', ')}`;
  };
  return `${subject}: ${KINDS.map(kind).join('; ')}`;
}

const COLUMNS = columns(
  'left:beside',
  'left:bystander',
  'right:armed',
  'right:×',
  'right:busy',
  'right:×',
  'right:residue',
  'right:×',
  'right:rounds',
);

function cells(tax: Tax): [string, string] {
  if (tax === null) return [NOTHING, NOTHING];
  return [joined(addedInterval(tax.addedNs)), joined(ratioInterval(tax.ratio))];
}

function rows({ twin, variants }: BystanderStudy): string[][] {
  const shown = (name: string, row: BystanderRow): string[][] =>
    KINDS.map((kind) => {
      const { armed, busy, residue } = row[kind];
      const head = kind === 'old' ? name : '';
      return [head, kind, ...cells(armed), ...cells(busy), ...cells(residue), String(row.rounds)];
    });
  return [...shown('nobody (noise)', twin), ...variants.flatMap((row) => shown(row.variant, row))];
}

function terms({ callsPerBlock, rounds, seed, idle, place, untracedNs, environment: e }: BystanderStudy): string {
  const untraced =
    untracedNs === null
      ? ''
      : ` Untraced: old ${joined(timeInterval(untracedNs.old))}, new ${joined(timeInterval(untracedNs.new))}.`;
  const busy = place.busy
    ? `target and collector on CPUs ${place.target} and ${place.collector}`
    : 'busy is not claimed: it takes three CPUs';
  return (
    'What is added to a bare system call of a process that nobody traces, on CPU ' +
    `${place.bystander}: phase less before, less the same of the untraced trial of the round; × likewise. Armed: the tracer is ` +
    `attached and its target sleeps; ${busy}; residue: the tracer is gone. Old: started before the tracer was opened; ` +
    `new: forked in the phase. Medians over ${rounds} rounds with order-statistic intervals, each row by itself; a reading is the best ` +
    `of five blocks of ${callsPerBlock} calls; idle ${idle}, seed ${seed}.${untraced} Linux ${e.kernelRelease}, ` +
    `${e.cpusOnline} × ${e.cpuModel}, ${e.virtualisation}.`
  );
}

/** What the figures of a row do not say. */
function notes({ complete, incompleteReason, twin, variants, trials }: BystanderStudy): string[] {
  const spinners = spinnersText(trials.filter((trial) => trial.status === 'completed'));
  const marked = variants.filter(({ auditContext }) => auditContext === 'present').map(({ variant }) => variant);
  const unknown = [twin, ...variants].filter(({ auditContext }) => auditContext === 'unknown');
  const failed = [twin, ...variants].flatMap(({ variant, failures }) => failures.map((why) => `${variant}: ${why}`));
  return [
    ...(complete ? [] : [`Incomplete (${incompleteReason}): the rounds that were done.`]),
    ...(marked.length > 0
      ? [`${marked.join(', ')}: against processes without audit's mark; the residue stays until the next boot.`]
      : []),
    ...(unknown.length > 0
      ? [
          `Audit context unknown (${unknown.map(({ variant }) => variant).join(', ')}): its mark may be in all phases alike.`,
        ]
      : []),
    ...(spinners === null ? [] : [`Idle busy: ${spinners}.`]),
    ...failed,
  ];
}

export function renderBystander(study: BystanderStudy): string {
  return `${[plainTable(COLUMNS, rows(study)), '', terms(study), ...notes(study)].join('\n').trimEnd()}\n`;
}

export function renderBystanderMarkdown(study: BystanderStudy): string {
  const said = [terms(study), ...notes(study)].flatMap((line) => ['', line]);
  return `${['# Bystander tax', '', ...markdownTable(COLUMNS, rows(study)), ...said].join('\n').trimEnd()}\n`;
}
