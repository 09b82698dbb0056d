/** Can a tool run here? It is looked for, and then tried: attached to /bin/true at its gate, stopped, its text made. */
import type { Contestant } from '../../backends/external/contestant.ts';
import { findProgram } from '../applications/programs.ts';
import { BackendError } from '../errors.ts';
import type { BackendRow } from '../result.ts';
import { runTraced } from '../session/traced.ts';
import { ToolTrial } from './tool-trial.ts';

export const INSTALL_MEND = './tracebench setup --contestants';

const PROBE_LIMIT_MS = 25_000;
const PROBE_BUFFER_BYTES = 1 << 20;

export async function probeContestant(contestant: Contestant): Promise<BackendRow> {
  const variant = `external/${contestant.name}`;
  if (findProgram(contestant.program) === null) {
    const reason = `${contestant.program} is not installed (Debian package ${contestant.package})`;
    return { variant, answer: 'no', reason, mend: INSTALL_MEND };
  }
  try {
    await tryIt(contestant);
    return { variant, answer: 'yes', reason: null, mend: null };
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    return { variant, answer: 'no', reason: error.message, mend: error.mend ?? null };
  }
}

async function tryIt(contestant: Contestant): Promise<void> {
  const workload = { kind: 'application', name: 'true', argv: ['true'] } as const;
  const terms = { workload: { ...workload, argv: ['true'] }, bufferBytes: PROBE_BUFFER_BYTES, collectorCpus: null };
  const tool = await ToolTrial.open(contestant, terms, workload.argv);
  try {
    const { aborted, end } = await runTraced({
      collectors: [
        {
          variant: 'none',
          bufferBytes: PROBE_BUFFER_BYTES,
          wakeup: null,
          collectorCpus: null,
          stallMs: 0,
          stallAfterCalls: 0,
          onBatch: null,
        },
      ],
      argv: tool.argv,
      filter: null,
      workloadCpus: null,
      user: null,
      stdio: { out: '/dev/null', err: '/dev/null' },
      control: null,
      auditContext: false,
      canaryCalls: 0,
      expectedPerLane: 0,
      companion: tool.run,
      signal: AbortSignal.timeout(PROBE_LIMIT_MS),
    });
    const said =
      aborted?.message ?? (end.exitCode === 0 ? null : `its target ended with ${end.exitCode ?? end.signal}`);
    if (said !== null) throw new BackendError('UNSUPPORTED', `external/${contestant.name}`, 'probe', said);
  } finally {
    await tool.release();
  }
}
