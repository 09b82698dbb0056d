/**
 * What a user can get wrong, what a machine can lack, and every way of ending a study early: a message that names the
 * mend, the documented exit code, nothing left behind, no partial file that reads like a whole one. Wrong flags and
 * names are in tests/unit/cli.test.ts.
 */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa, type Options } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { projectRoot } from '../../harness/paths.ts';
import { studySchema, trialResultSchema } from '../../harness/result.ts';
import { expectRestored, restingState } from '../fixtures/machine.ts';
import { stillRunning, treeOf, until } from '../fixtures/processes.ts';
import { CALLS_PROGRAM, command, type Ended, recordedTrials, TRACEBENCH, tracebench, untilTrials } from './cli.ts';

const isRoot = process.getuid?.() === 0;
const BPF_DIR = join(projectRoot, 'build', 'bpf');
const TINY = ['--workloads', 'null', '-r', '1', '--calls', '1009'];
/** Far more rounds than a test waits for. */
const LONG = ['--backends', 'none,ebpf,ptrace', '--workloads', 'null', '-r', '200', '--calls', '20011'];
/** After which nothing of a study that was told to end may be left: a trial has 5 s to let its target go. */
const END_MS = 10_000;

let dir: string;
let empty: string;
/** Where other users find the project, wherever it lies: root's home is closed to them. */
let shared: string;
let before: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tb-bad-'));
  chmodSync(dir, 0o711);
  empty = join(dir, 'empty');
  shared = join(dir, 'project');
  for (const folder of [empty, shared]) mkdirSync(folder);
  before = await restingState();
});

afterEach(() => expectRestored(before, 5000));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function expectRefused(ended: Ended, exitCode: number, message: RegExp, mend: RegExp): void {
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr).toMatch(new RegExp(`mend: .*(${mend.source})`));
  expect(ended.stderr).not.toMatch(/an error of tracebench itself|^ +at /m);
  expect(ended.exitCode).toBe(exitCode);
}

describe('a plan file', () => {
  test.each([
    ['rounds: [1\n', /is neither YAML nor JSON: .*line 2/, /mend the line/],
    ['ruonds: 6\n', /is not a plan:[\s\S]*"ruonds"/, /did you mean rounds/],
    ['rounds: many\n', /expected number, received string[\s\S]*at rounds/, /a plan knows/],
    ['rounds: 0\n', /expected number to be >=1[\s\S]*at rounds/, /a plan knows/],
    ['calls: -7\n', /expected number to be >=1[\s\S]*at calls/, /a plan knows/],
    ['buffer: 9PB\n', /'9PB' is not a size/, /a plan knows/],
    ['- ebpf\n', /expected object, received array/, /a plan knows/],
    ['backends: [ebfp]\n', /no backend or variant 'ebfp'/, /did you mean ebpf/],
    ['workloads: [threads:0]\n', /'threads:0': threads must be 1 …/, /threads:4/],
    [`${String.fromCharCode(0, 1, 2)}\n`, /is neither YAML nor JSON|is not a plan/, /./],
  ])('that holds %j', async (text, message, mend) => {
    const path = join(dir, 'plan.yaml');
    writeFileSync(path, text);
    expectRefused(await tracebench('run', '--plan', path), 2, message, mend);
  });

  test('that is a folder', async () => {
    expectRefused(await tracebench('run', '--plan', dir), 2, /cannot be read/, /--plan/);
  });
});

