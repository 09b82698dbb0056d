import { describe, expect, it } from 'vitest';
import { type Demand, planFleet } from '../../harness/capacity/planner.ts';
import type { Capacity, CapacityStudy } from '../../harness/capacity/result.ts';
import { renderFleet } from '../../reports/fleet.ts';

const point = (burstCalls: number, peakPerS: number) => ({
  load: { peakPerS, burstCalls, intervalMs: 100, bursts: 6 },
  callsInFlight: 1000,
  lossFraction: 0.1,
});

/** Serves a million calls a second after 1 ms, measured with bursts of 1,000 to 200,000 at 2 M/s. */
function row(changed: Partial<Capacity> = {}): Capacity {
  const fit = { servedPerS: 1e6, pauseMs: 1, bufferShare: 1 };
  return {
    variant: 'ring',
    regime: 'drops',
    wakeup: { kind: 'timer', value: 200 },
    placement: 'other',
    auditContext: 'absent',
    geometry: null,
    buffer: { bytesPerCall: 100, perCpu: true, knob: { name: 'ring -m', unitBytes: 4096, powerOfTwo: true } },
    collectorNsPerCall: 50,
    searches: [],
    failures: [],
    surface: {
      fit,
      resampled: [fit, { ...fit, servedPerS: 0.9e6 }, { ...fit, pauseMs: 2 }],
      fitted: [point(1000, 2e6), point(200_000, 2e6)],
      tested: [point(50_000, 2e6)],
      lossError: 0.01,
      bufferError: 0.1,
      telling: 1,
      holds: true,
    },
    capacity: { perS: 1e6, low: 0.9e6, high: 1.1e6, confidence: 0.98, meaning: 'held' },
    ...changed,
  };
}

const study = (...variants: Capacity[]) =>
  ({
    workload: 'null',
    environment: { cpusOnline: 2, kernelRelease: '6.18', cpuModel: 'CPU', virtualisation: 'KVM' },
    variants,
  }) as unknown as CapacityStudy;

const demand = (changed: Partial<Demand> = {}): Demand => ({
  ratePerS: 100_000,
  burst: { peakPerS: 2e6, durationMs: 50 },
  cpus: 2,
  hosts: 1,
  lossFraction: 0,
  ...changed,
});

function only(variants: Capacity[], asked: Demand) {
  const [answer, ...rest] = planFleet(study(...variants), asked);
  expect(rest).toEqual([]);
  if (answer?.cannot !== null) throw new Error(answer?.cannot ?? 'no answer');
  return answer;
}

