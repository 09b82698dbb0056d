import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../harness/random.ts';
import type { Application } from './application.ts';

const TRANSACTIONS = 3000;
const SEED = 1;

/** Each statement is a transaction of its own: an insert, and for every third one a look-up by the index. */
function script(): string {
  const random = createRandom(SEED);
  const lines = ['create table item (id integer primary key, name text, weight integer);'];
  lines.push('create index by_weight on item (weight);');
  for (let i = 0; i < TRANSACTIONS; i++) {
    const weight = random.int(1000);
    lines.push(
      i % 3 === 2
        ? `select count(*) from item where weight = ${weight};`
        : `insert into item (name, weight) values ('item ${i}', ${weight});`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export const sqlite: Application = {
  name: 'sqlite',
  title: 'sqlite3: 2,000 inserts and 1,000 look-ups, each a transaction with a journal',
  packages: ['sqlite3'],
  programs: ['sqlite3'],
  fixedWork: true,
  about: { ms: 120, calls: 96_000 },
  prepare: ({ directory }) => writeFileSync(join(directory, 'script.sql'), script()),
  argv: ['sqlite3', '-init', '/dev/null', '-batch', '-bail', 'items.db', '.read script.sql'],
  server: null,
  figure: { unit: 'transactions/s', better: 'higher', from: { run: { amount: TRANSACTIONS } } },
};