describe('a command', () => {
  test.each([
    ['/tmp', /'\/tmp' is a directory/, /name a program in it/],
    ['/nonexistent/program', /'\/nonexistent\/program' does not exist/, /spelling/],
    ['/etc/passwd', /may not be executed/, /chmod \+x/],
  ])('%s', async (program, message, mend) => {
    expectRefused(await tracebench('trace', '--', program), 2, message, mend);
    expectRefused(await tracebench('run', '--out', join(dir, 'no'), '--', program), 2, message, mend);
    expect(existsSync(join(dir, 'no'))).toBe(false);
  });

  test.runIf(isRoot)('in a PATH with folders that the user may not search', async () => {
    const closed = join(dir, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const args = ['trace', '--backend', 'ptrace', '-c', '--', 'true'];
    const ended = await asNobody(args, { PATH: `${closed}:${process.env['PATH']}` });
    expect(ended.exitCode).toBe(0);
    expect(ended.stderr).toMatch(/\bexit_group$/m);
  });

  test.for(['ebpf', 'ptrace'])('that segfaults: trace --backend %s ends as it did', async (backend, { skip }) => {
    skip(backend === 'ebpf' && !isRoot, 'ebpf needs root');
    const ended = await tracebench('trace', '--backend', backend, '-c', '--', CALLS_PROGRAM, 'segfault', '17');
    expect(ended.exitCode).toBe(139);
    expect(ended.stderr).toMatch(/^ +17 +getppid$/m);
  });

  test('that segfaults as the workload of a study: every row says so', async () => {
    const out = join(dir, 'segfault');
    const args = ['run', '--backends', 'none,ptrace', '-r', '1', '--out', out];
    const ended = await tracebench(...args, '--', CALLS_PROGRAM, 'segfault', '17');
    expect(ended.exitCode).toBe(0);
    expect(ended.stdout).toMatch(/target-failed\n.*killed by signal 11/);
    for (const cell of studyIn(out).cells) expect(cell.flags.map((flag) => flag.code)).toContain('target-failed');
  });
});

describe.runIf(isRoot)('a machine that lacks something', () => {
  test('no root: none and ptrace run, the others say why', async () => {
    const open = join(dir, 'nobody');
    mkdirSync(open);
    await command('chown', ['65534:65534', open]);
    const out = join(open, 'study');
    const ended = await asNobody(['run', '--backends', 'none,ebpf,ptrace', ...TINY, '--out', out]);
    expect(ended.stderr).toMatch(/^ebpf cannot run here: .*CAP_BPF.*\n {2}mend: run as root/m);
    const study = studyIn(out);
    expect(study.complete).toBe(true);
    expect(study.backends).toContainEqual({
      variant: 'ebpf',
      answer: 'no',
      reason: expect.stringContaining('CAP_BPF'),
      mend: expect.stringContaining('root'),
    });
    expect(new Set(study.cells.map((cell) => cell.variant))).toEqual(new Set(['none', 'ptrace']));
    for (const trial of recordedTrials(out)) expect(trial).toMatchObject({ status: 'completed' });

    expectRefused(await asNobody(['run', '--require', 'ebpf']), 3, /ebpf is required and cannot run here/, /root/);
    expectRefused(await asNobody(['trace', '--', 'true']), 3, /CAP_BPF/, /root/);
    expectRefused(await asNobody(['run', ...TINY, '--out', '/root/study']), 1, /cannot write the study/, /--out/);
  });

  test('no BTF', async () => {
    const ended = await hiding('/sys/kernel/btf', ['run', '--backends', 'ebpf', ...TINY]);
    expectRefused(ended, 3, /no type information \(\/sys\/kernel\/btf\/vmlinux/, /CONFIG_DEBUG_INFO_BTF/);
    const doctor = await hiding('/sys/kernel/btf', ['doctor']);
    expect(doctor.exitCode).toBe(0);
    expect(doctor.stdout).toMatch(/^ {2}ebpf +no/m);
    expect(doctor.stdout).toMatch(/^ {2}ptrace +yes/m);
  });

  test('no BPF object, because there was no clang', async () => {
    const ended = await hiding(BPF_DIR, ['run', '--backends', 'ebpf', ...TINY]);
    expectRefused(ended, 3, /tracebench\.bpf\.o: No such file/, /apt-get install clang.*npm run build/);
    expectRefused(await hiding(BPF_DIR, ['trace', '--', 'true']), 3, /tracebench\.bpf\.o/, /clang/);
  });

  test('a pid namespace', async () => {
    const inside = (...args: string[]) => command('unshare', ['-pf', '--mount-proc', TRACEBENCH, ...args]);
    expectRefused(await inside('trace', '--', 'true'), 3, /inside a pid namespace/, /--pid=host/);
    const traced = await inside('trace', '--backend', 'ptrace', '-c', '--', 'true');
    expect(traced.exitCode).toBe(0);
    expect(traced.stderr).toMatch(/\bexit_group$/m);
  });

  // 4 KiB hold no plan.json, 12 KiB not all trials, and what 64 KiB cannot hold are the reports.
  test.each([
    ['4k', /--out/, []],
    ['12k', /--resume/, ['plan.json', 'trials.ndjson']],
    ['40k', /--resume/, ['plan.json', 'trials.ndjson']],
  ])('a disk of %s', async (size, mend, left) => {
    const disk = join(dir, `disk${size}`);
    const kept = join(dir, `kept${size}`);
    mkdirSync(disk);
    const script =
      'disk=$1 kept=$2 size=$3; shift 3; mount -t tmpfs -o size=$size none "$disk" && "$@"; ' +
      'code=$?; cp -r "$disk/study" "$kept"; exit $code';
    const args = ['run', '--backends', 'none,ebpf', '--workloads', 'null', '-r', '3', '--calls', '1009'];
    const ended = await command('unshare', [
      ...['-m', 'sh', '-c', script, 'sh', disk, kept, size],
      ...[TRACEBENCH, ...args, '--out', join(disk, 'study')],
    ]);
    expectRefused(ended, 1, /cannot write the study to .*ENOSPC/, mend);
    expect(readdirSync(kept).sort()).toEqual(left);
    for (const line of recordedTrials(kept)) trialResultSchema.parse(line);
  });
});

test('a second study is refused while one runs', async () => {
  const out = join(dir, 'first');
  const first = execa(TRACEBENCH, ['run', ...LONG, '--out', out], { reject: false, stdin: 'ignore' });
  const pid = first.pid as number;
  await amid(pid, out, async () => {
    const second = await tracebench('run', ...TINY, '--out', join(dir, 'second'));
    expectRefused(second, 3, new RegExp(`another study is running.*process ${pid} `), new RegExp(`kill ${pid}`));
    expect(existsSync(join(dir, 'second'))).toBe(false);
    first.kill('SIGINT');
    expect((await first).exitCode).toBe(130);
  });
});

describe('a study that is ended early', () => {
  test.each([
    ['SIGINT', 130, 'interrupted (SIGINT)'],
    ['SIGTERM', 143, 'terminated (SIGTERM)'],
    ['SIGHUP', 129, 'the terminal was closed (SIGHUP)'],
  ] as const)('by %s: exit code %i, what was measured is kept', async (signal, exitCode, reason) => {
    const out = join(dir, signal);
    const study = execa(TRACEBENCH, ['run', ...LONG, '--out', out], { reject: false, stdin: 'ignore' });
    await amid(study.pid as number, out, async () => {
      study.kill(signal);
      const ended = await study;
      expect(ended.exitCode).toBe(exitCode);
      expect(ended.stderr).toContain(`./tracebench run --resume ${out}`);
    });
    expectMarkedIncomplete(out, reason);
  });

  // What npm itself ends with is npm's; the study must hear of it, and end as if it had been told.
  test.each([
    ['SIGINT to its group, as Ctrl-C does', 'SIGINT', 'group'],
    ['SIGTERM to its group', 'SIGTERM', 'group'],
    ['SIGTERM to npm', 'SIGTERM', 'npm'],
    ['SIGHUP to npm', 'SIGHUP', 'npm'],
    ['SIGKILL to npm', 'SIGKILL', 'npm'],
  ] as const)('npm start: %s', async (_name, signal, whom) => {
    const out = join(dir, `${whom}-${signal}`);
    const { pid, exit } = npmStart(out);
    await amid(pid, out, async () => {
      process.kill(whom === 'group' ? -pid : pid, signal);
      const exitCode = await exit;
      if (signal === 'SIGINT') expect(exitCode).toBe(130);
    });
    expectMarkedIncomplete(out, null);
  });

  test('npm start: SIGKILL to its whole group leaves what was recorded, and no result', async () => {
    const out = join(dir, 'all-killed');
    const { pid, exit } = npmStart(out);
    await amid(pid, out, async () => {
      process.kill(-pid, 'SIGKILL');
      await exit;
    });
    expect(readdirSync(out).sort()).toEqual(['plan.json', 'trials.ndjson']);
    for (const line of recordedTrials(out)) trialResultSchema.parse(line);
  });

  test('npm start: its terminal is closed', async () => {
    const out = join(dir, 'terminal');
    const line = `npm start -- ${LONG.join(' ')} --out ${out}`;
    const terminal = spawn('script', ['-qec', line, '/dev/null'], {
      cwd: projectRoot,
      detached: true,
      stdio: 'ignore',
    });
    await amid(terminal.pid as number, out, async () => {
      // The master side of the pseudo-terminal goes with it; the kernel hangs the other side up.
      terminal.kill('SIGKILL');
    });
    expectMarkedIncomplete(out, null);
  });
});

function npmStart(out: string): { pid: number; exit: Promise<number | null> } {
  const npm = spawn('npm', ['start', '--', ...LONG, '--out', out], {
    cwd: projectRoot,
    detached: true,
    stdio: 'ignore',
  });
  return { pid: npm.pid as number, exit: new Promise((resolve) => npm.once('exit', resolve)) };
}

/** Has `end` end the study in `out` while it measures; none of its processes may be left. A test that fails leaves none either. */
async function amid(pid: number, out: string, end: () => Promise<void>): Promise<void> {
  let tree = treeOf(pid);
  try {
    await untilTrials(out, 4);
    tree = treeOf(pid);
    await end();
    await until(() => stillRunning(tree).length === 0, END_MS);
    expect(stillRunning(tree)).toEqual([]);
  } finally {
    for (const left of stillRunning([...tree, ...treeOf(pid)])) process.kill(left.pid, 'SIGKILL');
  }
}

/** result.json is there and says that it is not all; every line of trials.ndjson is a trial. */
function expectMarkedIncomplete(out: string, reason: string | null): void {
  const study = studyIn(out);
  expect(study.complete).toBe(false);
  expect(study.incompleteReason).toMatch(/./);
  if (reason !== null) expect(study.incompleteReason).toBe(reason);
  expect(readFileSync(join(out, 'trials.ndjson'), 'utf8')).toMatch(/\n$/);
  for (const line of recordedTrials(out)) trialResultSchema.parse(line);
  expect(readdirSync(out).filter((name) => name.endsWith('.part'))).toEqual([]);
}

function studyIn(out: string) {
  return studySchema.parse(JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')));
}

function asNobody(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const program = join(shared, basename(TRACEBENCH));
  const words = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', program, ...args];
  return overmounted(projectRoot, shared, words, { cwd: '/', env: { HOME: '/nonexistent', ...env } });
}

/** With an empty folder over `path`. */
function hiding(path: string, args: readonly string[]): Promise<Ended> {
  return overmounted(empty, path, [TRACEBENCH, ...args]);
}

/** With `from` over `path`, in a mount namespace of its own. */
function overmounted(from: string, path: string, words: readonly string[], options: Options = {}): Promise<Ended> {
  const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
  return command('unshare', ['-m', 'sh', '-c', script, 'sh', from, path, ...words], options);
}
