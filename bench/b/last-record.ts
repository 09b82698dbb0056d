/** Through the one interface: the last record of a command from every backend. */
import { backends } from '../../backends/index.ts';
import type { EventRecord } from '../../harness/event.ts';
import { runUnderVariant } from '../../harness/trace/run.ts';

const how = { filter: null, bufferBytes: 4 << 20, user: null, stdio: 'null', deadlineMs: 10_000 } as const;
for (const { name } of backends.filter(({ variants }) => variants[0]?.capabilities.delivers === 'records')) {
  const last: EventRecord[] = [];
  const onBatch = (batch: { count: number; at(i: number): EventRecord }) => (last[0] = batch.at(batch.count - 1));
  await runUnderVariant({ ...how, variant: name, argv: ['/bin/true'], onBatch });
  console.log(name, last[0]);
}
