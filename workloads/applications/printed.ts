/** Reading figures out of what programs print. */
import { EXIT, TracebenchError } from '../../harness/errors.ts';

const SHOWN = 200;

/** The first group of `pattern` as a number above 0. Throws TracebenchError when it is none. */
export function printedNumber(text: string, pattern: RegExp, program: string): number {
  const value = Number(pattern.exec(text)?.[1] ?? Number.NaN);
  if (value > 0 && Number.isFinite(value)) return value;
  const shown = text.trim().slice(0, SHOWN);
  throw new TracebenchError(EXIT.runError, `${program} printed no figure of merit${shown === '' ? '' : `: ${shown}`}`, {
    mend: 'see whether its version prints another form than workloads/applications expects',
  });
}

/** Work per second of one of this project's own programs: `{"done":N,"durationNs":D,…}`, a line of its own. */
export function donePerSecond(program: string): (text: string) => number {
  return (text) => {
    const done = printedNumber(text, /^\{"done":(\d+),/m, program);
    return (done * 1e9) / printedNumber(text, /^\{"done":\d+,"durationNs":(\d+)/m, program);
  };
}
