/** Tools that do not behave, beside a target: each is named with what it said, and nothing of it is left. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Contestant, defineContestant, OF_A_TOOL } from '../../backends/external/contestant.ts';
import { contestantOf } from '../../backends/external/index.ts';
import { findProgram } from '../../harness/applications/programs.ts';
import { INSTALL_MEND, probeContestant } from '../../harness/contestants/probe.ts';
import { ToolRun, type ToolTerms } from '../../harness/contestants/tool-run.ts';
import { machineState } from '../../harness/doctor/index.ts';
import { listOurProcesses } from '../../harness/doctor/processes.ts';
import { type Guard, holdScratch } from '../../harness/session/guard.ts';
import { runTraced, type TracedOutcome } from '../../harness/session/traced.ts';
import { TRIAL_PROGRAM } from '../../harness/trial/trial-process.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf } from '../fixtures/processes.ts';
import { specFor, stamped } from './trial-process.ts';

let scratch: Guard;

/** A shell script as a tool that attaches. */
function scripted(script: string, changed: Partial<Contestant> = {}): Contestant {
  return defineContestant({
    name: 'scripted',
    summary: 'made up',
    program: 'sh',
    package: 'dash',
    starts: 'attaches',
    words: ['sh', '-c', script, 'tool', '{pid}'],
    tracefs: false,
    ready: { file: 'stderr', line: /^ready/ },
    stop: 'SIGINT',
    settleMs: 0,
    output: { file: 'stdout', line: /(?<name>\w+)\((?<a0>\d+)/, base: 10 },
    losses: [{ name: 'lost', unit: 'call', file: 'stderr', line: /lost (?<lost>\d+)/ }],
    loss: { min: 1, max: 1 },
    workloads: ['visible'],
    applications: true,
    capabilities: OF_A_TOOL,
    buffer: null,
    placement: 'free',
    ...changed,
  });
}

async function beside(contestant: Contestant, argv: readonly string[], limits: Partial<ToolTerms> = {}) {
  const folder = scratch.where;
  if (folder === null) throw new Error(scratch.reason);
  const blanks = { calls: 'all', pagesPerCpu: '1', kibPerCpu: '4', instance: '', ruleKey: '' };
  const run = new ToolRun(contestant, { folder, cpus: null, blanks, ...limits });
  const collector = { variant: 'none', bufferBytes: 1 << 20, wakeup: null, collectorCpus: null };
  const outcome: TracedOutcome = await runTraced({
    collectors: [{ ...collector, stallMs: 0, stallAfterCalls: 0, onBatch: null }],
    argv,
    filter: null,
    workloadCpus: null,
    user: null,
    stdio: 'null',
    control: null,
    auditContext: false,
    canaryCalls: 0,
    expectedPerLane: 0,
    companion: run,
    signal: AbortSignal.timeout(30_000),
  });
  return { run, outcome };
}

describe('a tool beside a target', () => {
  beforeEach(async () => {
    scratch = await holdScratch();
  });

  afterEach(async () => {
    await scratch.release();
    expect(existsSync(scratch.where ?? '/')).toBe(false);
    expect(listOurProcesses().filter(({ ppid }) => ppid === process.pid)).toEqual([]);
  });

  test('is stopped when its target is gone, and its losses are read', async () => {
    const script = 'trap "echo lost 41 >&2; echo lost 1 >&2; exit 0" INT; echo ready >&2; while :; do sleep 0.05; done';
    const { run, outcome } = await beside(scripted(script), ['true']);
    expect(outcome.end.exitCode).toBe(0);
    expect(run.losses).toEqual([{ name: 'lost', unit: 'call', place: 'kernel', count: 42 }]);
    expect(run.attachNs).toBeGreaterThan(0);
    expect(run.maxRssBytes).toBeGreaterThan(0);
  });

  test('that is never ready is named with what it said, after its limit', async () => {
    const tool = scripted('echo still compiling; exec sleep 60');
    await expect(beside(tool, ['sleep', '60'], { readyLimitMs: 300 })).rejects.toThrow(
      'external/scripted: start: sh did not show that it traces within 300 ms; it said: still compiling',
    );
  });

  test('that cannot start is named with its mend', async () => {
    const refusals = [{ says: /no headers/, mend: 'install headers' }];
    const tool = scripted('echo no headers here >&2; exit 3', { refusals });
    const failure = beside(tool, ['sleep', '60']);
    await expect(failure).rejects.toThrow('start: ended with exit code 3; it said: no headers here');
    await expect(failure).rejects.toMatchObject({ mend: 'install headers', code: 'UNSUPPORTED' });
  });

  test('that dies in the middle ends its target, long before that would end', async () => {
    const tool = scripted('echo ready >&2; sleep 0.2; echo out of luck >&2; exit 7', { stop: 'target' });
    await expect(beside(tool, ['sleep', '60'])).rejects.toThrow(
      'trace: it ended with exit code 7 before its target; it said: ready; out of luck',
    );
  });

  test('that is deaf to its stop signal is killed with its children', async () => {
    const tool = scripted('trap "" INT; echo ready >&2; while :; do sleep 0.05; done');
    await expect(beside(tool, ['true'], { stopLimitMs: 300 })).rejects.toThrow(
      'stop: it still ran 300 ms after SIGINT and was killed',
    );
  });

  test('whose output has no more room fails by that name', async () => {
    const tool = scripted('echo ready >&2; sleep 0.2; exec yes', { stop: 'target' });
    await expect(beside(tool, ['sleep', '60'], { mostFileBytes: 1 << 20 })).rejects.toThrow(
      'write: its output reached 1048576 bytes, all there is room for: give fewer --calls',
    );
  });
});

/** Pid of who owns audit; 0: nobody. */
async function ownerOfAudit(): Promise<number> {
  return ((await machineState()).guard as { audit: { pid?: number } }).audit.pid ?? 0;
}

describe('a trial under the audit daemon', () => {
  test('killed while the daemon writes, leaves audit as it was and no daemon', async () => {
    const daemon = contestantOf('external/audit-daemon') as Contestant;
    if (findProgram(daemon.program) === null) {
      expect(await probeContestant(daemon)).toMatchObject({ answer: 'no', mend: INSTALL_MEND });
      return;
    }
    const before = await restingState();
    const trial = spawn(process.execPath, [TRIAL_PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise((resolve) => trial.once('close', resolve));
    const spec = specFor('external/audit-daemon', stamped('visible', 10_000_000), { auditContext: 'present' });
    trial.stdin.write(`${JSON.stringify(spec)}\n`);
    const owner = await vi.waitFor(
      async () => {
        const pid = await ownerOfAudit();
        expect(pid).not.toBe(0);
        return pid;
      },
      { timeout: 20_000, interval: 50 },
    );
    const tree = treeOf(trial.pid as number);
    expect(tree.map(({ pid }) => pid)).toContain(owner);
    trial.kill('SIGKILL');
    await ended;
    await expectRestored(before, 10_000);
    expect(stillRunning(tree)).toEqual([]);
  });
});
