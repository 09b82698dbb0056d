// Everything compiled by a C compiler: BPF objects, programs, the addon. make and node-gyp do the work and know what is
// old; the stamps only spare starting them when nothing at all has changed.
import { existsSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { run } from './child.mjs';
import { findCommand, findHeader } from './needs.mjs';
import { at, ROOT } from './project.mjs';
import { SetupError, say } from './report.mjs';
import { filesUnder, fingerprint, isDone, markDone } from './stamps.mjs';

/** Whatever may be compiled, included or steer a compilation: everything but what surely is not. */
const SOURCES = /^(?!.*\.(ts|md|json)$)/;
const EVERYTHING = /./;
const KEEP_ALL = { skip: new Set() };

const haveLibbpf = () => existsSync(at('native', 'vendor', 'lib', 'libbpf.a'));
const vendorStamp = () => at('native', 'vendor', 'stamp.json');

/** The BPF programs: clang only. Without it, or without libbpf's headers, that backend is left out and says why. */
export async function bpfObjects() {
  const print = fingerprint([
    ...filesUnder('backends/ebpf', SOURCES),
    ...filesUnder('native/include', SOURCES),
    vendorStamp(),
  ]);
  if (isDone('bpf', print)) return;
  const lacking = !findCommand('clang') ? 'clang' : !haveLibbpf() ? 'libbpf (libelf-dev)' : null;
  if (lacking) {
    // Objects of other sources would load and hand out records of another layout.
    rmSync(at('build', 'bpf'), { recursive: true, force: true });
    say(`bpf: not built, ${lacking} is missing; the ebpf row of the study will say so`);
    return;
  }
  await make('bpf', 'backends/ebpf', 'all');
  markDone('bpf', print, filesUnder('build/bpf', EVERYTHING, KEEP_ALL));
}

/** Launcher, guard, workloads. */
export async function programs() {
  const folders = ['native', 'workloads', 'backends'];
  const print = fingerprint([...folders.flatMap((folder) => filesUnder(folder, SOURCES)), vendorStamp()]);
  if (isDone('programs', print)) return;
  await make('native', 'native', 'all');
  await make('workloads', 'workloads', 'all');
  markDone('programs', print, filesUnder('build/bin', EVERYTHING, KEEP_ALL));
}

/** What the tests trace: one program for each source in tests/fixtures/programs. */
export async function testPrograms() {
  const folder = 'tests/fixtures/programs';
  const print = fingerprint([...filesUnder(folder, SOURCES), ...filesUnder('native/launcher', SOURCES)]);
  if (isDone('test-programs', print)) return;
  await make('test programs', folder, 'all');
  const names = filesUnder(folder, /\.c$/).map((path) => basename(path, '.c'));
  markDone('test-programs', print, names.map((name) => at('build', 'test', name)).filter(existsSync));
}

/** native/build/Release/*.node and the plugins beside it. */
export async function addon() {
  // sources.def is one of them: binding.gyp takes from it which folders are built in.
  const recipes = [
    ...filesUnder('native', /\.gypi?$/),
    ...filesUnder('backends', /\.gypi?$/),
    at('native', 'src', 'sources.def'),
  ];
  const headers = nodeHeaders();
  const sources = [...filesUnder('native', SOURCES), ...filesUnder('backends', SOURCES), vendorStamp()];
  // binding.gyp lists folders while it is configured, so a new file needs that as well, a changed one does not.
  const configuration = fingerprint(
    [...recipes, at('package-lock.json')],
    [
      process.version,
      process.arch,
      headers,
      haveLibbpf(),
      findHeader('gelf.h'),
      findHeader('traceevent/event-parse.h'),
      sources.map((path) => relative(ROOT, path)),
    ],
  );
  const print = fingerprint([...sources, ...filesUnder('build/bpf', EVERYTHING, KEEP_ALL)], configuration);
  if (isDone('addon', print)) return;

  const started = Date.now();
  const location = ['--directory', at('native'), ...(headers ? ['--nodedir', headers] : [])];
  const configured = [at('native', 'build', 'Makefile'), at('native', 'build', 'config.gypi')];
  if (!isDone('addon-configuration', configuration)) {
    await nodeGyp('configuring the addon', ['configure', ...location]);
    markDone('addon-configuration', configuration, configured);
  }
  const libraries = fingerprint([vendorStamp()]);
  if (!isDone('addon-libraries', libraries)) for (const path of linkedFiles()) rmSync(path);
  await nodeGyp('building the addon', ['build', ...location, '--jobs', String(cpus().length)]);
  const made = linkedFiles().filter((path) => !path.includes('obj.target'));
  if (made.length === 0) throw new SetupError('the addon was built but there is no native/build/Release/*.node');
  markDone('addon-libraries', libraries);
  markDone('addon', print, made);
  say(`addon: built (${seconds(started)})`);
}

/** What was linked against native/vendor/: gyp's makefiles do not look at the age of those archives. */
const linkedFiles = () => filesUnder('native/build/Release', /\.(node|so)$/, KEEP_ALL);

/** The headers that came with this node, so that node-gyp need not fetch any; null when there are none. */
function nodeHeaders() {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : null;
}

async function nodeGyp(what, args) {
  const result = await run(process.execPath, [
    at('node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
    ...args,
    '--loglevel=warn',
  ]);
  if (result.code !== 0) throw failure(what, 'node-gyp', result);
}

/** One make target, reported in one line. */
async function make(step, folder, target) {
  const started = Date.now();
  const result = await run('make', ['-C', at(folder), '--no-print-directory', `-j${cpus().length}`, target]);
  if (result.code !== 0) throw failure(`building ${folder}`, 'make', result);
  say(`${step}: built (${seconds(started)})`);
}

function failure(what, tool, result) {
  if (result.error) return new SetupError(`${what} failed`, { why: `${tool}: ${result.error.message}`, code: 3 });
  const text = `${result.stdout}\n${result.stderr}`.trim().split('\n');
  const first = text.findIndex((line) => /error:|\*\*\*|undefined reference/.test(line));
  const shown = first >= 0 ? text.slice(Math.max(0, first - 1), first + 30) : text.slice(-30);
  return new SetupError(`${what} failed`, {
    why: `${tool} ended with ${result.signal ?? result.code}\n${shown.join('\n')}`,
    mend: 'mend the error above; after a compiler or header change, remove build/ and native/build/ and run again',
  });
}

const seconds = (started) => `${((Date.now() - started) / 1000).toFixed(1)} s`;
