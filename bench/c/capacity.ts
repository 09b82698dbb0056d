/** Capacity twice, and the queue model on points drawn before the fit. */
import { BUFFER_ERROR_MOST, LOSS_ERROR_MOST, studyCapacity } from '../../harness/capacity/study.ts';
import { planContext } from '../../harness/commands/context.ts';
import { OWN_HOST } from '../../harness/host/host.ts';
import { readEnvironment } from '../../harness/machine/environment.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import { probeOn } from '../../harness/session/probe.ts';
import { prepareStudy } from '../../harness/study/study.ts';
import { ACHIEVED_LEAST } from '../../harness/summarise/flags.ts';
import { runTrial, TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { capacityLines } from '../../reports/capacity.ts';
import type { Check, CheckContext, Line } from '../check.ts';

const BACKENDS = ['ebpf', 'ptrace', 'auditd', 'perf', 'ftrace'];
const SEARCHES = 7;
const SURFACE = { testPoints: 16, fitPoints: 24, resamples: 0 };
const TEST_POINTS_LEAST = 12;
const NEVER = { signal: new AbortController().signal, reason: () => null, dispose: () => undefined };

async function measured(seed: number, searches: number, surface: typeof SURFACE | null, { say }: CheckContext) {
  const context = planContext();
  const program = { entry: TRIAL_PROGRAM, host: OWN_HOST };
  const request = resolveRequest({ backends: BACKENDS, workloads: ['null'], seed }, context, seed);
  const { plan, rows } = await prepareStudy(request, context, probeOn(OWN_HOST));
  const criteria = { lossFraction: 0.001, achievedLeast: ACHIEVED_LEAST, resolution: 0.05, leastPerS: 1000 };
  const { backends, machine } = context;
  return studyCapacity(
    { plan, rows, backends, machine, searches, criteria, sectionMs: 1000, surface, grid: null },
    {
      environment: await readEnvironment(),
      stop: NEVER,
      runTrial: (spec) => runTrial(program, spec, NEVER.signal),
      tried: () => undefined,
      gridTrial: () => undefined,
      point: (variant, point) => say(`surface ${variant}: ${capacityLines.point(point)}`),
      searched: (variant, n, { outcome }) => say(`capacity ${variant} ${n + 1}: ${capacityLines.outcome(outcome)}`),
    },
  );
}

export const capacity: Check = {
  name: 'capacity',
  title: `capacity of the five, ${SEARCHES} searches each, twice: the two intervals overlap`,
  async run(context) {
    const first = await measured(context.seed, SEARCHES, null, context);
    const second = await measured(context.seed + 1, SEARCHES, null, context);
    return first.variants.map((row, i): Line => {
      const a = row.capacity;
      const b = second.variants[i]?.capacity ?? null;
      const name = `capacity ${row.variant}, ${SEARCHES} searches`;
      const bound = 'overlaps that of seven more';
      const failures = [...row.failures, ...(second.variants[i]?.failures ?? [])];
      if (a === null || b === null) {
        return {
          name,
          value: Number.NaN,
          unit: 'calls/s',
          low: null,
          high: null,
          bound,
          pass: false,
          note: failures[0] ?? '',
        };
      }
      const overlap =
        (a.low ?? 0) <= (b.high ?? Number.POSITIVE_INFINITY) && (b.low ?? 0) <= (a.high ?? Number.POSITIVE_INFINITY);
      const ends = [b.low, b.high].map((end, i) => (end === null ? ['0', '∞'][i] : Math.round(end)));
      const again = `${a.meaning}; again ${Math.round(b.perS)} [${ends.join(', ')}], ${b.meaning}`;
      const note = [again, ...failures].join('; ');
      return { name, value: a.perS, unit: 'calls/s', low: a.low, high: a.high, bound, pass: overlap, note };
    });
  },
};

export const planner: Check = {
  name: 'planner',
  title: 'the queue model of each dropping backend on points drawn before the fit',
  async run(context) {
    const study = await measured(context.seed, 1, SURFACE, context);
    return study.variants.flatMap(({ variant, regime, surface, failures }): Line[] => {
      if (regime !== 'drops') return [];
      if (surface === null) {
        const note = failures[0] ?? 'no surface';
        return [
          {
            name: `planner ${variant}`,
            value: Number.NaN,
            unit: '',
            low: null,
            high: null,
            bound: '',
            pass: false,
            note,
          },
        ];
      }
      const { tested, telling, lossError, bufferError, fit } = surface;
      const model = `serves ${Math.round(fit.servedPerS)}/s after ${fit.pauseMs.toPrecision(3)} ms, ${fit.bufferShare.toPrecision(3)} of its buffer`;
      const enough = tested.length >= TEST_POINTS_LEAST && telling >= tested.length / 2;
      const line = (what: string, value: number, bound: number, note: string, pass = value <= bound): Line => ({
        name: `planner ${variant}: ${what}`,
        value: value * 100,
        unit: what === 'buffer' ? '%' : 'points',
        low: null,
        high: null,
        bound: `≤ ${bound * 100}`,
        pass,
        note,
      });
      const points = `${tested.length} points, ${telling} of them with 5 to 95 % loss; ${model}`;
      return [
        line('loss', lossError, LOSS_ERROR_MOST, points, lossError <= LOSS_ERROR_MOST && enough),
        line('buffer', bufferError ?? Number.POSITIVE_INFINITY, BUFFER_ERROR_MOST, 'median over the telling points'),
      ];
    });
  },
};
