/** `trace -c` against `strace -f -c`, call by call, on commands that do the same each time. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { findVariant } from '../../backends/index.ts';
import { runUnderVariant } from '../../harness/trace/run.ts';
import { compareWithStrace, parseStraceSummary, unexplained } from '../../harness/trace/strace.ts';
import { TallyCounter } from '../../harness/trace/tally.ts';
import { type Check, exactly, type Line } from '../check.ts';

const TIMEOUT_MS = 60_000;
const BUFFER_BYTES = 32 << 20;

/** 12 folders of 25 small files, the same bytes each time. */
function makeTree(root: string): string {
  const tree = join(root, 'tree');
  for (let d = 0; d < 12; d++) {
    mkdirSync(join(tree, `folder-${d}`), { recursive: true });
    for (let f = 0; f < 25; f++) writeFileSync(join(tree, `folder-${d}`, `file-${f}`), `${d} ${f}\n`.repeat(f + 1));
  }
  return tree;
}

async function straceSummary(argv: readonly string[], summary: string): Promise<string> {
  const args = ['-f', '-c', '-U', 'name,calls,errors', '-o', summary, ...argv];
  await execa('strace', args, { timeout: TIMEOUT_MS, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' });
  return (await execa('cat', [summary])).stdout;
}

/** Commands that make the same calls each time, by name; they write below `root` only. */
export function steadyCommands(root: string): Record<string, string[]> {
  const tree = makeTree(root);
  return {
    find: ['find', tree, '-name', 'file-1*', '-size', '-4k'],
    tar: ['tar', '-cf', join(root, 'archive.tar'), '-C', root, 'tree'],
  };
}

/** Each command once under strace and once under each variant: a line for each. */
export async function countsAgainstStrace(
  commands: Record<string, readonly string[]>,
  variants: readonly string[],
  root: string,
  say: (text: string) => void,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [name, argv] of Object.entries(commands)) {
    const strace = parseStraceSummary(await straceSummary(argv, join(root, 'summary')));
    for (const variant of variants) {
      const counter = new TallyCounter();
      const { placement } = findVariant(variant).variant;
      const same = placement === 'same';
      const run = await runUnderVariant({
        variant,
        argv,
        filter: null,
        bufferBytes: BUFFER_BYTES,
        user: null,
        stdio: 'null',
        deadlineMs: TIMEOUT_MS,
        workloadCpus: same ? [0] : null,
        collectorCpus: same ? [0] : null,
        onBatch: (batch) => counter.addBatch(batch),
      });
      if (run.exitCode !== 0 || run.bridgeLostRecords > 0)
        throw new Error(`${name} under ${variant} did not run whole`);
      const tally = counter.result();
      const differences = compareWithStrace(tally, strace);
      const classes = differences.map(
        (d) => `${d.name} ${d.what} ${d.ours - d.strace} (${d.parts.map((p) => p.class)})`,
      );
      lines.push(
        exactly(
          `strace-counts: ${name}, ${variant}: differences unexplained among ${tally.calls} calls of ${tally.entries.length} kinds`,
          unexplained(differences).length,
          0,
          'differences',
          classes.join('; ') || 'equal',
        ),
      );
      say(`strace-counts ${name} ${variant}`);
    }
  }
  return lines;
}

export const straceCounts: Check = {
  name: 'strace-counts',
  title: 'trace -c of find and of tar equals strace -f -c after normalisation, call by call',
  run: ({ scratch, say }) => countsAgainstStrace(steadyCommands(scratch), ['ebpf', 'ptrace'], scratch, say),
};
