/** Events cross the one interface into JavaScript from every backend: last-record.ts prints the last one of each. */
import { join } from 'node:path';
import { execa } from 'execa';
import { backends } from '../../backends/index.ts';
import { distDir } from '../../harness/paths.ts';
import { type Check, exactly } from '../check.ts';

export const lastRecords: Check = {
  name: 'last-records',
  title: 'one program of ten lines prints the last record of every backend',
  async run() {
    const wanted = backends
      .filter(({ variants }) => variants[0]?.capabilities.delivers === 'records')
      .map((b) => b.name);
    const program = join(distDir, 'bench', 'b', 'last-record.js');
    const { stdout } = await execa(process.execPath, [program], { timeout: 60_000, stdin: 'ignore' });
    const printed = wanted.filter((name) => new RegExp(`^${name} \\{\\n {2}tsNs: \\d+n,`, 'm').test(stdout));
    const missing = wanted.filter((name) => !printed.includes(name));
    return [
      exactly(
        'last-records: backends whose last record was printed',
        printed.length,
        wanted.length,
        'backends',
        missing.join(', ') || wanted.join(', '),
      ),
    ];
  },
};
