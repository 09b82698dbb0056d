import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../harness/random.ts';
import type { Application } from './application.ts';

const FILES = 6;
const FUNCTIONS = 40;
const SEED = 1;

function source(index: number): string {
  const random = createRandom(SEED + index);
  const lines = ['#include <errno.h>', '#include <stdio.h>', '#include <stdlib.h>', '#include <string.h>', ''];
  for (let f = 0; f < FUNCTIONS; f++) {
    const [a, b] = [1 + random.int(999), 1 + random.int(99)];
    lines.push(
      `int function_${index}_${f}(char *text, size_t size, int n)`,
      '{',
      `\tfor (int i = 0; i < n % ${b}; i++)`,
      `\t\tsnprintf(text, size, "%d %s", i * ${a}, strerror(i));`,
      `\treturn (int)strlen(text) ^ ${a};`,
      '}',
      '',
    );
  }
  return lines.join('\n');
}

/** Temporary files of the compiler lie in the run's own directory. */
export const compile: Application = {
  name: 'compile',
  title: `the C compiler on ${FILES} generated files, one after another`,
  packages: ['gcc', 'libc6-dev'],
  programs: ['sh', 'env', 'gcc'],
  fixedWork: true,
  about: { ms: 800, calls: 12_500 },
  prepare({ directory }) {
    mkdirSync(join(directory, 'tmp'));
    for (let i = 0; i < FILES; i++) writeFileSync(join(directory, `f${i}.c`), source(i));
  },
  argv: ['env', 'TMPDIR=tmp', 'LC_ALL=C', 'sh', '-c', 'for f in f?.c; do gcc -O1 -c "$f" || exit; done'],
  server: null,
  figure: { unit: 'files/s', better: 'higher', from: { run: { amount: FILES } } },
};
