/** A native helper's process has an owner on every path: also when what it says cannot be read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { binDir } from '../../harness/paths.ts';
import { Helper } from '../../harness/session/helper.ts';

const dir = mkdtempSync(join(tmpdir(), 'tb-helper-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A program that says one line and ends with 7 at the end of its command pipe. */
function saying(line: string): Helper {
  const path = join(dir, 'helper');
  writeFileSync(path, `#!/bin/sh\necho '${line}' >&4\ncat <&3 >/dev/null\nexit 7\n`, { mode: 0o755 });
  return new Helper(relative(binDir, path), [], -1);
}

test('one that says what is not JSON is ended, and reaped once', async () => {
  const helper = saying('what?');
  await expect(helper.next()).rejects.toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining('what?') });
  expect(() => process.kill(helper.pid, 0)).toThrow('ESRCH');
  // Its owner, who does not know, ends it again: nobody else is waited for, and nobody is killed.
  await helper.end();
  expect(await helper.reap()).toEqual({ code: 7, signal: null });
});

test('one that is understood runs until it is released', async () => {
  const helper = saying('{"event":"ready"}');
  expect(await helper.next()).toEqual({ event: 'ready' });
  process.kill(helper.pid, 0);
  await helper.end();
  expect(await helper.reap()).toEqual({ code: 7, signal: null });
});
