/** The kernel's build configuration, where this machine shows it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface KernelConfig {
  /** The file it was read from; null: the machine shows none, and `options` is empty. */
  readonly from: string | null;
  /** Those that are set, with their values; the others are not set. */
  readonly options: ReadonlyMap<string, string>;
}

function parse(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (line.startsWith('CONFIG_') && at > 0) options.set(line.slice(0, at), line.slice(at + 1));
  }
  return options;
}

/** From the kernel itself, else from where distributions put it. A file that cannot be read is passed over. */
export function readKernelConfig(root: string, release: string): KernelConfig {
  for (const path of ['proc/config.gz', `boot/config-${release}`, `lib/modules/${release}/config`]) {
    try {
      const bytes = readFileSync(join(root, path));
      const options = parse((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString());
      if (options.size > 0) return { from: `/${path}`, options };
    } catch {
      // Not there, not for this user, or no gzip: the next place may have it.
    }
  }
  return { from: null, options: new Map() };
}
