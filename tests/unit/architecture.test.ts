/** The dependency direction of docs/architecture.md, over the import and include graph. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backends, backendsAndTools } from '../../backends/index.ts';
import { projectRoot } from '../../harness/paths.ts';

const SOURCE_FOLDERS = ['harness', 'backends', 'native', 'workloads', 'reports', 'bench'];
const NOT_OURS = new Set(['node_modules', 'vendor', 'build', 'dist']);

function filesUnder(folder: string, pattern: RegExp): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(projectRoot, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !NOT_OURS.has(entry.name)) found.push(...filesUnder(path, pattern));
    else if (entry.isFile() && pattern.test(entry.name)) found.push(path);
  }
  return found;
}

const read = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');
const folders = SOURCE_FOLDERS.filter((f) => readdirSync(projectRoot).includes(f));
const typescript = folders.flatMap((f) => filesUnder(f, /\.ts$/));
const native = folders.flatMap((f) => filesUnder(f, /\.(c|cc|h)$/));

/** What a TypeScript file imports of ours, as paths from the root. */
function importsOf(file: string): string[] {
  const specifiers = [...read(file).matchAll(/(?:from|import)\s+'(\.[^']+)'/g)].map((m) => m[1] as string);
  return specifiers.map((s) => relative(projectRoot, resolve(projectRoot, dirname(file), s)));
}

