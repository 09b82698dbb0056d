/** Strings of path arguments as text and as JSON. A file name is bytes: what is not printable ASCII is escaped. */
import type { PathString } from '../event.ts';

const ESCAPES: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

function escapeByte(byte: number): string {
  const short = ESCAPES[byte];
  if (short !== undefined) return short;
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
}

/** `"…"`, with `...` behind it when the rest was cut off. */
export function quotePath({ bytes, status }: PathString): string {
  let text = '';
  for (const byte of bytes) text += escapeByte(byte);
  return `"${text}"${status === 'cut' ? '...' : ''}`;
}

/** As UTF-8; null for what is none. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function pathJson({ arg, status, bytes }: PathString): string {
  if (status === 'fault') return `{"arg":${arg},"failed":true}`;
  const text = textOf(bytes);
  const content = text === null ? `"hex":"${Buffer.from(bytes).toString('hex')}"` : `"text":${JSON.stringify(text)}`;
  return `{"arg":${arg},${content}${status === 'cut' ? ',"cut":true' : ''}}`;
}

/** `,"paths":[…]`: by argument, text (hex where it is no UTF-8), whether cut, or that reading failed; empty without any. */
export function pathsJson(paths: readonly PathString[]): string {
  return paths.length === 0 ? '' : `,"paths":[${paths.map(pathJson).join(',')}]`;
}
