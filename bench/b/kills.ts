/** SIGKILL of the trial process at random moments: what the machine was before, it is again within two seconds. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { backends } from '../../backends/index.ts';
import { canonicalJson, machineState, settledState } from '../../harness/doctor/index.ts';
import { distDir } from '../../harness/paths.ts';
import { probeVariant } from '../../harness/probe.ts';
import { createRandom } from '../../harness/random.ts';
import { type Check, exactly } from '../check.ts';
import { specOf } from '../trials.ts';

const KILLS = 200;
const SETTLE_MS = 2000;
/** Long enough that the latest kill still comes before its end. */
const CALLS = 50_000_000;
/** From before the addon is loaded to well within the section; the first half second is the start alone. */
const LATEST_MS = 1200;

export const kills: Check = {
  name: 'kills',
  title: `${KILLS} kills of the trial at random moments leave the machine as it was`,
  async run({ seed, say }) {
    const random = createRandom(seed);
    const variants: string[] = [];
    for (const { name } of backends) if ((await probeVariant(name)).answer === 'yes') variants.push(name);
    const before = await resting();
    const changed: string[] = [];
    for (let i = 0; i < KILLS; i++) {
      const variant = random.shuffle(variants)[0] as string;
      const afterMs = random.int(LATEST_MS);
      await killedTrial(variant, afterMs);
      const after = await settledState(before, SETTLE_MS);
      if (after !== before) changed.push(`${variant} after ${afterMs} ms: ${firstDifference(before, after)}`);
      if ((i + 1) % 20 === 0) say(`kills ${i + 1} of ${KILLS}, ${changed.length} changed the state`);
    }
    const note = `${variants.join(', ')}${changed.length > 0 ? `; ${changed.slice(0, 5).join('; ')}` : ''}`;
    return [
      exactly(
        `kills: of ${KILLS} after which the state was not as before within 2 s`,
        changed.length,
        0,
        'kills',
        note,
      ),
    ];
  },
};

/** BPF objects of an earlier check may still be on their way out. */
async function resting(): Promise<string> {
  await sleep(SETTLE_MS);
  return canonicalJson(await machineState());
}

async function killedTrial(variant: string, afterMs: number): Promise<void> {
  const spec = specOf({ variant, workload: 'null', calls: CALLS });
  const child = execa(process.execPath, [join(distDir, 'harness', 'trial.js')], { reject: false, stdin: 'pipe' });
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(spec)}\n`);
  await sleep(afterMs);
  child.kill('SIGKILL');
  const ended = await child;
  if (ended.signal !== 'SIGKILL') throw new Error(`${variant}: the trial ended before it was killed: ${ended.stdout}`);
}

function firstDifference(before: string, after: string): string {
  let at = 0;
  while (before[at] === after[at]) at++;
  return `…${after.slice(Math.max(0, at - 60), at + 120)}…`;
}
