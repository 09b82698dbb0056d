/** doctor: what this machine can run, why not, and what would mend it. */
import { toolIds, variantIds } from '../../backends/index.ts';
import { findHost } from '../host/host.ts';
import type { BackendRow } from '../result.ts';
import { probeOn } from '../session/probe.ts';
import { readFacts } from './facts.ts';
import { askProgram } from './programs.ts';
import { buildReport, type DoctorReport } from './report.ts';

export type { MachineFacts } from './facts.ts';
export { repair } from './repair.ts';
export { type DoctorReport, type Mend, renderDoctor } from './report.ts';
export { canonicalJson, type MachineState, machineState, settledState } from './state.ts';

/** One variant's answer; a probe that breaks is an answer too, so that one cannot hide the others. */
async function ask(probe: (id: string) => Promise<BackendRow>, id: string): Promise<BackendRow> {
  try {
    return await probe(id);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { variant: id, answer: 'unknown', reason: `the probe failed: ${reason}`, mend: null };
  }
}

/**
 * Probes every registered variant, one after the other (probes share the machine). Without `json` and on a terminal
 * the variant being probed is shown on stderr meanwhile.
 */
export async function runDoctor(options: { readonly json: boolean }): Promise<DoctorReport> {
  const progress = !options.json && process.stderr.isTTY;
  const host = await findHost();
  const probe = probeOn(host);
  const rows: BackendRow[] = [];
  for (const id of [...variantIds, ...toolIds]) {
    if (progress) process.stderr.write(`\r\x1b[Kprobing ${id} …`);
    rows.push(await ask(probe, id));
  }
  if (progress) process.stderr.write('\r\x1b[K');
  const facts = await readFacts(askProgram, (program, args) => askProgram(program, args, { prefix: host.prefix }));
  return buildReport(facts, rows, host.invoker);
}
