/** The real command line as a child process: what it prints where, and with which exit code. Needs `npm run build`. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distDir } from '../../harness/paths.ts';

const cli = join(distDir, 'harness', 'cli.js');
let dir: string;

beforeAll(() => {
  if (!existsSync(cli)) throw new Error(`${cli} is missing: npm run build`);
  dir = mkdtempSync(join(tmpdir(), 'tb-cli-'));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const tracebench = (...args: string[]) =>
  execa(process.execPath, [cli, ...args], { reject: false, stdin: 'ignore', cwd: dir });

describe('the command line', () => {
  it('has help and a version', async () => {
    const help = await tracebench('--help');
    expect(help.exitCode).toBe(0);
    for (const command of ['doctor', 'list', 'trace', 'run', 'explain', 'compare'])
      expect(help.stdout).toContain(`  ${command}`);
    expect(help.stdout).toMatch(/Exit codes:[\s\S]*3 +the machine cannot/);
    expect(help.stderr).toBe('');
    expect((await tracebench('--version')).stdout).toMatch(/^\d+\.\d+\.\d+$/);
    expect((await tracebench('run', '--help')).stdout).toContain('--dry-run');
  });

  it.each([
    [[], 2, /there is no command/, /\.\/tracebench --help/],
    [['frobnicate'], 2, /unknown command 'frobnicate'/, /\.\/tracebench --help/],
    [['run', '--backend', 'ebpf'], 2, /unknown option '--backend'.*--backends/, /\.\/tracebench run --help/],
    [['run', '--profile', 'quik'], 2, /quick, ci, full/, /run --help/],
    [['run', '--rounds', '0'], 2, /--rounds: '0' is not a whole number of at least 1/, /--rounds 10/],
    [['run', '--rounds', '-5'], 2, /'-5'/, /./],
    [['run', '--calls', 'many'], 2, /--calls: 'many'/, /./],
    [['run', '--buffer', '8MB'], 2, /--buffer: '8MB' is not a size/, /8MiB/],
    [['run', '--buffer', '1KiB'], 2, /below .*one page/, /8MiB/],
    [['run', '--buffer', '90000GiB'], 2, /a quarter of this machine's memory/, /at most/],
    [['run', '--in-flight', '0'], 2, /--in-flight: '0' is not a whole number of at least 1/, /--in-flight 10/],
    [['run', '--in-flight', '-1'], 2, /--in-flight: '-1'/, /./],
    [['run', '--in-flight', '10k'], 2, /--in-flight: '10k'/, /./],
    [['run', '--in-flight', '1e12'], 2, /--in-flight: '1e12'/, /./],
    [
      ['run', '--backends', 'ebpf', '--in-flight', '1000000000000'],
      2,
      /takes .* under ebpf, more than a quarter of this machine's memory/,
      /give fewer/,
    ],
    [['run', '--until-half-width', '0'], 2, /no number of rounds brings an interval to 0/, /--until-half-width 2%/],
    [['run', '--detail', 'all'], 2, /paths/, /run --help/],
    [['run', '--idle', 'maybe'], 2, /native, busy/, /run --help/],
    [['run', '--wakeup', 'timer:0'], 2, /--wakeup: 'timer:0' is no wake-up policy/, /timer:N .*adaptive.*watermark:N/],
    [['run', '--wakeup', 'watermark:7'], 2, /'watermark:7'/, /at least 96: one record/],
    [['run', '--wakeup', 'nonsense'], 2, /'nonsense'/, /timer:N/],
    [
      ['run', '--backends', 'ebpf/ringbuf', '--wakeup', 'watermark:64000000'],
      2,
      /more than the 8 MiB of buffer that one CPU reaches under ebpf\/ringbuf/,
      /smaller watermark/,
    ],
    [['run', '--backends', 'epbf'], 2, /no backend or variant 'epbf'/, /did you mean ebpf/],
    [['run', '--backends', 'ebpf,,none'], 2, /empty name/, /commas/],
    [['run', '--workloads', 'nul'], 2, /no workload 'nul'/, /did you mean null/],
    [['run', '-e', 'opneat'], 2, /'opneat'/, /openat/],
    [['run', '--plan', '/nonexistent'], 2, /plan file cannot be read/, /--plan/],
    [['run', '--user', 'nobody-of-that-name'], 2, /no user 'nobody-of-that-name'/, /getent/],
    [['run', '--resume', '/nonexistent', '--rounds', '3'], 2, /takes no --rounds/, /leave it out/],
    [['run', '--', 'no-such-command-here'], 2, /'no-such-command-here' does not exist in PATH/, /spelling/],
    [['run', '--', './no-such-file'], 2, /'\.\/no-such-file' does not exist/, /whole path/],
    [['run', '--', '/etc/passwd'], 2, /may not be executed/, /chmod \+x/],
    [['run', '--'], 2, /no command given after --/, /-- COMMAND/],
    [['trace'], 2, /no command to trace/, /trace -- CMD/],
    [['trace', '--backend', 'nope', '--', 'true'], 2, /nope/, /none/],
    [['profile'], 2, /nothing to profile/, /--pid N/],
    [['profile', '--pid', '1', '--', 'true'], 2, /each name what is profiled/, /--cgroup PATH/],
    [['profile', '--pid', '1'], 2, /process 1 .* would be profiled with it/, /does not descend from/],
    [['profile', '--pid', '4194304'], 2, /no process 4194304/, /pgrep/],
    [['profile', '--for', '1h', '--', 'true'], 2, /more than the 262144 that are kept/, /--window 14ms/],
    [['profile', '--cgroup', '/no/such/group'], 2, /no control group \/no\/such\/group/, /find .* -type d/],
    [['capacity', '--profile', 'x'], 2, /--profile belongs to a demand/, /--plan/],
    [['capacity', '--plan', 'x', '--profile', 'x', '--rate', '1k'], 2, /says what comes, and so do/, /one of the two/],
    [['list', '--', 'true'], 2, /only run, trace and profile take a command/, /--help/],
    [['explain', 'null/1/none', '--study', '/nonexistent'], 2, /holds no finished study/, /folder of a finished study/],
  ] as [string[], number, RegExp, RegExp][])('refuses %j with exit code %i', async (args, exitCode, message, mend) => {
    const ended = await tracebench(...args);
    expect(ended.stderr).toMatch(/^tracebench: /);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr.split('\n').find((line) => line.startsWith('mend: '))).toMatch(mend);
    expect(ended.stdout).toBe('');
    expect(ended.exitCode).toBe(exitCode);
  });

  it('names the place in a malformed plan file', async () => {
    const plan = join(dir, 'plan.yaml');
    writeFileSync(plan, 'profile: quick\nrouds: 3\nbackends: ebpf\n');
    const ended = await tracebench('run', '--plan', plan);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(/Unrecognized key: "rouds"/);
    expect(ended.stderr).toMatch(/at backends/);
    expect(ended.stderr).toMatch(/mend: did you mean rounds\?/);
  });

  it('refuses a folder that holds something', async () => {
    writeFileSync(join(dir, 'mine.txt'), 'x');
    const ended = await tracebench('run', '--out', dir);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(/is not empty/);
    expect(readdirSync(dir)).toContain('mine.txt');
  });

  it('says an error as one JSON document', async () => {
    const ended = await tracebench('--json', 'run', '--backends', 'epbf');
    expect(JSON.parse(ended.stdout)).toEqual({
      error: {
        exitCode: 2,
        code: 'USAGE',
        message: expect.stringMatching(/epbf/),
        mend: expect.stringMatching(/ebpf/),
      },
    });
    expect(ended.exitCode).toBe(2);
  });

  it('lists backends and workloads', async () => {
    const text = await tracebench('list');
    expect(text.stdout).toMatch(/^backend +delivers/m);
    const { backends, workloads } = JSON.parse((await tracebench('list', '--json')).stdout);
    expect(backends.map((row: { id: string }) => row.id)).toEqual(expect.arrayContaining(['none', 'ebpf', 'ptrace']));
    expect(backends[0].id).toBe('none');
    expect(workloads.map((row: { name: string }) => row.name)).toEqual(
      expect.arrayContaining(['null', 'file', 'exec']),
    );
    for (const { id } of backends) expect(text.stdout).toContain(id);
    expect(text.stdout).toMatch(/^ptrace .* at entry /m);
    expect(text.stdout).toMatch(/^ftrace .*raw_syscalls events carry registers/m);
  });

  it('expands a plan without running it', async () => {
    const before = readdirSync(dir);
    const args = [
      'run',
      '--dry-run',
      '--backends',
      'none',
      '--workloads',
      'null',
      '--seed',
      '42',
      '--out',
      join(dir, 'new'),
    ];
    const { plan, predictedMs } = JSON.parse((await tracebench(...args, '--json')).stdout);
    expect(plan).toMatchObject({ profile: 'quick', seed: 42, backends: ['none'], rounds: 6 });
    expect(predictedMs).toBeGreaterThan(0);
    const text = await tracebench(...args);
    for (const { cellId } of plan.cells) expect(text.stdout).toContain(cellId);
    expect(text.stdout).toMatch(/nothing was run/);
    expect(readdirSync(dir)).toEqual(before);
  });
});

describe('being stopped', () => {
  /** A process that waits with watchForStop and prints why it was stopped. */
  const waiting = `
    const { watchForStop } = await import(${JSON.stringify(join(distDir, 'harness', 'stop.js'))});
    const stop = watchForStop((again) => { console.log('again', again.exitCode); process.exit(again.exitCode); });
    stop.signal.addEventListener('abort', () => {
      console.log('stopped', stop.reason().exitCode, stop.reason().text);
      if (process.argv[1] !== 'stay') setTimeout(() => process.exit(stop.reason().exitCode), 10);
    });
    setInterval(() => {}, 1000);
    console.log('ready', process.pid);
  `;

  const wait = (mode: string) =>
    execa(process.execPath, ['--input-type=module', '-e', waiting, mode], { reject: false });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s is exit code %i', async (signal, exitCode) => {
    const child = wait('go');
    child.stdout.once('data', () => child.kill(signal));
    const ended = await child;
    expect(ended.stdout).toMatch(new RegExp(`stopped ${exitCode} .*\\(${signal}\\)`));
    expect(ended.exitCode).toBe(exitCode);
  });

  it('ends at once at the second signal', async () => {
    const child = wait('stay');
    child.stdout.once('data', () => {
      child.kill('SIGINT');
      setTimeout(() => child.kill('SIGINT'), 700);
    });
    const ended = await child;
    expect(ended.stdout).toMatch(/stopped 130[\s\S]*again 130/);
    expect(ended.exitCode).toBe(130);
  });

  it('notices that its parent was killed', async () => {
    // sh starts it in the background and is killed: nobody sends it a signal.
    const parent = execa('sh', ['-c', '"$0" --input-type=module -e "$1" go & wait', process.execPath, waiting], {
      reject: false,
    });
    const lines: string[] = [];
    parent.stdout.on('data', (chunk: Buffer) => {
      lines.push(String(chunk));
      if (String(chunk).includes('ready')) parent.kill('SIGKILL');
    });
    await parent;
    expect(lines.join('')).toMatch(/stopped 143 the process that started it has died/);
  });
});
