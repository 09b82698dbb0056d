/** How figures are written, everywhere alike: three significant digits with the unit, bounds in the unit of the estimate. */
import type { Interval } from './result.ts';

/** A figure that does not exist. Never 0. */
export const NOTHING = '–';

interface Unit {
  readonly name: string;
  readonly size: number;
}

const TIME: readonly Unit[] = [
  { name: 's', size: 1e9 },
  { name: 'ms', size: 1e6 },
  { name: 'µs', size: 1e3 },
  { name: 'ns', size: 1 },
];
const RATE: readonly Unit[] = [
  { name: 'M/s', size: 1e6 },
  { name: 'k/s', size: 1e3 },
  { name: '/s', size: 1 },
];
const BYTES: readonly Unit[] = [
  { name: 'GiB', size: 2 ** 30 },
  { name: 'MiB', size: 2 ** 20 },
  { name: 'KiB', size: 2 ** 10 },
  { name: 'B', size: 1 },
];

/** A figure in two parts, so that a table may put the interval beneath the estimate. */
export interface Figure {
  readonly main: string;
  /** `[185, 194]`, or why there is none; empty when there is nothing to bound. */
  readonly bounds: string;
}

const ABSENT: Figure = { main: NOTHING, bounds: '' };

export function joined(figure: Figure): string {
  return figure.bounds === '' ? figure.main : `${figure.main} ${figure.bounds}`;
}

function unitOf(units: readonly Unit[], value: number): Unit {
  const size = Math.abs(value);
  // 0.9995 of a unit would be shown as 1.00 of it, so it already belongs there.
  return units.find((u) => size >= u.size * 0.9995) ?? (units.at(-1) as Unit);
}

/**
 * Decimals for three significant digits of `value`; more where the interval's width begins further down, fewer where
 * three digits of that width already say less.
 */
function decimals(value: number, width = 0): number {
  const own = value === 0 ? 0 : 2 - Math.floor(Math.log10(Math.max(1e-3, Math.abs(value))));
  const places =
    width > 0 ? Math.min(Math.max(own, Math.ceil(-Math.log10(width))), 2 - Math.floor(Math.log10(width))) : own;
  return Math.min(4, Math.max(0, places));
}

function scaled(value: number, units: readonly Unit[]): string {
  const unit = unitOf(units, value);
  const x = value / unit.size;
  // Below the smallest unit further digits would claim a precision that nothing here has.
  const places = Math.abs(x) < 1 ? 2 : decimals(x);
  return `${fixed(x, places)} ${unit.name}`;
}

function fixed(x: number, places: number): string {
  const text = x.toFixed(places);
  return Number(text) === 0 ? (0).toFixed(places) : text;
}

export function time(ns: number | null): string {
  return ns === null ? NOTHING : ns === 0 ? '0 ns' : scaled(ns, TIME);
}

export function rate(perS: number | null): string {
  return perS === null ? NOTHING : scaled(perS, RATE);
}

export function formatBytes(n: number): string {
  const unit = unitOf(BYTES, n);
  return `${Number((n / unit.size).toFixed(1))} ${unit.name}`;
}

export function count(n: number): string {
  return n.toLocaleString('en-US');
}

/** Never rounds up to 100 %, never down to 0 %. */
export function percent(fraction: number | null): string {
  if (fraction === null) return NOTHING;
  if (fraction === 0 || fraction === 1) return `${fraction * 100} %`;
  const value = fraction * 100;
  if (fraction > 0.99 && fraction < 1) {
    const places = Math.min(9, Math.max(1, Math.ceil(-Math.log10(100 - value))));
    return `${(Math.floor(value * 10 ** places) / 10 ** places).toFixed(places)} %`;
  }
  return `${value >= 10 ? value.toPrecision(3) : Number(value.toPrecision(2))} %`;
}

function figure(interval: Interval | null, units: readonly Unit[], sign: boolean): Figure {
  if (!interval) return ABSENT;
  const { estimate, low, high } = interval;
  const unit = unitOf(units, estimate);
  const x = estimate / unit.size;
  const places = decimals(x, low === null || high === null ? 0 : (high - low) / unit.size);
  const main = `${sign && x > 0 ? '+' : ''}${fixed(x, places)}${unit.name === '×' ? '' : ' '}${unit.name}`;
  return { main, bounds: bounds(interval, (v) => fixed(v / unit.size, places)) };
}

function bounds({ low, high, n }: Interval, show: (x: number) => string): string {
  return low === null || high === null ? `[n = ${n}]` : `[${show(low)}, ${show(high)}]`;
}

export function timeInterval(interval: Interval | null): Figure {
  return figure(interval, TIME, false);
}

/** With its sign: a tracer that speeds a workload up is a finding, or noise. */
export function addedInterval(interval: Interval | null): Figure {
  return figure(interval, TIME, true);
}

export function rateInterval(interval: Interval | null): Figure {
  return figure(interval, RATE, false);
}

export function ratioInterval(interval: Interval | null): Figure {
  return figure(interval, [{ name: '×', size: 1 }], false);
}

/** Of a unit that is named elsewhere: 47,900. */
export function plain(x: number, width = 0): string {
  const places = decimals(x, width);
  return x.toLocaleString('en-US', { minimumFractionDigits: places, maximumFractionDigits: places });
}

export function plainInterval(interval: Interval | null): Figure {
  if (!interval) return ABSENT;
  const { estimate, low, high } = interval;
  const width = low === null || high === null ? 0 : high - low;
  return { main: plain(estimate, width), bounds: bounds(interval, (x) => plain(x, width)) };
}

/** A share of one, in per cent: `37.2 % [36.9, 37.4]`; a hundredth of a per cent is as fine as anybody asks. */
export function shareInterval(interval: Interval): Figure {
  const { estimate, low, high } = interval;
  const width = low === null || high === null ? 0 : (high - low) * 100;
  const places = Math.min(2, decimals(estimate * 100, width));
  const shown = (share: number): string => (share * 100).toFixed(places);
  return { main: `${shown(estimate)} %`, bounds: bounds(interval, shown) };
}

/** Two times in the unit of the second: `0.21 / 1.40 ms`. */
export function timePair(a: number, b: number): string {
  const unit = unitOf(TIME, b);
  const show = (ns: number): string => fixed(ns / unit.size, decimals(ns / unit.size));
  return `${show(a)} / ${show(b)} ${unit.name}`;
}

export function range(b: { min: number; max: number } | null): string {
  if (!b) return NOTHING;
  return b.min === b.max ? count(b.min) : `${count(b.min)} … ${count(b.max)}`;
}

/** `2%`, as it is typed. */
export function formatShare(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}

/** Three significant digits, thousands parted: a figure within a sentence. */
export function formatFigure(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}

/** How long something takes, roughly: `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 120 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
