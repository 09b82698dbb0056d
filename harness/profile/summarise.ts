/** A recording → the document. Pure. */
import type { Environment } from '../result.ts';
import { RESULT_VERSION } from '../result-version.ts';
import type { Recording } from './record.ts';
import type { Profile, ProfileTarget } from './result.ts';
import { burstOf, isLate, peaksOf, spreadOf, whileItRan, windowsOf } from './windows.ts';

export interface Recorded {
  readonly startedAt: string;
  readonly environment: Environment;
  readonly target: ProfileTarget;
  readonly windowMs: number;
  readonly recording: Recording;
  readonly endedText: string | null;
  readonly nameOf: (nr: number) => string;
}

export function summariseProfile(o: Recorded): Profile {
  const { report, end, ended } = o.recording;
  const { readings } = report;
  const { counts, foreignCounts, counters, drainCpuNs } = report.run;
  if (readings === null || counts === null) throw new TypeError('the recording was not metered');
  const askedNs = o.windowMs * 1e6;
  const all = windowsOf(readings);
  const windows = end === null ? all : whileItRan(all, end.durationNs);
  const durationNs = end?.durationNs ?? windows.reduce((sum, { lengthNs }) => sum + lengthNs, 0);
  const calls = windows.reduce((sum, window) => sum + window.calls, 0);
  const meanPerS = durationNs === 0 ? 0 : (calls * 1e9) / durationNs;
  const late = windows.filter((window) => isLate(window, askedNs));
  const peaks = peaksOf(windows, askedNs);
  const burst = burstOf(peaks, meanPerS);
  return {
    version: RESULT_VERSION,
    tool: 'tracebench',
    kind: 'profile',
    startedAt: o.startedAt,
    environment: o.environment,
    target: o.target,
    ended,
    endedText: o.endedText,
    durationNs,
    calls,
    foreignCalls: foreignCounts,
    meanPerS,
    tasks: counters.find(({ name }) => name === 'tasks')?.count ?? 0,
    counters: [...counters],
    collectorCpuNs: drainCpuNs,
    windows: {
      askedMs: o.windowMs,
      lengthsNs: windows.map(({ lengthNs }) => lengthNs),
      calls: windows.map((window) => window.calls),
      late: late.length,
      lateNs: late.reduce((sum, { lengthNs }) => sum + lengthNs, 0),
    },
    spread: spreadOf(windows, askedNs),
    peaks: peaks.map(({ widthNs, ...peak }) => ({ windowMs: widthNs / 1e6, ...peak })),
    burst: burst && {
      peakPerS: burst.perS,
      durationMs: burst.widthNs / 1e6,
      atNs: burst.atNs,
    },
    mix: counts
      .map((count, nr) => ({ nr, name: o.nameOf(nr), calls: count, share: calls === 0 ? 0 : count / calls }))
      .filter((call) => call.calls > 0)
      .sort((a, b) => b.calls - a.calls || a.nr - b.nr),
  };
}
