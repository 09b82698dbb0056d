// The Debian mirrors this machine's apt is configured with. No host is written down in this project.
import { run } from './child.mjs';

/** @returns {{mirrors: string[], why: string}} base addresses without a trailing slash; `why` when there are none */
export async function debianMirrors() {
  const result = await run('apt-get', [
    'indextargets',
    '--format',
    '$(SITE)|$(ORIGIN)|$(LABEL)',
    'Created-By: Packages',
  ]);
  if (result.error) return { mirrors: [], why: 'this system has no apt' };
  if (result.code !== 0) return { mirrors: [], why: `apt-get indextargets: ${result.stderr.trim()}` };
  const found = new Map();
  for (const line of result.stdout.split('\n')) {
    const [site = '', origin = '', label = ''] = line.trim().split('|');
    if (!site) continue;
    // Before the first `apt-get update` apt does not know whose archive it is; the address then has to do.
    const isDebian = origin ? origin === 'Debian' : /\/debian(-security)?\/?$/.test(site);
    if (!isDebian) continue;
    // The security archive has a pool of its own, which does not hold these files: last.
    const last = /security/i.test(`${label}${site}`);
    found.set(site.replace(/\/+$/, ''), last);
  }
  const mirrors = [...found.keys()].sort((a, b) => Number(found.get(a)) - Number(found.get(b)));
  return { mirrors, why: mirrors.length > 0 ? '' : 'apt is configured with no Debian archive' };
}
