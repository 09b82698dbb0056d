/**
 * A checkout beside this one in which a workload can be built to do some more work a call, so that whole studies run with
 * it and this one's programs stay as they are.
 */
import { copyFileSync, cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { projectRoot } from '../../harness/paths.ts';
import { median } from '../../harness/statistics/describe.ts';
import { externalPerCallNs } from '../external.ts';
import { interleave } from '../interleave.ts';

/** Shared with this checkout; what finds its root by its own place must be a copy. */
const LINKED = ['native', 'node_modules', 'workloads', join('build', 'bpf')];
const COPIED = ['dist', join('build', 'bin')];
/** Rounds of a loop without a body, to find out what one takes: fewer cost less than in proportion, beside the call's own work. */
const TRIED_SPINS = 100;
/** What is built is timed, and built again until it is so near, at most so often. */
const NEAR = 0.02;
const MOST_BUILDS = 4;
const STOPWATCH_CALLS = 400_000;
const STOPWATCH_ROUNDS = 15;

export interface SlowerWorkload {
  readonly root: string;
  /** Builds it to take longer by about this share of its time; resolves with what it came to. */
  build(by: number): Promise<number>;
}

export async function slowerWorkload(folder: string, name: string): Promise<SlowerWorkload> {
  const root = join(folder, 'checkout');
  mkdirSync(join(root, 'build'), { recursive: true });
  for (const path of LINKED) symlinkSync(join(projectRoot, path), join(root, path));
  for (const path of COPIED) cpSync(join(projectRoot, path), join(root, path), { recursive: true });
  for (const file of ['package.json', 'tracebench']) copyFileSync(join(projectRoot, file), join(root, file));

  const plain = await built(folder, name, 0);
  const time = async (programs: readonly string[]): Promise<number[]> => {
    const contenders = programs.map((program) => ({
      name: program,
      measure: () => externalPerCallNs([program, '--calls', String(STOPWATCH_CALLS)], 0),
    }));
    const values = await interleave(contenders, STOPWATCH_ROUNDS, 1, 1, () => {});
    return programs.map((program) => median(values.get(program) ?? []));
  };
  return {
    root,
    async build(by) {
      let spins = TRIED_SPINS;
      for (let builds = 1; ; builds++) {
        const slower = await built(folder, name, spins);
        const [before, after] = (await time([plain, slower])) as [number, number];
        const took = after / before - 1;
        if (Math.abs(took - by) <= NEAR || builds === MOST_BUILDS) {
          copyFileSync(slower, join(root, 'build', 'bin', `tb-${name}`));
          return took;
        }
        spins = Math.max(1, Math.round((spins * by) / Math.max(took, NEAR)));
      }
    },
  };
}

/** Path of the workload's program with so many spins in every call. */
async function built(folder: string, name: string, spins: number): Promise<string> {
  const bin = join(folder, `spins-${spins}`);
  const program = join(bin, `tb-${name}`);
  await execa(
    'make',
    ['-s', '-C', join(projectRoot, 'workloads'), `BIN=${bin}`, `OBJ=${join(bin, 'objects')}`, program],
    {
      env: { CPPFLAGS: `-DTB_SPINS_PER_CALL=${spins}` },
      stdin: 'ignore',
    },
  );
  return program;
}
