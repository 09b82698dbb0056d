import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findProgram, lackOf } from '../../harness/applications/programs.ts';
import { TracebenchError } from '../../harness/errors.ts';
import { applications, findApplication, packages } from '../../workloads/applications/index.ts';
import { requestsPerSecond } from '../../workloads/applications/nginx.ts';
import { donePerSecond } from '../../workloads/applications/printed.ts';
import { operationsPerSecond } from '../../workloads/applications/redis.ts';
import { TREE_MB } from '../../workloads/applications/tar.ts';
import { makeTree, TREE_FILES } from '../../workloads/applications/tree.ts';
import { workloads } from '../../workloads/index.ts';

/** As wrk 4.1.0 printed it. */
const WRK = `Running 1s test @ http://127.0.0.1:18181/index.html
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   288.55us   68.90us   1.52ms   79.97%
    Req/Sec    27.37k   345.64    27.86k    60.00%
  27182 requests in 1.00s, 6.09MB read
Requests/sec:  27153.49
Transfer/sec:      6.09MB
`;
/** The same of a page that is not there. */
const WRK_MISSING = WRK.replace(/^Requests/m, '  Non-2xx or 3xx responses: 27188\nRequests');
const WRK_BROKEN = WRK.replace(/^Requests/m, '  Socket errors: connect 0, read 3, write 0, timeout 0\nRequests');

const REDIS_HEAD =
  '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n';
/** As redis-benchmark 7.0.15 printed it; the head alone is what it prints without a server. */
const REDIS = `${REDIS_HEAD}"SET","39603.96","0.139","0.024","0.103","0.167","0.327","80.575"\n`;

/** As where trials put them: thousands of files a test. */
const ROOM = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(ROOM, 'tb-applications-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('figures of merit', () => {
  it('are read from what the programs print', () => {
    expect(requestsPerSecond(WRK)).toBe(27153.49);
    expect(operationsPerSecond(REDIS)).toBe(39603.96);
    expect(donePerSecond('tb-mill')('{"done":15000,"durationNs":221259497,"reads":7465}\n')).toBeCloseTo(67793.7, 2);
  });

  it.each([
    ['wrk without an answer', () => requestsPerSecond(''), /^wrk printed no figure of merit$/],
    ['wrk with refusals', () => requestsPerSecond(WRK_MISSING), /wrk met with errors: Non-2xx or 3xx responses: 27188/],
    [
      'wrk with broken connections',
      () => requestsPerSecond(WRK_BROKEN),
      /wrk met with errors: Socket errors: .*read 3/,
    ],
    ['wrk that made nothing', () => requestsPerSecond(WRK.replace('27153.49', '0.00')), /wrk printed no figure/],
    [
      'redis-benchmark without a server',
      () => operationsPerSecond(REDIS_HEAD),
      /redis-benchmark printed no .*: "test"/,
    ],
    ['a program cut short', () => donePerSecond('tb-mill')('{"done":15000,'), /tb-mill printed no figure of merit/],
  ])('are refused of %s', (_what, read, message) => {
    expect(read).toThrow(TracebenchError);
    expect(read).toThrow(message);
  });
});

describe('the catalogue of applications', () => {
  let treeDigest: string;
  beforeAll(() => {
    const alone = mkdtempSync(join(ROOM, 'tb-tree-'));
    makeTree(alone);
    treeDigest = digestOf(alone);
    rmSync(alone, { recursive: true });
  });

  it('has names of its own, and a package wherever a program is none of ours', () => {
    const names = [...workloads, ...applications].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, programs, argv } of applications) {
      const foreign = programs.filter((program) => !program.includes('/') && program !== 'sh');
      if (foreign.length > 0) expect(packages[name], name).not.toEqual([]);
      expect(programs, name).toContain(argv[0]);
      expect(findApplication(name)?.name).toBe(name);
    }
  });

  it.each(applications.map((application) => [application.name, application] as const))(
    '%s finds the same in every run',
    (_name, application) => {
      const prepared = (run: string): string => {
        const place = { directory: mkdtempSync(join(directory, run)), port: 8080 };
        application.prepare(place);
        return place.directory;
      };
      const first = prepared('a');
      const shared = existsSync(join(first, 'tree'));
      expect(digestOf(first)).toBe(shared ? treeDigest : digestOf(prepared('b')));
      const words = application.server?.load({ directory: '/nowhere', port: 8080 }) ?? [];
      for (const word of [...application.argv, ...words]) expect(word).not.toMatch(/undefined|NaN|\{/);
    },
  );

  it('says how large the tree is', () => {
    expect(makeTree(directory) / 1e6).toBeCloseTo(TREE_MB, 3);
    const files = readdirSync(join(directory, 'tree'), { recursive: true, withFileTypes: true }).filter((e) =>
      e.isFile(),
    );
    expect(files).toHaveLength(TREE_FILES);
    // Files of this second would be read by git, or not, as the clock has it.
    expect(statSync(join(directory, 'tree', 'd0', 'f0.txt')).mtime.getFullYear()).toBe(2020);
  });

  it('configures nginx for its own directory and port', () => {
    findApplication('nginx')?.prepare({ directory, port: 18_181 });
    const text = readFileSync(join(directory, 'nginx.conf'), 'utf8');
    expect(text).toContain('listen 127.0.0.1:18181;');
    expect(text).not.toMatch(/ \//);
    expect(readFileSync(join(directory, 'html', 'index.html'), 'utf8')).toHaveLength(1024);
  });

  it('gives sqlite the transactions that its figure counts', () => {
    findApplication('sqlite')?.prepare({ directory, port: 0 });
    const text = readFileSync(join(directory, 'script.sql'), 'utf8');
    expect(text.match(/^insert/gm)).toHaveLength(2000);
    expect(text.match(/^select/gm)).toHaveLength(1000);
  });
});

/** Names, sizes and contents of all files. */
function digestOf(root: string): string {
  const hash = createHash('sha256');
  for (const name of (readdirSync(root, { recursive: true }) as string[]).sort()) {
    const path = join(root, name);
    hash.update(`${name}\0`);
    if (statSync(path).isFile()) hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

describe('programs of applications', () => {
  it('are looked up over PATH, and where Debian keeps servers', () => {
    const program = join(directory, 'tb-served');
    writeFileSync(program, '');
    expect(findProgram('tb-served', directory)).toBeNull();
    chmodSync(program, 0o755);
    expect(findProgram('tb-served', `/nowhere:${directory}`)).toBe(program);
    expect(findProgram(program, '')).toBe(program);
    expect(findProgram(basename(directory), ROOM)).toBeNull();
    expect(findProgram('chroot', '')).toMatch(/\/sbin\/chroot$/);
  });

  it('that are missing are named, with the packages and the command that has them', () => {
    const nginx = findApplication('nginx') as (typeof applications)[number];
    expect(lackOf(nginx, () => '/bin/x')).toBeNull();
    expect(lackOf(nginx, (name) => (name === 'nginx' ? '/usr/sbin/nginx' : null))).toEqual({
      workload: 'nginx',
      reason: 'wrk is not there (Debian: nginx, wrk)',
      mend: './tracebench setup --contestants',
    });
    const mill = findApplication('mill') as (typeof applications)[number];
    expect(lackOf(mill, () => null)).toMatchObject({
      reason: expect.stringMatching(/tb-mill is not there$/),
      mend: 'npm run build',
    });
  });
});
