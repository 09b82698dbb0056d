/** The native core and the bridge: ledger cost and memory, JavaScript reading every field. */
import { join } from 'node:path';
import { execa } from 'execa';
import { Bench } from 'tinybench';
import { z } from 'zod';
import { EventBatch, RECORD_BYTES } from '../../harness/event.ts';
import { binDir } from '../../harness/paths.ts';
import type { Check } from '../check.ts';

const ledgerSchema = z.object({
  records: z.number(),
  complete: z.number(),
  missing: z.number(),
  mismatches: z.number(),
  nsPerRecordMin: z.number(),
  nsPerRecordMedian: z.number(),
  nsPerRecordP90: z.number(),
  maxRssKib: z.number(),
});

const LEDGER_RECORDS = 1_000_000_000;
const LEDGER_TIMEOUT_MS = 300_000;
const BATCH = 1024;
const BATCHES_PER_RUN = 64;
const JS_RUNS = 60;

export const ledgerCost: Check = {
  name: 'ledger',
  title: 'the ledger: ≤ 20 ns per record, ≤ 64 MiB after 10⁹',
  async run({ say }) {
    say(`ledger: ${LEDGER_RECORDS} records, about half a minute`);
    const program = join(binDir, 'tracebench-ledger-bench');
    const { stdout } = await execa(program, [String(LEDGER_RECORDS)], { timeout: LEDGER_TIMEOUT_MS });
    const r = ledgerSchema.parse(JSON.parse(stdout));
    const whole = r.complete === r.records && r.missing === 0 && r.mismatches === 0;
    return [
      {
        name: 'ledger: cost per record, median of blocks (minimum … 90th percentile)',
        value: r.nsPerRecordMedian,
        unit: 'ns',
        low: r.nsPerRecordMin,
        high: r.nsPerRecordP90,
        bound: '≤ 20 (median)',
        pass: whole && r.nsPerRecordMedian <= 20,
      },
      {
        name: `ledger: resident memory after ${r.records} records`,
        value: r.maxRssKib / 1024,
        unit: 'MiB',
        low: null,
        high: null,
        bound: '≤ 64',
        pass: whole && r.maxRssKib / 1024 <= 64,
      },
    ];
  },
};

/** Reads all 24 words of every record, as a consumer that wants everything would. */
function readEveryField(batch: EventBatch): number {
  const u32 = batch.u32;
  let sum = 0;
  for (let i = 0; i < u32.length; i++) sum = (sum + (u32[i] as number)) | 0;
  return sum;
}

export const javascriptRate: Check = {
  name: 'javascript',
  title: 'JavaScript reads every field of a batch’s records at ≥ 2 M records/s',
  async run() {
    const memory = new SharedArrayBuffer(BATCH * RECORD_BYTES);
    new Uint32Array(memory).forEach((_, i, all) => {
      all[i] = i * 2654435761;
    });
    let sink = 0;
    const bench = new Bench({ iterations: JS_RUNS, time: 0, warmupIterations: 5, warmupTime: 0, throws: true });
    bench.add(
      'read',
      () => {
        for (let b = 0; b < BATCHES_PER_RUN; b++) sink ^= readEveryField(new EventBatch(memory, 0, BATCH, 0n));
      },
      { async: false },
    );
    await bench.run();
    const result = bench.tasks[0]?.result;
    if (result?.state !== 'completed' || !Number.isInteger(sink))
      throw new Error('the read benchmark did not complete');
    const rate = (ms: number): number => (BATCH * BATCHES_PER_RUN) / (ms / 1000) / 1e6;
    return [
      {
        name: 'javascript: records read in full, median of runs (slowest … fastest)',
        value: rate(result.latency.p50),
        unit: 'M/s',
        low: rate(result.latency.max),
        high: rate(result.latency.min),
        bound: '≥ 2 (median)',
        pass: rate(result.latency.p50) >= 2,
      },
    ];
  },
};
