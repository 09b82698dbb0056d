/**
 * `node probe-entry.js VARIANT [WAKE-UP [DETAIL]]`: one probe in a process of its own, for a caller who lacks the rights that a trial will
 * have. Prints one BackendRow as a line of JSON.
 */
import { writeSync } from 'node:fs';
import { parseWakeup } from '../plan/wakeup.ts';
import { probeVariant } from './probe.ts';

const [id, wakeup = '', detail = ''] = process.argv.slice(2);
if (id === undefined) throw new TypeError('which variant?');
const row = await probeVariant(
  id,
  wakeup === '' ? undefined : parseWakeup(wakeup, 'wake-up'),
  detail === 'paths' ? detail : undefined,
);
writeSync(1, `${JSON.stringify(row)}\n`);
