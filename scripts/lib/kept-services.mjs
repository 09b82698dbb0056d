// Packages that bring a service start it when they are installed, unless /usr/sbin/policy-rc.d says no. While `work` runs it
// says no; then whatever stood there before stands there again, also when we are told to end in between.
import { spawnSync } from 'node:child_process';
import { EXIT_MACHINE, SetupError } from './report.mjs';

const POLICY = '/usr/sbin/policy-rc.d';
const SAVED = `${POLICY}.before-tracebench`;
const MARK = '# of tracebench setup: removed when it is done';

/** One that says no to everything already stays. One of ours that a killed set-up left is as good as none. */
const HOLD = `set -e
grep -qs '${MARK}' ${POLICY} && rm -f ${POLICY}
[ -e ${SAVED} ] && mv ${SAVED} ${POLICY}
if [ -x ${POLICY} ]; then
  code=0; ${POLICY} tracebench start >/dev/null 2>&1 || code=$?
  [ $code -eq 101 ] && exit 0
  mv ${POLICY} ${SAVED}
fi
printf '#!/bin/sh\\n%s\\nexit 101\\n' '${MARK}' >${POLICY}
chmod 755 ${POLICY}`;

const GIVE_BACK = `grep -qs '${MARK}' ${POLICY} || exit 0
rm -f ${POLICY}
[ ! -e ${SAVED} ] || mv ${SAVED} ${POLICY}`;

function asRoot(prefix, script) {
  const [command, ...words] = [...prefix, 'sh', '-c', script];
  const done = spawnSync(command, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return done.status === 0 ? '' : done.error?.message || done.stderr.trim() || `exit code ${done.status}`;
}

/** @param prefix the words by which a command runs as root */
export async function withServicesKept(prefix, work) {
  // Whoever is told to end while apt runs ends without coming back here (child.mjs).
  const giveBack = () => asRoot(prefix, GIVE_BACK);
  process.once('exit', giveBack);
  try {
    const trouble = asRoot(prefix, HOLD);
    if (trouble) {
      throw new SetupError('services could not be kept from starting, so nothing was installed', {
        why: `${POLICY}: ${trouble}`,
        code: EXIT_MACHINE,
      });
    }
    return await work();
  } finally {
    process.off('exit', giveBack);
    const trouble = giveBack();
    if (trouble) process.stderr.write(`packages: ${POLICY} could not be given back: ${trouble}\n`);
  }
}