describe('the planner', () => {
  it('needs a buffer for what of a burst is not served while it lasts', () => {
    // 100,000 calls in 50 ms; the first is served after up to 1.8 ms: 48,200 are out when the last comes.
    const answer = only([row()], demand());
    expect(answer).toMatchObject({ drainThreads: 1, lossFraction: 0, extrapolated: [] });
    expect(answer.bufferCalls?.value).toBe(51_800);
    expect(answer.bufferBytes?.value).toBe(5_180_000);
    // Of the resampled fits, the one that serves less needs 56,620, the one that sleeps longer 53,600.
    expect(answer.bufferCalls).toMatchObject({ low: 51_800, high: 56_620 });
    // 50 ns of each of 100,000 calls a second.
    expect(answer.collectorCpus).toBeCloseTo(0.005, 12);
    expect(answer.worstDelayMs).toBeCloseTo(53.8, 6);
    // 5.66 MB on two CPUs, in a power of two of pages of 4 KiB.
    expect(answer.setting).toEqual({ name: 'ring -m', value: 1024 });
  });

  it('needs less where some loss is tolerated, and loses no more than that', () => {
    const answer = only([row()], demand({ lossFraction: 0.1 }));
    expect(answer.bufferCalls?.value).toBe(41_000);
    expect(answer.lossFraction).toBeCloseTo(0.1, 9);
  });

  it('shares out what one drain thread cannot serve, where each CPU has its own buffer, and says so', () => {
    const answer = only([row()], demand({ ratePerS: 3e6, burst: null, cpus: 96 }));
    expect(answer.drainThreads).toBe(4);
    expect(answer.extrapolated).toEqual([
      '96 CPUs from 2: linear, calls spread evenly',
      '4 drain threads from 1: linear, each with CPUs of its own',
      expect.stringMatching(
        /^calls of a burst and drain thread 750,000, measured 1,000 to 200,000: by the queue model$/,
      ),
      expect.stringMatching(/^peak calls a second and drain thread 750,000, measured 2,000,000 to 2,000,000/),
    ]);
  });

  it.each([
    [{ capacity: null }, {}, /capacity was not measured/],
    [{ surface: null }, {}, /capacity --surface/],
    [{ surface: { ...(row().surface as NonNullable<Capacity['surface']>), holds: false } }, {}, /no queue model/],
    [
      { buffer: { bytesPerCall: 100, perCpu: false, knob: null } },
      { ratePerS: 2e6 },
      /one collector serves 1,000,000\/s, and its buffer cannot be shared out/,
    ],
    [{}, { ratePerS: 9e6 }, /needs 12 drain threads, more than 2 CPUs/],
    [
      { buffer: null, surface: null, regime: 'blocks', capacity: { ...capacityLetThrough() } },
      {},
      /lets 180,000\/s through on 2 CPUs: the workload would be slowed to that/,
    ],
    [
      {
        buffer: null,
        surface: null,
        regime: 'blocks',
        capacity: { ...capacityLetThrough(), perS: 1000, meaning: 'less-than' },
      },
      { ratePerS: 500, burst: null },
      /does not hold 1,000\/s, the least rate tried/,
    ],
  ] as [Partial<Capacity>, Partial<Demand>, RegExp][])('says what it cannot: %#', (changed, asked, why) => {
    const [answer] = planFleet(study(row(changed)), demand(asked));
    expect(answer?.cannot).toMatch(why);
  });

  it('plans a backend that makes the workload wait by what it lets through, without a buffer', () => {
    const blocking = row({ buffer: null, surface: null, regime: 'blocks', capacity: capacityLetThrough() });
    const answer = only([blocking], demand({ burst: null }));
    expect(answer).toMatchObject({
      bufferCalls: null,
      setting: null,
      lossFraction: 0,
      worstDelayMs: null,
      drainThreads: 2,
    });
  });

  it('takes no collector for faster than its CPU time allows', () => {
    const surface = row().surface as NonNullable<Capacity['surface']>;
    const fast = { ...surface.fit, servedPerS: 1e8 };
    const busy = row({ collectorNsPerCall: 1000, surface: { ...surface, fit: fast, resampled: [fast] } });
    // A million a second at most, as in the first of these tests.
    expect(only([busy], demand()).bufferCalls?.value).toBe(51_800);
  });

  it('has no figure for CPUs where what a call costs the collector was not measured', () => {
    const unknown = row({ collectorNsPerCall: null });
    expect(only([unknown], demand()).collectorCpus).toBeNull();
    const text = renderFleet(planFleet(study(unknown), demand()), demand(), study(unknown));
    expect(text).toMatch(/ring +– +1 +4.9 MiB .* +– +5.4 MiB +ring -m/);
  });

  it('is shown with the fleet’s sums, what it rests on, and what cannot', () => {
    const asked = demand({ hosts: 5000, cpus: 96 });
    const measured = study(row(), row({ variant: 'shy', surface: null }));
    const text = renderFleet(planFleet(measured, asked), asked, measured);
    expect(text).toMatch(
      /^5,000 hosts of 96 CPUs, each 100 k\/s on average in bursts of 2.00 M\/s for 50.0 ms, at most 0 % lost:/,
    );
    expect(text).toMatch(/ring +0.0050 +1 +4.9 MiB \[4.9 MiB, 5.4 MiB\] +0 % +53.8 ms +25 +26.4 GiB +ring -m 16/);
    expect(text).toContain('shy cannot: its loss surface was not measured: capacity --surface');
    expect(text).toContain('Not measured, carried over:\n  96 CPUs from 2: linear, calls spread evenly (ring)');
    expect(text).toContain('Measured on one machine: Linux 6.18, 2 × CPU, KVM, workload null.');
  });
});

function capacityLetThrough(): NonNullable<Capacity['capacity']> {
  return { perS: 90_000, low: 88_000, high: 92_000, confidence: 0.98, meaning: 'let-through' };
}
