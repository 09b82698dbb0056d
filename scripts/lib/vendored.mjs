// The foreign libraries: found, checked against native/vendor.lock.json, built into native/vendor/.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { cpus } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './child.mjs';
import { debianMirrors } from './mirrors.mjs';
import { findHeader } from './needs.mjs';
import { at, cacheDir } from './project.mjs';
import { SetupError, say, size } from './report.mjs';

/** Raise this when a recipe below changes: everyone's native/vendor/ is then built anew. */
const RECIPE = 1;
/** -fPIC because the archives end in shared objects; hidden so that no symbol of theirs is exported from ours. */
const CFLAGS = '-O2 -g -fPIC -fvisibility=hidden';
const VENDOR = at('native', 'vendor');
const STAMP = join(VENDOR, 'stamp.json');
const WORK_PREFIX = 'vendor-';
const DOWNLOAD_TIMEOUT_MS = 120_000;

/** How to build each library from its unpacked source into `out`, and the header without which it cannot be. */
const RECIPES = {
  libbpf: {
    needs: [
      { header: 'gelf.h', package: 'libelf-dev' },
      { header: 'zlib.h', package: 'zlib1g-dev' },
    ],
    product: 'lib/libbpf.a',
    licences: ['LICENSE', 'LICENSE.BSD-2-Clause', 'LICENSE.LGPL-2.1'],
    optional: 'the ebpf backend is not built without it',
    build: buildLibbpf,
  },
  HdrHistogram_c: {
    needs: [{ header: 'zlib.h', package: 'zlib1g-dev' }],
    product: 'lib/libhdr_histogram.a',
    licences: ['LICENSE.txt', 'COPYING.txt'],
    optional: null,
    build: buildHdrHistogram,
  },
};

export function vendorLock() {
  return JSON.parse(readFileSync(at('native', 'vendor.lock.json'), 'utf8')).libraries;
}

/** What can be built here, and why the rest cannot. */
function plan() {
  return vendorLock().map((entry) => {
    const recipe = RECIPES[entry.name];
    if (!recipe) throw new SetupError(`native/vendor.lock.json names ${entry.name}, for which there is no recipe`);
    const missing = recipe.needs.filter((need) => !findHeader(need.header));
    return { entry, recipe, missing };
  });
}

function planKey(libraries) {
  const state = libraries.map(({ entry, missing }) => [entry.name, entry.sha256, missing.map((need) => need.header)]);
  return createHash('sha256')
    .update(JSON.stringify([RECIPE, CFLAGS, process.arch, state]))
    .digest('hex');
}

/** True when native/vendor/ is what the lock asks for. */
function isFresh(libraries) {
  try {
    if (JSON.parse(readFileSync(STAMP, 'utf8')).key !== planKey(libraries)) return false;
    return libraries.every(({ recipe, missing }) => missing.length > 0 || existsSync(join(VENDOR, recipe.product)));
  } catch {
    return false;
  }
}

/**
 * Makes native/vendor/ what the lock asks for; does nothing when it is.
 * @returns true when something was built
 */
