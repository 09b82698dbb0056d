import { describe, expect, it } from 'vitest';
import { type Demand, planFleet } from '../../harness/capacity/planner.ts';
import type { CapacityStudy } from '../../harness/capacity/result.ts';
import { demandOf } from '../../harness/profile/demand.ts';
import type { Recording } from '../../harness/profile/record.ts';
import { type Profile, profileSchema } from '../../harness/profile/result.ts';
import { checkProcess } from '../../harness/profile/running.ts';
import { summariseProfile } from '../../harness/profile/summarise.ts';
import { burstOf, peakOver, peaksOf, spreadOf, whileItRan, windowsOf } from '../../harness/profile/windows.ts';
import { renderFleet } from '../../reports/fleet.ts';
import { profileBurst, renderProfile } from '../../reports/profile.ts';

const MS = 1e6;

/** Windows of these lengths (ms) and calls, from 1 s on. */
function readings(...windows: [number, number][]) {
  const atNs = [1e9];
  const calls = [100];
  for (const [ms, made] of windows) {
    atNs.push((atNs.at(-1) ?? 0) + ms * MS);
    calls.push((calls.at(-1) ?? 0) + made);
  }
  return { atNs, calls };
}

/** A thousand calls at once every 100 ms, 10 times. */
const bursts = readings(...Array.from({ length: 1000 }, (_, i): [number, number] => [1, i % 100 === 0 ? 1000 : 0]));

describe('windows', () => {
  it('lie between two readings, with the time they took', () => {
    expect(windowsOf(readings([1, 10], [1.5, 0], [0.5, 7]))).toEqual([
      { atNs: 0, lengthNs: 1 * MS, calls: 10 },
      { atNs: 1 * MS, lengthNs: 1.5 * MS, calls: 0 },
      { atNs: 2.5 * MS, lengthNs: 0.5 * MS, calls: 7 },
    ]);
  });

  it('of a command begin with its first call and end with its last exit, not with its last call', () => {
    const windows = windowsOf(readings([1, 0], [1, 0], [1, 5], [1, 0], [1, 2], [1, 0], [1, 0], [1, 0]));
    const ran = whileItRan(windows, 3.5 * MS);
    expect(ran.map(({ calls }) => calls)).toEqual([5, 0, 2, 0]);
    expect(ran.map(({ atNs }) => atNs / MS)).toEqual([0, 1, 2, 3]);
    // A call is never cut off, whatever the clocks of launcher and collector say.
    expect(whileItRan(windows, 1).map(({ calls }) => calls)).toEqual([5, 0, 2]);
  });

  it('give a peak by their true lengths, over as many as come nearest to the width', () => {
    const windows = windowsOf(readings([1, 10], [1.1, 30], [0.9, 30], [1, 10]));
    expect(peakOver(windows, MS)).toMatchObject({ calls: 30, lengthNs: 0.9 * MS, atNs: 2.1 * MS });
    expect(peakOver(windows, 2 * MS)).toMatchObject({ calls: 60, lengthNs: 2 * MS, perS: 30_000, atNs: MS });
  });

  it('that were late make no peak of their own width, but of wider ones', () => {
    const windows = windowsOf(readings([1, 10], [4, 400], [1, 20], [1, 10], [1, 10], [1, 10], [1, 10]));
    expect(peakOver(windows, MS)).toMatchObject({ calls: 20, atNs: 5 * MS });
    expect(peakOver(windows, 5 * MS)).toMatchObject({ calls: 420, lengthNs: 5 * MS, atNs: 1 * MS });
    expect(spreadOf(windows, MS)).toMatchObject({ windows: 6, medianPerS: 10_000 });
    expect(peakOver(windowsOf(readings([3, 5], [3, 5])), MS)).toBeNull();
  });

  it('give peaks as wide as fit twice into the recording, and no wider', () => {
    expect(peaksOf(windowsOf(bursts), MS).map(({ widthNs, calls }) => [widthNs / MS, calls])).toEqual([
      [1, 1000],
      [2, 1000],
      [5, 1000],
      [10, 1000],
      [20, 1000],
      [50, 1000],
      [100, 1000],
      [200, 2000],
      [500, 5000],
    ]);
  });
});

