/** Quantities as people type them on a command line or in a plan file; notation.ts says them back. */
import { usageError } from './errors.ts';

const KIB = 1024;
const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KIB: KIB, MIB: KIB ** 2, GIB: KIB ** 3 };
const TIME_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** `8MiB`, `512KiB`, `1GiB`, `1048576`. Throws a usage error; decimal units are refused, not guessed at. */
export function parseBytes(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const unit = match && BYTE_UNITS[(match[2] ?? '').toUpperCase()];
  const bytes = match && unit !== undefined && unit !== null ? Number(match[1]) * unit : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw usageError(`${what}: '${text}' is not a size`, 'write whole bytes or KiB, MiB, GiB, for example 8MiB');
  }
  return bytes;
}

/** `90s`, `5m`, `1h`, `250ms`; a plain number is seconds. Milliseconds, positive. */
export function parseDurationMs(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text.trim());
  const unit = match && TIME_UNITS_MS[match[2] === '' ? 's' : (match[2] ?? '')];
  const ms = match && unit ? Math.round(Number(match[1]) * unit) : Number.NaN;
  if (!(ms > 0) || !Number.isSafeInteger(ms)) {
    throw usageError(`${what}: '${text}' is not a time above zero`, 'write for example 90s, 5m or 1h');
  }
  return ms;
}

const TIME_UNITS_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };

/** `500ns`, `20us`, `1.5ms`: the unit is needed. Nanoseconds, positive. Throws a usage error. */
export function parseDurationNs(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-zµ]+)$/.exec(text.trim());
  const unit = match && TIME_UNITS_NS[match[2] ?? ''];
  const ns = match && unit ? Number(match[1]) * unit : 0;
  if (!(ns > 0))
    throw usageError(`${what}: '${text}' is not a time above zero`, 'write for example 500ns, 20us or 2ms');
  return ns;
}

/** A whole number of at least `min`, written in digits (thousands may be parted by _). */
export function parseCount(text: string, what: string, min: number): number {
  const value = /^\d[\d_]*$/.test(text.trim()) ? Number(text.replaceAll('_', '')) : Number.NaN;
  if (!Number.isSafeInteger(value) || value < min) {
    throw usageError(`${what}: '${text}' is not a whole number of at least ${min}`, `write for example ${what} 10`);
  }
  return value;
}

/** `10` or `10%`: a whole number of per cent. */
export function parsePercent(text: string, what: string): number {
  const value = /^(\d{1,3})\s*%?$/.exec(text.trim())?.[1];
  if (value === undefined || Number(value) > 100) {
    throw usageError(
      `${what}: '${text}' is not a whole number of per cent from 0 to 100`,
      `write for example ${what} 10`,
    );
  }
  return Number(value);
}

/** `5%`, `0.1 %` or `0.05`: a share of one, 1 excluded. Throws a usage error. */
export function parseShare(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim());
  const share = match ? Number(match[1]) / (match[2] === '%' ? 100 : 1) : Number.NaN;
  if (!(share >= 0 && share < 1)) {
    throw usageError(`${what}: '${text}' is not a share from 0 to below 100 %`, `write for example ${what} 5%`);
  }
  return share;
}

/** As parseShare, of an interval: above nothing. */
export function parseHalfWidth(text: string, what: string): number {
  const share = parseShare(text, what);
  if (share === 0)
    throw usageError(`${what}: no number of rounds brings an interval to 0`, `write for example ${what} 2%`);
  return share;
}

/** `a,b` → ['a', 'b']; an empty list or an empty name is an error. */
export function parseList(text: string, what: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) {
    throw usageError(`${what}: '${text}' holds an empty name`, 'part the names by single commas, without spaces');
  }
  return names;
}
