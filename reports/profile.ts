/** A profile as people read it: how much, how evenly, of what. */
import { count, percent, rate, time } from '../harness/notation.ts';
import type { Profile } from '../harness/profile/result.ts';
import { columns } from './columns.ts';
import { plainTable } from './plain-table.ts';

/** In the table; all of them are in the file. */
const PEAKS_SHOWN_MS = [1, 10, 100, 1000, 10_000];
const CALLS_SHOWN = 12;

export function renderProfile(profile: Profile): string {
  const { meanPerS, windows, spread, calls, durationNs } = profile;
  const out = [heading(profile), ''];
  const rows = [['on average', rate(meanPerS), '', `${count(calls)} calls in ${time(durationNs)}`]];
  if (spread !== null) {
    const range = `${rate(spread.p5PerS)} … ${rate(spread.p95PerS)}`;
    rows.push([
      `windows of ${windows.askedMs} ms`,
      rate(spread.medianPerS),
      '',
      `median; 5 to 95 % of ${count(spread.windows)}: ${range}`,
    ]);
  }
  for (const peak of profile.peaks.filter(({ windowMs }) => PEAKS_SHOWN_MS.includes(windowMs))) {
    rows.push([
      `peak over ${time(peak.windowMs * 1e6)}`,
      rate(peak.perS),
      times(peak.perS, meanPerS),
      `${count(peak.calls)} calls, ${time(peak.atNs)} after the beginning`,
    ]);
  }
  out.push(
    plainTable(columns('left:', 'right:calls', 'right:of the average', 'left:'), rows),
    '',
    burstText(profile),
    '',
  );
  const most = profile.mix.slice(0, CALLS_SHOWN);
  if (most.length > 0) {
    const mix = most.map((call) => [call.name, count(call.calls), percent(call.share)]);
    out.push(plainTable(columns('left:system call', 'right:calls', 'right:share'), mix));
    const rest = profile.mix.slice(CALLS_SHOWN);
    if (rest.length > 0) {
      const others = rest.reduce((sum, call) => sum + call.calls, 0);
      out.push(`and ${rest.length} others with ${count(others)} calls (${percent(others / calls)})`);
    }
    out.push('');
  }
  out.push(...remarks(profile));
  return `${out.join('\n').trimEnd()}\n`;
}

/** `1.21M:5ms`, as `capacity --plan --burst` takes it. */
export function profileBurst({ burst }: Profile): string | null {
  if (burst === null) return null;
  const peak = Number(Math.max(1, burst.peakPerS).toPrecision(3));
  const text = peak >= 1e6 ? `${peak / 1e6}M` : peak >= 1e3 ? `${peak / 1e3}k` : `${Math.round(peak)}`;
  return `${text}:${burst.durationMs}ms`;
}

function heading({ target, tasks, durationNs }: Profile): string {
  const who = `${count(tasks)} ${tasks === 1 ? 'task' : 'tasks'}`;
  if (target.kind === 'command') return `${target.argv.join(' ')} (${who}) for ${time(durationNs)}`;
  if (target.kind === 'process') return `${target.name}, process ${target.pid} (${who}) for ${time(durationNs)}`;
  return `control group ${target.path} (${who} that made calls) for ${time(durationNs)}`;
}

function burstText(profile: Profile): string {
  const text = profileBurst(profile);
  const { burst, durationNs } = profile;
  if (burst === null || text === null) {
    return durationNs === 0 || profile.peaks.length === 0
      ? 'burst: cannot be told from so short a recording'
      : 'burst: none, no window held more than the average';
  }
  const peak = profile.peaks.find(({ windowMs }) => windowMs === burst.durationMs);
  return (
    `burst for the planner: ${text}, the peak over ${time(burst.durationMs * 1e6)}` +
    `${peak === undefined ? '' : ` (${count(peak.calls)} calls)`}: of all widths the one with the most calls beyond the average`
  );
}

function remarks(profile: Profile): string[] {
  const { windows, counters, foreignCalls, ended, endedText, durationNs } = profile;
  const said: string[] = [];
  if (ended === 'stopped') said.push(`Ended early (${endedText ?? 'stopped'}): what was counted until then.`);
  if (ended === 'target' && profile.target.kind === 'process')
    said.push('The process ended before the time asked for.');
  if (windows.late > 0) {
    said.push(
      `${count(windows.late)} of ${count(windows.calls.length)} windows were read late, ${percent(windows.lateNs / Math.max(1, durationNs))} of the time: ` +
        'a peak within one of them is flattened to its average.',
    );
  }
  if (foreignCalls > 0) said.push(`${count(foreignCalls)} calls of another architecture are in no row.`);
  const missed = counters.filter(({ place, count: lost }) => place !== 'health' && lost > 0);
  if (missed.length > 0) {
    said.push(
      `Not counted: ${missed.map(({ name, count: lost }) => `${name} ${count(lost)}`).join(', ')}; the figures are the least there was.`,
    );
  }
  return said;
}

function times(perS: number, meanPerS: number): string {
  return meanPerS === 0 ? '' : `${Number((perS / meanPerS).toPrecision(3))}×`;
}
