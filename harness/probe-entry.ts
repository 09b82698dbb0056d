/**
 * `node probe-entry.js VARIANT`: one probe in a process of its own, for a caller who lacks the rights that a trial will
 * have. Prints one BackendRow as a line of JSON.
 */
import { writeSync } from 'node:fs';
import { probeVariant } from './probe.ts';

const id = process.argv[2];
if (id === undefined) throw new TypeError('which variant?');
writeSync(1, `${JSON.stringify(await probeVariant(id))}\n`);
