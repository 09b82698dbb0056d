// Reads every file under a directory and hashes it, 16 at a time; prints how many in which time.
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const AT_ONCE = 16;

const [root] = process.argv.slice(2);
if (root === undefined) throw new Error('usage: file-hashes.mjs DIRECTORY');
const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .sort();
const all = createHash('sha256');
const began = process.hrtime.bigint();
const hashes = new Array(files.length);
let next = 0;
async function worker() {
  while (next < files.length) {
    const mine = next++;
    hashes[mine] = createHash('sha256')
      .update(await readFile(files[mine]))
      .digest('hex');
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, worker));
for (const hash of hashes) all.update(hash);
const durationNs = Number(process.hrtime.bigint() - began);
console.log(`{"done":${files.length},"durationNs":${durationNs},"sha256":"${all.digest('hex')}"}`);