export async function vendor({ from = null, force = false } = {}) {
  const libraries = plan();
  for (const { entry, recipe, missing } of libraries) {
    if (missing.length === 0) continue;
    const what = missing.map((need) => `${need.header} (package ${need.package})`).join(' and ');
    if (!recipe.optional) {
      throw new SetupError(`${entry.name} ${entry.version} cannot be built`, {
        why: `missing: ${what}`,
        mend: `install ${missing.map((need) => need.package).join(' ')}, then run the command again`,
        code: 3,
      });
    }
  }
  if (!force && isFresh(libraries)) return false;
  for (const { entry, recipe, missing } of libraries) {
    if (missing.length > 0) {
      say(
        `vendor: ${entry.name} left out, ${missing.map((need) => need.header).join(' and ')} missing: ${recipe.optional}`,
      );
    }
  }

  mkdirSync(at('build'), { recursive: true });
  removeLeftovers();
  const work = mkdtempSync(at('build', WORK_PREFIX));
  try {
    const out = join(work, 'out');
    mkdirSync(join(out, 'lib'), { recursive: true });
    mkdirSync(join(out, 'include'), { recursive: true });
    for (const { entry, recipe, missing } of libraries) {
      if (missing.length > 0) continue;
      const tarball = await obtain(entry, from, work);
      const source = await extract(entry, tarball, work);
      const started = Date.now();
      await recipe.build(source, out, work);
      keepLicences(entry, recipe, source, out);
      say(`vendor: built ${entry.name} ${entry.version} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    }
    const built = libraries.filter(({ missing }) => missing.length === 0).map(({ entry }) => entry.name);
    writeFileSync(join(out, 'stamp.json'), `${JSON.stringify({ key: planKey(libraries), built }, null, 2)}\n`);
    swapIn(out, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return true;
}

/** Of builds that were killed; the set-up's lock says that none is at work. */
function removeLeftovers() {
  for (const name of readdirSync(at('build'))) {
    if (name.startsWith(WORK_PREFIX)) rmSync(at('build', name), { recursive: true, force: true });
  }
}

/** Two renames instead of a copy: whoever looks sees the old tree or the new one. */
function swapIn(out, work) {
  if (existsSync(VENDOR)) renameSync(VENDOR, join(work, 'replaced'));
  renameSync(out, VENDOR);
}

/** The tarball as a local file whose checksum is right. Sources are tried in order; each failure is named. */
async function obtain(entry, from, work) {
  const file = basename(entry.pool);
  const failures = [];
  const attempt = async (name, get) => {
    try {
      const path = await get();
      const found = sha256(path);
      if (found === entry.sha256) return path;
      failures.push(`${name}: wrong checksum ${found} (${size(statSync(path).size)})`);
    } catch (error) {
      failures.push(`${name}: ${error.message}`);
    }
    return null;
  };
  const failed = () =>
    new SetupError(`${entry.name} ${entry.version} could not be had`, {
      why: [`wanted: ${file}, sha256 ${entry.sha256}`, ...failures].join('\n'),
      mend:
        `put ${file} (from ${entry.pool} of any Debian mirror) somewhere and set ${entry.env}=/path/to/it ` +
        `(a URL will do too), or run: npm run vendor -- --from DIRECTORY`,
    });

  if (from) {
    // Asked for by name: the network stays untouched even when the file is bad.
    const path = await attempt(join(from, file), () => mustExist(join(from, file)));
    if (path) return path;
    throw failed();
  }
  const named = process.env[entry.env];
  if (named) {
    const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(named);
    const get = isUrl ? () => download(named, join(work, file)) : () => mustExist(named);
    const path = await attempt(`${entry.env}=${named}`, get);
    if (path) return path;
    // A stated source that fails is an error, not a hint to look elsewhere.
    throw failed();
  }
  const cache = cacheDir();
  const cached = cache ? join(cache, file) : null;
  if (cached && existsSync(cached)) {
    const path = await attempt(cached, () => mustExist(cached));
    if (path) return path;
  }
  const { mirrors, why } = await debianMirrors();
  if (mirrors.length === 0) failures.push(`mirrors of apt: ${why}`);
  else say(`vendor: fetching ${entry.name} ${entry.version} (${size(entry.bytes)}) from the mirrors apt uses`);
  for (const mirror of mirrors) {
    const url = `${mirror}/${entry.pool}`;
    const path = await attempt(url, () => download(url, join(work, file), entry.sha256));
    if (!path) continue;
    if (cached) keepInCache(path, cache, cached);
    return path;
  }
  throw failed();
}

function mustExist(path) {
  if (!existsSync(path)) throw new Error('no such file');
  return path;
}

function sha256(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

const APT_HELPER = '/usr/lib/apt/apt-helper';

/** apt's own downloader where it is: it knows the machine's proxies and certificates. Else fetch. */
async function download(url, path, hash = null) {
  if (url.startsWith('file://')) {
    copyFileSync(mustExist(fileURLToPath(url)), path);
    return path;
  }
  let aptSaid = '';
  if (existsSync(APT_HELPER)) {
    const args = ['download-file', url, path, ...(hash ? [`SHA256:${hash}`] : [])];
    const result = await run(APT_HELPER, ['-o', 'Acquire::Retries=2', '-o', 'Acquire::http::Timeout=30', ...args]);
    if (result.code === 0 && existsSync(path)) return path;
    const lines = `${result.stderr}${result.stdout}`.trim().split('\n');
    aptSaid = lines.findLast((line) => line.startsWith('E:')) ?? lines.at(-1) ?? '';
  }
  let response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
  } catch (error) {
    const reason = error.cause?.message ?? error.message;
    throw new Error(aptSaid ? `${reason}; apt: ${aptSaid}` : reason);
  }
  if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`);
  writeFileSync(path, Buffer.from(await response.arrayBuffer()));
  return path;
}

/** A cache that cannot be written costs a download later, nothing now. */
function keepInCache(path, dir, target) {
  try {
    mkdirSync(dir, { recursive: true });
    copyFileSync(path, `${target}.${process.pid}`);
    renameSync(`${target}.${process.pid}`, target);
  } catch (error) {
    say(`vendor: not kept in ${dir}: ${error.message}`);
  }
}

/** Unpacks into a directory of its own and returns the single directory inside. */
async function extract(entry, tarball, work) {
  const dir = join(work, `${entry.name}-source`);
  mkdirSync(dir);
  await must(`unpacking ${basename(tarball)}`, 'tar', ['-xzf', tarball, '-C', dir, '--no-same-owner']);
  const inside = readdirSync(dir);
  if (inside.length !== 1) {
    throw new SetupError(`${basename(tarball)} is not laid out as expected`, { why: `it holds ${inside.join(', ')}` });
  }
  return join(dir, inside[0]);
}

function keepLicences(entry, recipe, source, out) {
  const dir = join(out, 'licences', entry.name);
  mkdirSync(dir, { recursive: true });
  for (const name of recipe.licences) copyFileSync(join(source, name), join(dir, name));
}

async function buildLibbpf(source, out, work) {
  await must('building libbpf', 'make', [
    '-C',
    join(source, 'src'),
    `-j${cpus().length}`,
    'BUILD_STATIC_ONLY=1',
    'NO_PKG_CONFIG=1',
    `OBJDIR=${join(work, 'libbpf-objects')}`,
    `DESTDIR=${out}`,
    'PREFIX=/',
    'LIBSUBDIR=lib',
    `CFLAGS=${CFLAGS}`,
    'install',
    'install_uapi_headers',
  ]);
}

/** Its own build wants cmake; four files do not. */
async function buildHdrHistogram(source, out, work) {
  const units = ['hdr_histogram', 'hdr_encoding', 'hdr_histogram_log', 'hdr_time'];
  const objects = units.map((unit) => join(work, `${unit}.o`));
  await Promise.all(
    units.map((unit, index) =>
      must(`compiling ${unit}.c`, 'gcc', [
        ...CFLAGS.split(' '),
        '-std=gnu99',
        '-D_GNU_SOURCE',
        `-I${join(source, 'include')}`,
        `-I${join(source, 'src')}`,
        '-c',
        join(source, 'src', `${unit}.c`),
        '-o',
        objects[index],
      ]),
    ),
  );
  await must('archiving HdrHistogram_c', 'ar', ['rcsD', join(out, 'lib', 'libhdr_histogram.a'), ...objects]);
  const headers = join(source, 'include', 'hdr');
  mkdirSync(join(out, 'include', 'hdr'), { recursive: true });
  for (const name of readdirSync(headers)) copyFileSync(join(headers, name), join(out, 'include', 'hdr', name));
}

async function must(what, command, args) {
  // make variables of an outer make (or of npm's caller) must not reach the library's own build.
  const { MAKEFLAGS: _flags, MFLAGS: _m, CFLAGS: _c, LDFLAGS: _l, ...env } = process.env;
  const result = await run(command, args, { env });
  if (result.code === 0) return;
  const tail = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-15).join('\n');
  throw new SetupError(`${what} failed`, {
    why: result.error
      ? `${command}: ${result.error.message}`
      : `${command} ended with ${result.signal ?? result.code}\n${tail}`,
  });
}
