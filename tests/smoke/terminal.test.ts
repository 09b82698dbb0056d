/** At a terminal, which `script` lends. */
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { statOf, statusLine, treeOf, until } from '../fixtures/processes.ts';
import { TRACEBENCH } from './cli.ts';

test('a traced command reads from the terminal as if it were not traced', async () => {
  const words = `${TRACEBENCH} trace --backend ptrace -e read -- head -n 1`;
  const run = execa('script', ['-qfec', words, '/dev/null'], { stdin: 'pipe', reject: false, timeout: 30_000 });
  // The line comes only once head waits for it: it sleeps nowhere else.
  const waits = (): boolean =>
    treeOf(run.pid as number).some(({ pid }) => statusLine(pid, 'Name') === 'head' && statOf(pid)?.state === 'S');
  expect(await until(waits, 20_000)).toBe(true);
  run.stdin.write('good morning\n');
  const { exitCode, stdout } = await run;
  expect(stdout).toMatch(/read\(0, 0x[0-9a-f]+, \d+\) = 13\r?\n/);
  expect(stdout).not.toMatch(/EAGAIN/);
  expect(exitCode).toBe(0);
});
