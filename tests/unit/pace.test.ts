import { describe, expect, it } from 'vitest';
import { TracebenchError } from '../../harness/errors.ts';
import { intervalMs, paceLabel, paceText, parseBurst, parseRate } from '../../harness/plan/pace.ts';

function refusal(work: () => unknown): TracebenchError {
  try {
    work();
  } catch (error) {
    if (error instanceof TracebenchError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a rate', () => {
  it.each([
    ['1', 1, '1', '1/s'],
    ['999', 999, '999', '999/s'],
    ['1001', 1001, '1001', '1001/s'],
    ['10k', 10_000, '10k', '10k/s'],
    ['1.5k', 1500, '1.5k', '1.5k/s'],
    ['0.1M', 100_000, '100k', '100k/s'],
    ['1.234567M', 1_234_567, '1234567', '1234567/s'],
    ['10M', 10_000_000, '10M', '10M/s'],
  ])('%s is %d calls a second', (text, ratePerS, typed, label) => {
    const pace = parseRate(text, '--rate');
    expect(pace).toEqual({ ratePerS, burstCalls: 1 });
    expect(paceText(pace)).toBe(typed);
    expect(paceLabel(pace)).toBe(label);
    expect(parseRate(typed, '--rate')).toEqual(pace);
  });

  it.each(['', '0', '-1', '1e3', '10K', '1.5', '0.0001k', '11M', 'k', '10 k s', 'closed'])('is not %j', (text) => {
    const error = refusal(() => parseRate(text, '--rate'));
    expect(error.message).toBe(`--rate: '${text}' is not a rate of 1 to 10000000 calls a second`);
    expect(error.mend).toMatch(/10k/);
  });
});

describe('a burst', () => {
  it.each([
    ['1000/10ms', { ratePerS: 100_000, burstCalls: 1000 }, 10, '1k/10ms'],
    ['1M/2s', { ratePerS: 500_000, burstCalls: 1_000_000 }, 2000, '1M/2000ms'],
    ['7/3ms', { ratePerS: 2333, burstCalls: 7 }, 3.0004, '7/3ms'],
  ])('%s', (text, pace, everyMs, typed) => {
    expect(parseBurst(text, '--burst')).toEqual(pace);
    expect(intervalMs(pace)).toBeCloseTo(everyMs, 3);
    expect(paceText(pace)).toBe(typed);
    expect(parseBurst(typed, '--burst')).toEqual(pace);
  });

  it.each(['1000', '1000/', '/10ms', '1/10ms', '0/10ms', '1000/0ms', '1000/31s', '1000/10ms/2', '1.5/10ms'])(
    'is not %j',
    (text) => {
      const error = refusal(() => parseBurst(text, '--burst'));
      expect(error.message).toMatch(/is not a number of calls and the time from one burst to the next/);
      expect(error.mend).toMatch(/1000\/10ms/);
    },
  );

  it('that no machine could make is refused with what it comes to', () => {
    const error = refusal(() => parseBurst('1M/10ms', '--burst'));
    expect(error.message).toBe("--burst: '1M/10ms' is 100000000 calls a second on average, not 1 to 10000000");
  });
});