describe('the burst', () => {
  it('is the peak with the most calls beyond the average, the shortest of equals', () => {
    const peaks = peaksOf(windowsOf(bursts), MS);
    expect(burstOf(peaks, 10_000)).toMatchObject({ widthNs: 1 * MS, calls: 1000, perS: 1e6 });
    // Half a second at 4,000/s and half at nothing: the wider the peak, the more must wait.
    const slow = readings(...Array.from({ length: 1000 }, (_, i): [number, number] => [1, i < 500 ? 4 : 0]));
    expect(burstOf(peaksOf(windowsOf(slow), MS), 2000)).toMatchObject({ widthNs: 500 * MS, calls: 2000 });
  });

  it('of an even load is none', () => {
    const even = readings(...Array.from({ length: 100 }, (): [number, number] => [1, 10]));
    expect(burstOf(peaksOf(windowsOf(even), MS), 10_000)).toBeNull();
  });
});

const counts = (calls: Record<number, number>) => Array.from({ length: 512 }, (_, nr) => calls[nr] ?? 0);

function profileOf(
  made: ReturnType<typeof readings>,
  mix: Record<number, number>,
  changed: Partial<Profile> = {},
): Profile {
  const report = {
    readings: made,
    run: {
      counts: counts(mix),
      foreignCounts: 0,
      counters: [{ name: 'tasks', place: 'health', unit: 'message', count: 3 }],
      drainCpuNs: 5 * MS,
    },
  };
  const summarised = summariseProfile({
    startedAt: '2026-01-01T00:00:00.000Z',
    environment: {} as Profile['environment'],
    target: { kind: 'process', pid: 42, name: 'server' },
    windowMs: 1,
    recording: { report, end: null, ended: 'time' } as unknown as Recording,
    endedText: null,
    nameOf: (nr) => `call${nr}`,
  });
  return { ...summarised, ...changed };
}

describe('a profile', () => {
  const profile = profileOf(bursts, { 0: 7000, 511: 3000 });

  it('holds rate, windows, mix and burst, and keeps its own contract', () => {
    expect(profile).toMatchObject({
      calls: 10_000,
      durationNs: 1e9,
      meanPerS: 10_000,
      tasks: 3,
      burst: { peakPerS: 1e6, durationMs: 1, atNs: 0 },
      mix: [
        { nr: 0, name: 'call0', calls: 7000, share: 0.7 },
        { nr: 511, name: 'call511', calls: 3000, share: 0.3 },
      ],
      windows: { askedMs: 1, late: 0, lateNs: 0 },
    });
    expect(profile.windows.calls.reduce((sum, calls) => sum + calls)).toBe(10_000);
    const written = profileSchema.omit({ environment: true });
    const { environment: _, ...rest } = profile;
    expect(written.parse(JSON.parse(JSON.stringify(rest)))).toEqual(rest);
  });

  it('is a table that says the burst as the planner takes it', () => {
    const text = renderProfile(profile);
    expect(text).toMatch(/^server, process 42 \(3 tasks\) for 1\.00 s$/m);
    expect(text).toMatch(/^on average +10\.0 k\/s +10,000 calls in 1\.00 s$/m);
    expect(text).toMatch(/^peak over 1\.00 ms +1\.00 M\/s +100× +1,000 calls, 0 ns after the beginning$/m);
    expect(text).toMatch(/^peak over 100 ms +10\.0 k\/s +1× +1,000 calls/m);
    expect(text).toContain('burst for the planner: 1M:1ms, the peak over 1.00 ms (1,000 calls)');
    expect(text).toMatch(/^call511 +3,000 +30\.0 %$/m);
    expect(profileBurst(profile)).toBe('1M:1ms');
    expect(text).not.toMatch(/late|Not counted|Ended/);
  });

  it('says what was late, missed, foreign, and that it ended early', () => {
    const late = profileOf(
      readings([1, 10], [4, 40], [1, 10]),
      { 0: 60 },
      { foreignCalls: 2, ended: 'stopped', endedText: 'interrupted' },
    );
    const counters: Profile['counters'] = [{ name: 'recursion_misses', place: 'kernel', unit: 'call', count: 9 }];
    const text = renderProfile({ ...late, counters });
    expect(text).toContain('1 of 3 windows were read late, 66.7 % of the time');
    expect(text).toContain('2 calls of another architecture');
    expect(text).toContain('Not counted: recursion_misses 9; the figures are the least there was.');
    expect(text).toContain('Ended early (interrupted)');
  });
});

