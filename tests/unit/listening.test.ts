import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { listens } from '../../harness/applications/listening.ts';

const directory = mkdtempSync(join(tmpdir(), 'tb-listening-'));
let server: Server;
afterEach(() => void server.close());
afterAll(() => rmSync(directory, { recursive: true }));

it('knows a port of the process itself from that of another', async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  expect(listens(process.pid, { port })).toBe(true);
  expect(listens(process.ppid, { port })).toBe(false);
  await new Promise((resolve) => server.close(resolve));
  expect(listens(process.pid, { port })).toBe(false);
  expect(listens(2 ** 22 + 1, { port })).toBe(false);
});

it('knows a socket by the name that it was bound to', async () => {
  const path = join(directory, 'socket');
  server = createServer();
  expect(listens(process.pid, { path })).toBe(false);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(listens(process.pid, { path })).toBe(true);
  expect(listens(process.pid, { path: 'socket' })).toBe(false);
  expect(listens(process.ppid, { path })).toBe(false);
});
