/** Real commands under every backend: counts against strace and perf stat; a compile and a Node script call by call. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { backends } from '../../backends/index.ts';
import { OWN_HOST } from '../../harness/host/host.ts';
import { JOINT_PROGRAM, runJointTrial } from '../../harness/reference/joint-process.ts';
import { probeVariant } from '../../harness/session/probe.ts';
import { runUnderVariant } from '../../harness/trace/run.ts';
import { withTracefs } from '../a/cost.ts';
import { countsAgainstStrace, steadyCommands } from '../a/strace-counts.ts';
import { type Check, exactly, type Line } from '../check.ts';

const COMMITS = 20;
const TIMEOUT_MS = 60_000;
const JOINT = { entry: JOINT_PROGRAM, host: OWN_HOST };

export const commandCounts: Check = {
  name: 'command-counts',
  title: 'find, tar, git log: counts of all backends, strace and perf stat; gcc and node: equal to the reference',
  async run({ scratch: root, say }) {
    const variants: string[] = [];
    for (const { name, variants: of } of backends) {
      if (of[0]?.capabilities.delivers === 'records' && (await probeVariant(name)).answer === 'yes')
        variants.push(name);
    }
    const commands = { ...steadyCommands(root), 'git log': ['git', '-C', await repository(root), 'log', '--stat'] };
    return [
      ...(await countsAgainstStrace(commands, variants, root, say)),
      ...(await countsAgainstPerfStat(commands)),
      ...(await jointly(
        root,
        variants.filter((id) => id !== 'ebpf'),
        say,
      )),
    ];
  },
};

/** perf stat counts entries of the whole tree; from the execve on, whose own entry came before. */
async function countsAgainstPerfStat(commands: Record<string, readonly string[]>): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [name, argv] of Object.entries(commands)) {
    const words = withTracefs('perf', 'stat', '-x,', '-e', 'raw_syscalls:sys_enter', '--', ...argv);
    const run = await execa(words[0] as string, words.slice(1), {
      timeout: TIMEOUT_MS,
      stdin: 'ignore',
      stdout: 'ignore',
    });
    const theirs = Number(/^(\d+),.*raw_syscalls:sys_enter/m.exec(run.stderr)?.[1]);
    const counted = await runUnderVariant({
      variant: 'ebpf/count',
      argv,
      filter: null,
      bufferBytes: 1 << 20,
      user: null,
      stdio: 'null',
      deadlineMs: TIMEOUT_MS,
      onBatch: () => {},
    });
    const ours = (counted.counts ?? []).reduce((sum, c) => sum + c.count, 0);
    lines.push(
      exactly(
        `command-counts: ${name}, ${ours} entries by ebpf/count, less perf stat's and the first execve`,
        ours - theirs - 1,
        0,
        'calls',
      ),
    );
  }
  return lines;
}

async function jointly(root: string, variants: readonly string[], say: (text: string) => void): Promise<Line[]> {
  const source = join(root, 'a.c');
  writeFileSync(source, '#include <stdio.h>\nint main(void) { return puts("good morning") < 0; }\n');
  const script = "require('fs').readdirSync('/usr/share').length; setTimeout(() => {}, 20)";
  const programs = { gcc: ['gcc', '-O2', '-o', join(root, 'a.out'), source], node: [process.execPath, '-e', script] };
  const lines: Line[] = [];
  for (const [name, argv] of Object.entries(programs)) {
    for (const variant of variants) {
      const result = await runJointTrial(
        JOINT,
        {
          workload: { kind: 'application', name, argv },
          reference: 'ebpf',
          counter: 'ebpf/count',
          variant,
          bufferBytes: 64 << 20,
          filter: null,
          user: null,
          deadlineMs: TIMEOUT_MS,
          mostRecords: 1_000_000,
          shown: 3,
        },
        new AbortController().signal,
      );
      const equal = result.status === 'completed' && result.verdict === 'equal';
      const note =
        result.status === 'failed'
          ? result.error.message
          : [...result.reasons, ...(result.content?.differences ?? []).map((d) => `${d.reference} | ${d.other}`)].join(
              '; ',
            );
      const calls =
        result.status === 'completed' ? `${result.issued} calls issued, ${result.otherCalls} seen` : 'failed';
      lines.push(
        exactly(
          `command-counts: ${name}, ${variant} beside ebpf and ebpf/count: ${calls}, equal`,
          equal ? 1 : 0,
          1,
          'run',
          note,
        ),
      );
      say(`command-counts ${name} ${variant}`);
    }
  }
  return lines;
}

async function repository(root: string): Promise<string> {
  const folder = join(root, 'repository');
  const git = (...args: string[]) => execa('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  await execa('git', ['init', '-q', folder]);
  for (let n = 0; n < COMMITS; n++) {
    writeFileSync(join(folder, `file-${n % 7}`), `${n}\n`.repeat(n + 1));
    await git('add', '.');
    await git('commit', '-q', '-m', `commit ${n}`);
  }
  return folder;
}
