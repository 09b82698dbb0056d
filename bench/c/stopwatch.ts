/**
 * An outside stopwatch: hyperfine around the workload, beneath a collector and beneath none, against the slowdown that trials
 * of the same number of calls give. hyperfine times whole processes, trials the section: with so many calls they agree.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '../../harness/paths.ts';
import { ratioInterval } from '../../harness/statistics/order-interval.ts';
import type { Check, Line } from '../check.ts';
import { interleave } from '../interleave.ts';
import { perCallNs, trial } from '../trials.ts';

const CALLS = 2_000_000;
/** Ten runs of hyperfine with the collector and ten without, in pairs next to each other. */
const ROUNDS = 10;
const LIMIT_MS = 120_000;

/** s of one run, after one to warm up, in a tree that `variant` traces; null: that nobody does. */
async function hyperfined(variant: string | null, dir: string): Promise<number> {
  const out = join(dir, 'hyperfine.json');
  const workload = `${join(projectRoot, 'build', 'bin', 'tb-null')} --calls ${CALLS}`;
  const words = ['hyperfine', '--runs', '2', '--warmup', '1', '--shell', 'none', '--export-json', out, workload];
  const around = ['trace', '--backend', variant ?? '', '-c', '-o', join(dir, 'counts'), '--'];
  const command = variant === null ? words : [join(projectRoot, 'tracebench'), ...around, ...words];
  const [file, ...rest] = command as [string, ...string[]];
  const run = await execa(file, rest, { reject: false, timeout: LIMIT_MS });
  if (run.failed)
    throw new Error(`hyperfine beneath ${variant ?? 'nothing'}: ${run.stderr.trim() || run.shortMessage}`);
  const { results } = JSON.parse(readFileSync(out, 'utf8')) as { results: { times: number[] }[] };
  const times = results[0]?.times ?? [];
  if (times.length === 0) throw new Error('hyperfine timed nothing');
  return Math.min(...times);
}

export const stopwatch: Check = {
  name: 'stopwatch',
  title: `hyperfine around null, ${CALLS} calls, beneath ebpf and beneath none, against the slowdown of trials`,
  startsForeign: true,
  async run({ seed, scratch, say }) {
    const changes = { placement: 'free', workloadCpus: null, collectorCpus: null } as const;
    const harness = async (variant: string) =>
      perCallNs(await trial({ variant, workload: 'null', calls: CALLS, changes }));
    const values = await interleave(
      [
        { name: 'outside none', measure: () => hyperfined(null, scratch) },
        { name: 'outside ebpf', measure: () => hyperfined('ebpf', scratch) },
        { name: 'trial none', measure: () => harness('none') },
        { name: 'trial ebpf', measure: () => harness('ebpf') },
      ],
      ROUNDS,
      1,
      seed,
      (text) => say(`stopwatch ${text}`),
    );
    const ratio = (where: string) => {
      const bare = values.get(`${where} none`) ?? [];
      return ratioInterval((values.get(`${where} ebpf`) ?? []).map((x, i) => [x, bare[i] as number]));
    };
    const outside = ratio('outside');
    const inside = ratio('trial');
    const agree = (outside.low ?? 0) <= (inside.high ?? 0) && (inside.low ?? 0) <= (outside.high ?? 0);
    const line = (name: string, x: typeof outside, bound: string, pass: boolean): Line => ({
      name: `stopwatch: ${name}`,
      value: x.estimate,
      unit: '×',
      low: x.low,
      high: x.high,
      bound,
      pass,
    });
    return [
      line(`slowdown by trials, ${ROUNDS} rounds`, inside, 'reported', true),
      line(`slowdown by hyperfine, ${ROUNDS} pairs`, outside, 'the intervals overlap', agree),
    ];
  },
};
