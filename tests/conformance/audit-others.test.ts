/** Audit that is somebody else's: an owner that lives, one that died, rules of an administrator. All of it is left alone. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { repair, runDoctor } from '../../harness/doctor/index.ts';
import { renderDoctor } from '../../harness/doctor/report.ts';
import { projectRoot } from '../../harness/paths.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { audit, keysOf, longTrial } from './audit.ts';
import { subjects } from './collect.ts';
import { runTrial, specFor, stamped } from './trial-process.ts';

const ADMINISTRATOR = join(projectRoot, 'build', 'test', 'administrator');

/** Nobody's: a rule about it records nothing. */
const UNUSED_UID = '4000000123';

const usable = (await subjects()).filter((s) => s.id.startsWith('auditd') && s.unavailable === null).map((s) => s.id);

/** Beside an owner his queue may be short, the kernel's default is 64 records: what is lost there is admitted. */
const FEW = stamped('null', 503);

function administrator(...words: string[]): void {
  const done = spawnSync(ADMINISTRATOR, words, { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`administrator ${words.join(' ')}: ${done.stderr}`);
}

async function killed(id: string): Promise<void> {
  const trial = await longTrial(id);
  const tree = treeOf(trial.pid);
  trial.kill();
  expect(await until(() => stillRunning(tree).length === 0, 5000)).toBe(true);
}

let before: string;
let enabled: number;
beforeEach(async () => {
  before = await restingState();
  enabled = (await audit()).enabled;
});

describe.runIf(usable.includes('auditd/multicast'))('an owner', () => {
  let owner: ChildProcess | null = null;

  /** Resolves once audit is its own. */
  async function own(enabling: 0 | 1): Promise<number> {
    owner = spawn(ADMINISTRATOR, ['own', String(enabling)], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(owner.stdout as NodeJS.ReadableStream, 'data');
    return owner.pid as number;
  }

  /** End-of-file: it gives audit up and ends; killed, it cannot. */
  async function end(how: 'end-of-file' | 'SIGKILL'): Promise<void> {
    if (owner === null) return;
    const ended = once(owner, 'exit');
    if (how === 'SIGKILL') owner.kill('SIGKILL');
    else owner.stdin?.end();
    await ended;
    owner = null;
  }

  afterEach(async () => {
    await end('end-of-file');
    if ((await audit()).pid !== 0) administrator('forget', String(enabled));
    await expectRestored(before);
  });

  test('that lives is named, and multicast offered beside it', async () => {
    const pid = await own(1);
    const owned = { answer: 'no', reason: expect.stringContaining(`process ${pid}`) };
    const offered = { mend: expect.stringContaining('auditd/multicast') };
    expect(await probeVariant('auditd')).toMatchObject({ ...owned, ...offered });
    expect(await probeVariant('auditd/block')).toMatchObject({ ...owned, ...offered });
    expect(await probeVariant('auditd/multicast')).toMatchObject({ answer: 'yes' });
    const said = renderDoctor(await runDoctor({ json: true }));
    expect(said).toMatch(new RegExp(`^ {2}audit +on, owned by pid ${pid} \\(administrator\\)`, 'm'));
    expect(said).toMatch(/^ {2}auditd +no /m);
  });

  test('that lives keeps audit: a trial that would own it is refused', async () => {
    const pid = await own(1);
    const owned = await restingState();
    const refused = await runTrial(specFor('auditd', FEW, { auditContext: 'present' }));
    expect(refused).toMatchObject({
      status: 'failed',
      error: {
        code: 'BUSY',
        message: expect.stringMatching(new RegExp(`process ${pid} \\(administrator\\).*auditd/multicast`)),
      },
    });
    await expectRestored(owned);
  });

  test('that lives keeps its status while multicast listens, and after', async () => {
    await own(1);
    const owned = await restingState();
    const { rules: _, ...status } = await audit();
    const listened = await runTrial(specFor('auditd/multicast', FEW, { auditContext: 'present' }));
    expect(listened).toMatchObject({ status: 'completed', accounting: { verdict: 'reconciled' } });
    await expectRestored(owned);
    const trial = await longTrial('auditd/multicast');
    const tree = treeOf(trial.pid);
    expect(await audit()).toMatchObject(status);
    trial.kill();
    expect(await until(() => stillRunning(tree).length === 0, 5000)).toBe(true);
    await expectRestored(owned);
  });

  test('that died is no owner: its pid is forgotten', async () => {
    const pid = await own(0);
    await end('SIGKILL');
    expect(await audit()).toMatchObject({ pid, ownerLives: false });
    expect(await probeVariant('auditd')).toMatchObject({ answer: 'yes' });
    expect(await runTrial(specFor('auditd', FEW, { auditContext: 'present' }))).toMatchObject({ status: 'completed' });
    await expectRestored(before);
  });

  test('that died is no owner for a trial that is killed either', async () => {
    await own(0);
    await end('SIGKILL');
    await killed('auditd');
    await expectRestored(before);
  });
});

describe.each(usable)('an administrator’s rule outlives %s', (id) => {
  const key = `administrators-own-${process.pid}`;
  let ruled: string;
  beforeEach(async () => {
    administrator('add', key, UNUSED_UID);
    ruled = await restingState();
  });
  afterEach(async () => {
    administrator('delete', key, UNUSED_UID);
    await expectRestored(before);
  });

  test('a trial', async () => {
    expect(keysOf(await audit())).toEqual([key]);
    const result = await runTrial(specFor(id, FEW, { auditContext: 'present' }));
    expect(result).toMatchObject({ status: 'completed', accounting: { verdict: 'reconciled' } });
    await expectRestored(ruled);
  });

  test('one that is killed, and a repair', async () => {
    await killed(id);
    await expectRestored(ruled);
    await repair();
    await expectRestored(ruled);
  });
});
