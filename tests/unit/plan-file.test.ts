import { describe, expect, it } from 'vitest';
import { TracebenchError } from '../../harness/errors.ts';
import { formatBytes, formatDuration } from '../../harness/notation.ts';
import { mergeSettings, parsePlanText, readPlanFile } from '../../harness/plan/settings.ts';
import { parseBytes, parseCount, parseDurationMs, parseList } from '../../harness/quantity.ts';

function refusal(work: () => unknown): TracebenchError {
  try {
    work();
  } catch (error) {
    if (error instanceof TracebenchError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a plan file', () => {
  it('is YAML or JSON with quantities as people write them', () => {
    const yaml =
      'profile: ci\nbackends: [ebpf, ptrace/seccomp]\nbuffer: 2MiB\nmaxTime: 5m\nrounds: 12\n' +
      'inFlight: 10000\nidle: busy\nwakeup: watermark:4096\n';
    const expected = {
      profile: 'ci',
      backends: ['ebpf', 'ptrace/seccomp'],
      buffer: 2 * 1024 ** 2,
      maxTime: 300_000,
      rounds: 12,
      inFlight: 10_000,
      idle: 'busy',
      wakeup: [{ kind: 'watermark', value: 4096 }],
    };
    expect(parsePlanText(yaml, 'p.yaml')).toEqual(expected);
    expect(
      parsePlanText(JSON.stringify({ ...expected, buffer: 2097152, maxTime: 300, wakeup: 'watermark:4096' }), 'p.json'),
    ).toEqual(expected);
    expect(parsePlanText('', 'empty.yaml')).toEqual({});
  });

  it.each([
    ['rouds: 3', /p\.yaml is not a plan:\n.*Unrecognized key: "rouds"/, /did you mean rounds\?/],
    ['rounds: 0', /Too small.*>=1[\s\S]*at rounds/, /a plan knows profile, backends/],
    ['rounds: -2', /at rounds/, /a plan knows/],
    ['backends: ebpf', /expected array[\s\S]*at backends/, /a plan knows/],
    ['backends: [ebpf, 3]', /at backends\[1\]/, /a plan knows/],
    ['profile: quik', /"quick"\|"ci"\|"full"[\s\S]*at profile/, /a plan knows/],
    ['buffer: 8MB', /'8MB' is not a size[\s\S]*KiB, MiB, GiB[\s\S]*at buffer/, /a plan knows/],
    ['inFlight: 0', /Too small.*>=1[\s\S]*at inFlight/, /a plan knows .*inFlight/],
    ['inFlight: 10k', /expected number[\s\S]*at inFlight/, /a plan knows/],
    ['idle: maybe', /"native"\|"busy"[\s\S]*at idle/, /a plan knows/],
    ['wakeup: timer:0', /'timer:0' is no wake-up policy[\s\S]*at wakeup/, /a plan knows/],
    ['wakup: adaptive', /Unrecognized key: "wakup"/, /did you mean wakeup\?/],
    ['- 1', /expected object/, /a plan knows/],
    ['rounds: [1', /p\.yaml is neither YAML nor JSON: .*line 1/s, /mend the line/],
  ])('refuses %j', (text, message, mend) => {
    const error = refusal(() => parsePlanText(text, 'p.yaml'));
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(message);
    expect(error.mend).toMatch(mend);
  });

  it('must exist', () => {
    expect(refusal(() => readPlanFile('/nonexistent/plan.yaml')).message).toMatch(/ENOENT/);
  });

  it('yields to flags', () => {
    expect(mergeSettings({ rounds: 3, seed: 1 }, { rounds: 9, user: undefined } as never)).toEqual({
      rounds: 9,
      seed: 1,
    });
  });
});

describe('quantities', () => {
  it('reads sizes, times, counts and lists', () => {
    expect(parseBytes('8MiB', 'b')).toBe(8388608);
    expect(parseBytes('64kib', 'b')).toBe(65536);
    expect(parseBytes('4096', 'b')).toBe(4096);
    expect(parseDurationMs('90s', 't')).toBe(90_000);
    expect(parseDurationMs('1.5', 't')).toBe(1500);
    expect(parseDurationMs('2h', 't')).toBe(7_200_000);
    expect(parseCount('1_000', 'n', 1)).toBe(1000);
    expect(parseList('a, b', 'l')).toEqual(['a', 'b']);
  });

  it.each([
    () => parseBytes('8MB', 'b'),
    () => parseBytes('-1', 'b'),
    () => parseBytes('1.5', 'b'),
    () => parseBytes('9999999999GiB', 'b'),
    () => parseDurationMs('0', 't'),
    () => parseDurationMs('5 weeks', 't'),
    () => parseCount('0', 'n', 1),
    () => parseCount('-3', 'n', 1),
    () => parseCount('1e3', 'n', 1),
    () => parseList('a,,b', 'l'),
  ])('refuses %s', (work) => {
    const error = refusal(work);
    expect(error.exitCode).toBe(2);
    expect(error.mend).toBeTruthy();
  });

  it('says them back', () => {
    expect(formatBytes(8388608)).toBe('8 MiB');
    expect(formatBytes(1536)).toBe('1.5 KiB');
    expect(formatDuration(350)).toBe('350 ms');
    expect(formatDuration(59_600)).toBe('60 s');
    expect(formatDuration(150_000)).toBe('2 min 30 s');
  });
});