/** Files of ours that a C or C++ file includes, as paths from the root. */
function includesOf(file: string): string[] {
  const quoted = [...read(file).matchAll(/^#include "([^"]+)"/gm)].map((m) => m[1] as string);
  return quoted.map((i) => relative(projectRoot, resolve(projectRoot, dirname(file), i)));
}

const backendOf = (path: string): string | null => /^backends\/([^/]+)\//.exec(path)?.[1] ?? null;

describe('imports', () => {
  test('the graph is not empty', () => {
    expect(typescript.length).toBeGreaterThan(20);
    expect(importsOf('harness/trial/accounting.ts')).toContain('harness/trial/oracle.ts');
    expect(includesOf('native/src/session.h')).toContain('native/src/ledger.h');
  });

  test('harness/{backend,event,errors} are leaves', () => {
    for (const file of ['harness/backend.ts', 'harness/event.ts', 'harness/errors.ts']) {
      for (const target of importsOf(file)) {
        expect(['harness/backend.ts', 'harness/event.ts', 'harness/errors.ts'], `${file} imports ${target}`).toContain(
          target,
        );
      }
    }
  });

  test('a backend imports no other backend, and of the harness only its contracts', () => {
    const allowed = /^(harness\/(backend|event|errors|paths)\.ts|native\/index\.ts)$/;
    for (const file of typescript.filter((f) => backendOf(f) !== null)) {
      for (const target of importsOf(file)) {
        const own = backendOf(target) === backendOf(file);
        expect(own || allowed.test(target), `${file} imports ${target}`).toBe(true);
      }
    }
    for (const file of native.filter((f) => backendOf(f) !== null)) {
      for (const target of includesOf(file)) {
        const own = backendOf(target) === backendOf(file);
        const shared = /^native\/include\//.test(target);
        const besideIt = !target.includes('..') && !/^(native|harness|workloads)\//.test(target);
        expect(own || shared || (besideIt && backendOf(target) === null), `${file} includes ${target}`).toBe(true);
      }
    }
  });

  test('reports see results only', () => {
    for (const file of typescript.filter((f) => f.startsWith('reports/'))) {
      for (const target of importsOf(file)) {
        const ofResults =
          /^(reports\/|harness\/((bystander|capacity|compare|profile)\/)?result(-version|-figures|-words)?\.ts$|harness\/notation\.ts$|harness\/(capacity\/planner|select\/judge)\.ts$)/;
        expect(ofResults.test(target), `${file} imports ${target}`).toBe(true);
      }
    }
  });

  test.each([
    ['machine', /^harness\/(?!machine\/|result|paths)/],
    ['host', /^harness\/(?!host\/|machine\/|errors)/],
    ['plan', /^(native\/|backends\/|harness\/(host|session|trial|study|summarise|commands)\/)/],
    ['session', /^harness\/(trial|study|summarise|commands)\//],
    ['trial', /^harness\/(study|summarise|compare|select|commands)\//],
    ['summarise', /^(native\/|backends\/|harness\/(host|session|trial|study|commands)\/)/],
    ['compare', /^(native\/|backends\/|harness\/(host|session|trial|commands)\/)/],
    ['study', /^harness\/(compare|select|commands)\//],
  ])('harness/%s/ points forward only', (folder, never) => {
    const files = typescript.filter((f) => f.startsWith(`harness/${folder}/`));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files)
      for (const target of importsOf(file)) expect(never.test(target), `${file} imports ${target}`).toBe(false);
  });

  test("the command line is nobody else's", () => {
    for (const file of typescript.filter((f) => !/^harness\/(cli\.ts|commands\/)/.test(f) && !f.startsWith('bench/'))) {
      for (const target of importsOf(file))
        expect(/^harness\/(cli\.ts|commands\/)/.test(target), `${file} imports ${target}`).toBe(false);
    }
  });

  test('the parts of a result have one door', () => {
    for (const file of typescript.filter((f) => f !== 'harness/result.ts' && !f.startsWith('harness/result/'))) {
      for (const target of importsOf(file))
        expect(target.startsWith('harness/result/'), `${file} imports ${target}`).toBe(false);
    }
  });

  test('workloads know no backend', () => {
    for (const file of typescript.filter((f) => f.startsWith('workloads/'))) {
      for (const target of importsOf(file))
        expect(target.startsWith('backends/'), `${file} imports ${target}`).toBe(false);
    }
    for (const file of native.filter((f) => f.startsWith('workloads/'))) {
      for (const target of includesOf(file))
        expect(target.startsWith('backends/'), `${file} includes ${target}`).toBe(false);
    }
  });

  test('the runner knows no backend by name and does not load the addon', () => {
    const names = backends.map((b) => b.name).filter((n) => n !== 'none');
    const text = read('harness/study/runner.ts');
    for (const name of names)
      expect(text, `harness/study/runner.ts names ${name}`).not.toMatch(new RegExp(`['"\`]${name}`));
    expect(importsOf('harness/study/runner.ts')).not.toContain('native/index.ts');
  });

  test('only native/index.ts loads the addon', () => {
    for (const file of typescript.filter((f) => f !== 'native/index.ts')) {
      expect(read(file), file).not.toMatch(/createRequire|tracebench\.node/);
    }
  });

  test('N-API stays in the N-API surface', () => {
    for (const file of native.filter((f) => !f.startsWith('native/src/addon/'))) {
      expect(read(file), file).not.toMatch(/#include <(napi|node_api)\.h>/);
    }
  });

  test('a trial loads no library at its start: each would cost every trial of a study', () => {
    const seen = new Set<string>();
    const libraries: string[] = [];
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      // What is loaded when it is wanted stands in an import of its own, `await import(…)`.
      for (const [, type, from] of read(file).matchAll(/^(?:import|export) (type )?[^'"]*?from '([^']+)'/gm)) {
        if (type !== undefined || from === undefined || from.startsWith('node:')) continue;
        if (from.startsWith('.')) visit(relative(projectRoot, resolve(projectRoot, dirname(file), from)));
        else libraries.push(`${file} imports ${from}`);
      }
    };
    visit('harness/trial/trial.ts');
    expect(seen.size).toBeGreaterThan(20);
    expect(libraries).toEqual([]);
  });

  test('only cli and the trial processes exit, in the harness', () => {
    for (const file of typescript.filter((f) => /^(harness|backends|reports|workloads|native)\//.test(f))) {
      if (/^harness\/(cli|trial\/trial|reference\/joint-trial|bystander\/bystander-trial)\.ts$/.test(file)) continue;
      expect(read(file), file).not.toMatch(/process\.exit\(/);
    }
  });
});

describe('lists', () => {
  const directories = readdirSync(join(projectRoot, 'backends'), { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => e.name)
    .sort();

  test('every backend folder is in backends/index.ts, and nothing else is', () => {
    expect(backendsAndTools.map((b) => b.name).sort()).toEqual(directories);
  });

  test('the native list names the same backends in the same order', () => {
    const names = [...read('native/src/sources.def').matchAll(/^TB_(?:BUILTIN|PLUGIN)\(([\w-]+)/gm)].map((m) => m[1]);
    expect(names).toEqual(backends.map((b) => b.source));
  });

  test('every backend folder has its README and its TypeScript half', () => {
    for (const name of directories) {
      expect(readdirSync(join(projectRoot, 'backends', name))).toEqual(
        expect.arrayContaining(['README.md', 'index.ts']),
      );
    }
  });
});
