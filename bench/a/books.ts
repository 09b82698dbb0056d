/** Every trial of every variant on every stamped workload: reconciled, contents as issued; the broken build caught. */
import { backends } from '../../backends/index.ts';
import { type BackendDefinition, type VariantDefinition, variantId } from '../../harness/backend.ts';
import { RECORD_BYTES } from '../../harness/event.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { type Workload, workloads } from '../../workloads/index.ts';
import { type Check, exactly, type Line } from '../check.ts';
import { trial } from '../trials.ts';

const BUFFER_BYTES = 8 << 20;
/** The law is 20 (docs/method.md); some of START's and END's share is lost. */
const STRESS = 22;

/** Closed loop; exec and blocking backends are bounded by time, the rest fills 8 MiB many times over. */
function callsFor(workload: string, { capabilities, buffer }: VariantDefinition): number {
  if (workload === 'exec') return 1_009;
  if (capabilities.regime === 'blocks') return 20_011;
  return Math.ceil((STRESS * BUFFER_BYTES) / (buffer?.bytesPerCall ?? RECORD_BYTES));
}

const ROUNDS = 3;
const DROPPED = 13;

/** Calls of a function are delivered by variants that trace functions, and by no other. */
function isOwn({ capabilities: { events } }: VariantDefinition, workload: Workload): boolean {
  return (events === 'function') === (workload.function !== undefined);
}

/** Every variant of `of`, ROUNDS trials on each stamped workload whose calls it delivers. */
export async function booksOf(of: readonly BackendDefinition[], say: (text: string) => void): Promise<Line[]> {
  const lines: Line[] = [];
  for (const backend of of) {
    for (const variant of backend.variants) {
      const id = variantId(backend.name, variant.name);
      const { delivers } = variant.capabilities;
      if (delivers === 'nothing') continue;
      const row = await probeVariant(id);
      if (row.answer !== 'yes') {
        lines.push({ ...exactly(`books ${id}`, 0, 1, 'available', row.reason ?? ''), pass: false });
        continue;
      }
      let trials = 0;
      let good = 0;
      const notes: string[] = [];
      for (const workload of workloads.filter((w) => isOwn(variant, w))) {
        for (let round = 0; round < ROUNDS; round++) {
          const t = await trial({ variant: id, workload: workload.name, calls: callsFor(workload.name, variant) });
          trials++;
          const a = t.accounting;
          const fine =
            a.delivers === 'counts'
              ? a.verdict === 'reconciled' && a.counted + a.missed === a.issued
              : a.delivers === 'records' && a.verdict === 'reconciled' && a.mismatches === 0 && a.neverIssued === 0;
          if (fine) good++;
          else notes.push(`${workload.name}: ${'reasons' in a ? a.reasons.join(', ') : a.delivers}`);
        }
        say(`books ${id} ${workload.name}`);
      }
      lines.push(exactly(`books ${id}: reconciled trials`, good, trials, 'trials', notes.join('; ')));
    }
  }
  return lines;
}

const FIRST_THREE = ['none', 'ebpf', 'ptrace'];

export const books: Check = {
  name: 'books',
  title: 'every trial of a recording variant of ebpf and ptrace on every stamped workload reconciled',
  run: ({ say }) =>
    booksOf(
      backends.filter((backend) => FIRST_THREE.includes(backend.name)),
      say,
    ),
};

export const brokenBridge: Check = {
  name: 'broken',
  title: 'the test build that drops records is caught to the call; a stamp never issued is an error',
  async run() {
    const lines: Line[] = [];
    const before = process.env['TRACEBENCH_TEST_HOOKS'];
    try {
      for (const variant of ['ebpf', 'ptrace']) {
        process.env['TRACEBENCH_TEST_HOOKS'] = JSON.stringify({ dropCalls: DROPPED, dropAfter: 500 });
        const dropped = (await trial({ variant, workload: 'null', calls: 20_011 })).accounting;
        const found = dropped.delivers === 'records' ? dropped.discrepancy.min : Number.NaN;
        lines.push(exactly(`broken ${variant}: under-reported calls of ${DROPPED} dropped`, found, DROPPED, 'calls'));
        process.env['TRACEBENCH_TEST_HOOKS'] = JSON.stringify({ forgeStamps: 2, dropAfter: 500 });
        const forged = (await trial({ variant, workload: 'null', calls: 20_011 })).accounting;
        const caught = forged.delivers === 'records' && forged.verdict === 'error' ? forged.neverIssued : Number.NaN;
        lines.push(exactly(`broken ${variant}: stamps never issued, of 2 forged`, caught, 2, 'stamps'));
      }
    } finally {
      if (before === undefined) delete process.env['TRACEBENCH_TEST_HOOKS'];
      else process.env['TRACEBENCH_TEST_HOOKS'] = before;
    }
    return lines;
  },
};