describe('a profile in the planner', () => {
  const own = { name: 'null', stamped: ['call0'] };
  const fit = { servedPerS: 1e6, pauseMs: 1, bufferShare: 1 };
  const load = { peakPerS: 1e6, burstCalls: 1000, intervalMs: 100, bursts: 6 };
  const point = { load, callsInFlight: 100, lossFraction: 0.1 };
  const study = {
    workload: 'null',
    environment: { cpusOnline: 2, kernelRelease: '6.18', cpuModel: 'CPU', virtualisation: 'KVM' },
    variants: [
      {
        variant: 'ring',
        regime: 'drops',
        buffer: { bytesPerCall: 100, perCpu: true, knob: null },
        collectorNsPerCall: 50,
        surface: { fit, resampled: [fit], fitted: [point], tested: [], holds: true },
        capacity: { perS: 1e6, low: 0.9e6, high: 1.1e6, confidence: 0.98, meaning: 'held' },
      },
    ],
  } as unknown as CapacityStudy;
  const demand = (profile: Profile): Demand => ({
    ...demandOf(profile, 'profile.json', own),
    cpus: 2,
    hosts: 1,
    lossFraction: 0,
  });

  it('is its rate and its burst, with the window that it came from', () => {
    const asked = demand(profileOf(bursts, { 0: 10_000 }));
    expect(asked).toMatchObject({ ratePerS: 10_000, burst: { peakPerS: 1e6, durationMs: 1 }, beyond: [] });
    const [answer] = planFleet(study, asked);
    expect(answer).toMatchObject({ cannot: null, drainThreads: 1, extrapolated: [] });
    expect(renderFleet([answer as NonNullable<typeof answer>], asked, study)).toContain(
      'From profile.json: the burst is its peak over 1 ms, the one with the most calls beyond the average; ',
    );
  });

  it('plans each backend for the width that asks most of it', () => {
    // 2,000 calls in 1 ms, and half a second at 20,000/s: what serves ten times that must only be able to wait for the first.
    const both = readings(
      ...Array.from({ length: 1000 }, (_, i): [number, number] => [1, i === 700 ? 2000 : i < 500 ? 20 : 0]),
    );
    const profile = profileOf(both, { 0: 12_000 });
    expect(profile.burst).toMatchObject({ durationMs: 500, peakPerS: 20_000 });
    const asked = demand(profile);
    const [answer] = planFleet(study, asked);
    // Asleep up to 1.8 ms when they come: all of them wait.
    expect(answer).toMatchObject({
      cannot: null,
      burst: { peakPerS: 2e6, durationMs: 1 },
      bufferCalls: { value: 2000 },
    });
    expect(renderFleet([answer as NonNullable<typeof answer>], asked, study)).toContain(
      'ring is sized by 2.00 M/s for 1.00 ms',
    );
    const [slow] = planFleet(
      {
        ...study,
        variants: study.variants.map((row) => {
          const slower = { servedPerS: 16_000, pauseMs: 0, bufferShare: 1 };
          const surface = row.surface && { ...row.surface, fit: slower, resampled: [slower] };
          return { ...row, surface };
        }),
      },
      asked,
    );
    // What serves 16,000/s has 2,000 waiting after the half second, and 1,984 after the peak.
    expect(slow).toMatchObject({ cannot: null, burst: { durationMs: 500 }, bufferCalls: { value: 2000 } });
  });

  it('of other calls than were measured is an extrapolation, marked with every answer', () => {
    const asked = demand(profileOf(bursts, { 0: 8000, 1: 2000 }));
    const [answer] = planFleet(study, asked);
    const mark = 'calls: call0 80 %, call1 20 %, measured with null (call0): as if each cost the collector the same';
    expect(answer).toMatchObject({ cannot: null, extrapolated: [mark] });
    expect(renderFleet([answer as NonNullable<typeof answer>], asked, study)).toContain(`  ${mark} (ring)`);
  });

  it('says that peaks were flattened and calls missed', () => {
    const missed: Profile['counters'] = [{ name: 'kept_full', place: 'kernel', unit: 'call', count: 1 }];
    const asked = demand(profileOf(readings([1, 10], [4, 40], [1, 10]), { 0: 60 }, { counters: missed }));
    expect(asked.beyond).toEqual([
      "peaks: 66.7 % of the profile's time was read late, and is flattened",
      'rate: the profile missed calls, and is the least there was',
    ]);
  });

  it('without calls is refused', () => {
    expect(() => demand(profileOf(readings([1, 0]), {}))).toThrow(/holds no calls/);
  });
});

describe('a process as a target', () => {
  it('is never what this process descends from', () => {
    expect(() => checkProcess(process.ppid)).toThrow(/would be profiled with it/);
    expect(() => checkProcess(process.pid)).toThrow(/would be profiled with it/);
    expect(() => checkProcess(1)).toThrow(/would be profiled with it/);
    expect(() => checkProcess(2 ** 22)).toThrow(/no process 4194304/);
  });
});
