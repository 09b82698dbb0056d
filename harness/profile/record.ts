/** Counts the calls of a target, window by window, through `ebpf/count`: a command from its start, or what runs already. */
import { findVariant } from '../../backends/index.ts';
import type { SessionReport } from '../../native/index.ts';
import type { Running } from '../backend.ts';
import { COUNTER } from '../reference/roles.ts';
import { type Meter, TraceSession } from '../session/session.ts';
import type { TargetEnd } from '../session/target.ts';
import { onlyReport, runTraced, type TracedSettings } from '../session/traced.ts';
import { stillRuns } from './running.ts';

const LOOK_MS = 100;

export interface Recording {
  readonly report: SessionReport;
  /** null: it was not ours to end. */
  readonly end: TargetEnd | null;
  readonly ended: 'target' | 'time' | 'stopped';
}

/** To its end, or for forMs from its start: then it is killed, as it is when `signal` is aborted. */
export async function recordCommand(o: {
  readonly argv: readonly string[];
  readonly user: string | null;
  readonly stdio: TracedSettings['stdio'];
  readonly meter: Meter;
  readonly forMs: number | null;
  readonly signal: AbortSignal;
}): Promise<Recording> {
  const over = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  try {
    const outcome = await runTraced({
      collectors: [
        {
          variant: COUNTER,
          bufferBytes: 0,
          wakeup: null,
          collectorCpus: null,
          stallMs: 0,
          stallAfterCalls: 0,
          meter: o.meter,
          onBatch: null,
        },
      ],
      argv: o.argv,
      filter: null,
      workloadCpus: null,
      user: o.user,
      stdio: o.stdio,
      control: null,
      auditContext: false,
      canaryCalls: 0,
      expectedPerLane: 0,
      onStarted: () => {
        if (o.forMs !== null) timer = setTimeout(() => over.abort(), o.forMs);
      },
      signal: AbortSignal.any([o.signal, over.signal]),
    });
    const ended = o.signal.aborted ? 'stopped' : over.signal.aborted ? 'time' : 'target';
    return { report: onlyReport(outcome), end: outcome.end, ended };
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}

/** For forMs, or to the end of the process, which goes on untouched; less when `signal` is aborted. */
export async function recordRunning(o: {
  readonly running: Running;
  readonly meter: Meter;
  readonly forMs: number;
  /** Called once it counts. */
  readonly onStarted: () => void;
  readonly signal: AbortSignal;
}): Promise<Recording> {
  const { backend, variant } = findVariant(COUNTER);
  const session = await TraceSession.open({
    backend,
    variant,
    trace: { bufferBytes: 0, filter: null, wakeup: variant.wakeup, running: o.running },
    control: null,
    collectorCpus: null,
    wantsBatches: false,
    expectedPerLane: 0,
    stallMs: 0,
    stallAfterCalls: 0,
    meter: o.meter,
  });
  try {
    const pid = 'pid' in o.running ? o.running.pid : process.pid;
    const lives = 'pid' in o.running ? stillRuns(o.running.pid) : () => true;
    await session.start(pid);
    o.onStarted();
    const ended = await waitFor(o.forMs, lives, session.ended, o.signal);
    await session.stop();
    return { report: session.report, end: null, ended };
  } finally {
    await session.close();
  }
}

/** `broken` ends it as well; stopping the session then tells why. */
function waitFor(
  forMs: number,
  lives: () => boolean,
  broken: Promise<void>,
  signal: AbortSignal,
): Promise<Recording['ended']> {
  return new Promise((resolve) => {
    const settle = (ended: Recording['ended']): void => {
      clearTimeout(timer);
      clearInterval(looks);
      signal.removeEventListener('abort', stop);
      resolve(ended);
    };
    const stop = (): void => settle('stopped');
    const timer = setTimeout(() => settle('time'), forMs);
    const looks = setInterval(() => {
      if (!lives()) settle('target');
    }, LOOK_MS);
    void broken.then(() => settle('target'));
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}
