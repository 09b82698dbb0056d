/** SIGKILL of the trial process at random moments: what the machine was before, it is again within two seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { backends } from '../../backends/index.ts';
import { canonicalJson, machineState, settledState } from '../../harness/doctor/index.ts';
import { createRandom } from '../../harness/random.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { type Check, exactly } from '../check.ts';
import { specOf } from '../trials.ts';

const KILLS = 200;
const SETTLE_MS = 2000;
/** Long enough that the latest kill still comes before its end. */
const CALLS = 50_000_000;
/** From before the addon is loaded to well within the section: START comes some 200 ms after the start. */
const LATEST_MS = 600;
/** In the state: processes, rules, groups, instances and BPF objects of a trial. */
const OF_OURS = /"tracebench-|"(maps|programs)":\[\{/;
const RESTING_LOOKS = 5;
/** Trials that ended before their moment, because the machine refused them just then, are drawn again so often. */
const MOST_REFUSED = 20;

export const kills: Check = {
  name: 'kills',
  title: `${KILLS} kills of the trial at random moments leave the machine as it was`,
  async run({ seed, say }) {
    const random = createRandom(seed);
    const variants: string[] = [];
    for (const { name } of backends) if ((await probeVariant(name)).answer === 'yes') variants.push(name);
    let before = await resting();
    const changed: string[] = [];
    const refused: string[] = [];
    for (let killed = 0; killed < KILLS; ) {
      const variant = random.shuffle(variants)[0] as string;
      const afterMs = random.int(LATEST_MS);
      const ended = await killedTrial(variant, afterMs);
      const after = await settledState(before, SETTLE_MS);
      if (after !== before) {
        changed.push(`${variant} after ${afterMs} ms: ${firstDifference(before, after)}`);
        before = after; // each leftover counts once
      }
      if (ended === null) killed++;
      else refused.push(`${variant}: ${ended}`);
      if (refused.length > MOST_REFUSED)
        throw new Error(`too many trials ended before they were killed: ${refused[0]}`);
      if (ended === null && killed % 20 === 0) say(`kills ${killed} of ${KILLS}, ${changed.length} changed the state`);
    }
    const note = [variants.join(', '), ...changed.slice(0, 5), ...refused.map((why) => `not killed: ${why}`)].join(
      '; ',
    );
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

/** BPF objects of an earlier check may still be on their way out. Another copy at work here would be taken for a leftover. */
async function resting(): Promise<string> {
  for (let look = 0; look < RESTING_LOOKS; look++) {
    await sleep(SETTLE_MS);
    const state = canonicalJson(await machineState());
    if (!OF_OURS.test(state)) return state;
  }
  throw new Error('something of tracebench is at work on this machine: end it, or run: ./tracebench doctor --repair');
}

/** null: it was killed; else what it said before its moment. */
async function killedTrial(variant: string, afterMs: number): Promise<string | null> {
  const spec = specOf({ variant, workload: 'null', calls: CALLS });
  const child = execa(process.execPath, [TRIAL_PROGRAM], { reject: false, stdin: 'pipe' });
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(spec)}\n`);
  await sleep(afterMs);
  child.kill('SIGKILL');
  const ended = await child;
  return ended.signal === 'SIGKILL' ? null : ended.stdout.slice(-200);
}

function firstDifference(before: string, after: string): string {
  let at = 0;
  while (before[at] === after[at]) at++;
  return `…${after.slice(Math.max(0, at - 60), at + 120)}…`;
}
