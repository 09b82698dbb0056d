/** All backends on all stamped workloads: every trial reconciled, and call by call what the reference saw. */
import { backends } from '../../backends/index.ts';
import { variantId } from '../../harness/backend.ts';
import { OWN_HOST } from '../../harness/host/host.ts';
import { JOINT_PROGRAM, runJointTrial } from '../../harness/reference/joint-process.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { workloads } from '../../workloads/index.ts';
import { booksOf } from '../a/books.ts';
import { type Check, exactly, type Line } from '../check.ts';

const CALLS = 5003;
const PROGRAM = { entry: JOINT_PROGRAM, host: OWN_HOST };

export const booksOfAll: Check = {
  name: 'all-books',
  title: 'all variants on all stamped workloads: reconciled, and equal to the reference call by call',
  async run({ say }) {
    return [...(await booksOf(backends, say)), ...(await equalities(say))];
  },
};

/** The reference sees system calls. */
const comparable = workloads.filter((workload) => workload.function === undefined);

async function equalities(say: (text: string) => void): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { name, variants } of backends) {
    for (const variant of variants) {
      const id = variantId(name, variant.name);
      if (variant.capabilities.events !== undefined) continue;
      if (variant.capabilities.delivers === 'nothing' || ['ebpf', 'ebpf/count'].includes(id)) continue;
      if ((await probeVariant(id)).answer !== 'yes') continue;
      let equal = 0;
      let calls = 0;
      const notes: string[] = [];
      for (const workload of comparable) {
        const result = await runJointTrial(
          PROGRAM,
          {
            workload: {
              kind: 'stamped',
              name: workload.name,
              calls: workload.name === 'exec' ? 1009 : CALLS,
              threads: workload.maxThreads > 1 ? 2 : 1,
              seed: 1,
            },
            reference: 'ebpf',
            counter: 'ebpf/count',
            variant: id,
            bufferBytes: 64 << 20,
            filter: null,
            user: null,
            deadlineMs: 60_000,
            mostRecords: 1_000_000,
            shown: 2,
          },
          new AbortController().signal,
        );
        if (result.status === 'completed' && result.verdict.startsWith('equal')) equal++;
        else
          notes.push(
            `${workload.name}: ${result.status === 'failed' ? result.error.message : result.reasons.join(', ')}`,
          );
        if (result.status === 'completed') calls += result.content?.equal ?? result.otherCalls;
      }
      say(`all-books ${id} beside ebpf`);
      lines.push(
        exactly(
          `joint ${id}: workloads on which ${calls} calls equal the reference's`,
          equal,
          comparable.length,
          'workloads',
          notes.join('; '),
        ),
      );
    }
  }
  return lines;
}
