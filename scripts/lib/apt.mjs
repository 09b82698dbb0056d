// Installing system packages: what is missing, how big it is, through apt when that is allowed.
import { readdirSync } from 'node:fs';
import { run } from './child.mjs';
import { findCommand } from './needs.mjs';
import { EXIT_MACHINE, SetupError, say, size } from './report.mjs';
import { readStamp, writeStamp } from './stamps.mjs';

/** How long another apt or dpkg may hold the lock. */
const LOCK_SECONDS = 120;
/** A failure over optional packages is not tried again by every command. */
const RETRY_MS = 60 * 60 * 1000;
const LISTS = '/var/lib/apt/lists';

/**
 * @param missing [{package, why, essential}] what the machine lacks
 * @returns the packages that are still missing, all of them optional; throws when an essential one is
 */
export async function installMissing(missing) {
  if (missing.length === 0) return [];
  const packages = missing.map((need) => need.package);
  const command = installCommand(packages);
  const essential = missing.filter((need) => need.essential);

  const way = await wayToInstall();
  if (way.refused) return refuse(missing, essential, way.refused, command);
  if (essential.length === 0 && failedLately(packages)) {
    return refuse(missing, essential, `apt failed on ${packages.join(' ')} less than an hour ago`, command);
  }

  const apt = new Apt(way.prefix);
  try {
    await apt.install(missing);
    return [];
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    if (essential.length > 0 && missing.length > essential.length) {
      // What is optional must not cost what is not.
      say(`packages: ${error.message}; trying without the optional ones`);
      await apt.install(essential);
    } else if (essential.length > 0) {
      throw error;
    }
    const optional = missing.filter((need) => !need.essential);
    say(`packages: ${error.message}${error.why ? ` (${error.why.split('\n')[0]})` : ''}`);
    writeStamp('apt-failed', { packages: optional.map((need) => need.package), at: Date.now(), lists: listsState() });
    for (const need of optional) say(`packages: going on without ${need.package}: ${need.without}`);
    say(`packages: to install it yourself: ${command}`);
    return optional;
  }
}

function refuse(missing, essential, reason, command) {
  if (essential.length > 0) {
    throw new SetupError(`system packages are missing: ${missing.map((need) => need.package).join(' ')}`, {
      why: `${missing.map((need) => `${need.package}: ${need.why}`).join('\n')}\nnot installed because ${reason}`,
      mend: `run: ${command}\nthen run the command again`,
      code: EXIT_MACHINE,
    });
  }
  for (const need of missing) say(`packages: going on without ${need.package}: ${need.without}`);
  say(`packages: not installed because ${reason}; to have it all: ${command}`);
  return missing;
}

const sudoHint = () => (process.getuid() === 0 ? '' : 'sudo ');

/** What a person types; a machine that never fetched its package lists has to do that first. */
export function installCommand(packages) {
  const update = listsState() === '' ? `${sudoHint()}apt-get update && ` : '';
  return `${update}${sudoHint()}apt-get install --no-install-recommends ${packages.join(' ')}`;
}

/** How apt may be called from here: {prefix} or {refused: reason}. */
export async function wayToInstall() {
  if (process.env.TRACEBENCH_NO_APT && process.env.TRACEBENCH_NO_APT !== '0') {
    return { refused: 'TRACEBENCH_NO_APT is set' };
  }
  if (!findCommand('apt-get')) return { refused: 'this system has no apt-get; use its own package manager' };
  const environment = ['env', 'DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_MODE=l', 'LC_ALL=C'];
  if (process.getuid() === 0) return { prefix: environment };
  if (!findCommand('sudo')) return { refused: 'this is not root and there is no sudo' };
  const asked = await run('sudo', ['-n', 'true']);
  if (asked.code !== 0) return { refused: 'this is not root and sudo wants a password' };
  return { prefix: ['sudo', '-n', ...environment] };
}

/** So that an answer given an hour ago is not asked for again, unless the lists changed since. */
function failedLately(packages) {
  const stamp = readStamp('apt-failed');
  if (!stamp || stamp.lists !== listsState() || Date.now() - stamp.at > RETRY_MS) return false;
  return packages.every((name) => stamp.packages.includes(name));
}

function listsState() {
  try {
    return readdirSync(LISTS)
      .filter((name) => name.endsWith('Release'))
      .sort()
      .join(' ');
  } catch {
    return '';
  }
}

class Apt {
  #prefix;
  #updated = false;
  /** What the update complained of; a later "no such package" is usually only its consequence. */
  #updateTrouble = '';

  constructor(prefix) {
    this.#prefix = prefix;
  }

  async install(needs) {
    const packages = needs.map((need) => need.package);
    if (listsState() === '' && !this.#updated) await this.#update('the package lists are empty');
    let bytes = await downloadSize(packages);
    if (bytes === null && !this.#updated) {
      await this.#update('the package lists do not know all of them');
      bytes = await downloadSize(packages);
    }
    const amount = bytes === null ? 'size unknown' : bytes === 0 ? 'nothing to download' : `${size(bytes)} to download`;
    say(`packages: installing ${packages.join(' ')} (${amount})`);
    for (const need of needs) say(`packages:   ${need.package}: ${need.why}`);
    let result = await this.#installOnce(packages);
    // Lists that are weeks old name files that the mirror no longer has.
    if (result.code !== 0 && !this.#updated && /404|Unable to (locate|fetch)|Failed to fetch/.test(result.stderr)) {
      await this.#update('the mirror no longer has what the lists name');
      result = await this.#installOnce(packages);
    }
    if (result.code === 0) return;
    const trouble = [this.#updateTrouble, aptErrors(result)].filter(Boolean).join('\n');
    throw new SetupError(`apt could not install ${packages.join(' ')}`, {
      why: trouble,
      mend: `${mendFor(trouble)}: ${installCommand(packages)}`,
      code: EXIT_MACHINE,
    });
  }

  #installOnce(packages) {
    return this.#apt([
      '-o',
      'Dpkg::Use-Pty=0',
      '-o',
      'Dpkg::Options::=--force-confdef',
      '-o',
      'Dpkg::Options::=--force-confold',
      'install',
      '-y',
      '--no-install-recommends',
      ...packages,
    ]);
  }

  async #update(reason) {
    say(`packages: apt-get update (${reason})`);
    const result = await this.#apt(['update']);
    this.#updated = true;
    // A third-party archive that is down must not stop us while Debian's own answers; the install will tell. And
    // apt-get ends with 0 although it reached nothing.
    const lines = `${result.stdout}\n${result.stderr}`.split('\n').map((line) => line.trim());
    const trouble = lines.filter((line) => /^(E:|W: Failed)/.test(line)).slice(-2);
    this.#updateTrouble = result.error ? result.error.message : trouble.join('\n');
  }

  /** Waits for the locks. DPkg::Lock::Timeout does not cover the lists' lock, so that one is tried again here. */
  async #apt(args) {
    const [command, ...prefix] = this.#prefix;
    const deadline = Date.now() + LOCK_SECONDS * 1000;
    let said = false;
    const waiting = (line) => {
      if (said || !/Waiting for cache lock|Could not get lock/.test(line)) return;
      said = true;
      const holder = /held by process (\d+ \([^)]*\))/.exec(line);
      say(`packages: apt is in use${holder ? ` by process ${holder[1]}` : ''}, waiting up to ${LOCK_SECONDS} s`);
    };
    for (;;) {
      const result = await run(
        command,
        [...prefix, 'apt-get', '-q', '-o', `DPkg::Lock::Timeout=${LOCK_SECONDS}`, '-o', 'Acquire::Retries=3', ...args],
        { onLine: waiting, forward: false },
      );
      if (result.code === 0 || !/Could not get lock/.test(result.stderr) || Date.now() > deadline) return result;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

/** Bytes to download, null when apt cannot tell (unknown package, no lists). Needs no rights and no lock. */
async function downloadSize(packages) {
  const result = await run(
    'apt-get',
    ['install', '-y', '--no-install-recommends', '--print-uris', '-qq', '-o', 'Debug::NoLocking=1', ...packages],
    { env: { ...process.env, LC_ALL: 'C' } },
  );
  if (result.code !== 0) return null;
  let bytes = 0;
  for (const line of result.stdout.split('\n')) {
    const match = /^'[^']*' \S+ (\d+)/.exec(line);
    if (match) bytes += Number(match[1]);
  }
  return bytes;
}

function aptErrors(result) {
  if (result.error) return result.error.message;
  const lines = `${result.stdout}\n${result.stderr}`.split('\n').map((line) => line.trim());
  const errors = lines.filter((line) => /^(E:|Err:|dpkg: error)/.test(line));
  return (
    (errors.length > 0 ? errors : lines.filter(Boolean)).slice(-6).join('\n') || `apt-get ended with ${result.code}`
  );
}

function mendFor(trouble) {
  const known = [
    [/Could not get lock/, 'wait until the other apt has ended, then run'],
    [/dpkg was interrupted/, `run ${sudoHint()}dpkg --configure -a, then`],
    [/No space left|not enough free space|don't have enough/i, 'free some space, then run'],
    [
      /Could not resolve|Failed to fetch|Could not connect|Temporary failure/,
      'check the network and the mirrors apt is configured with, then run',
    ],
    [/Unable to locate|no installation candidate/, 'check the sources apt is configured with, then run'],
  ];
  return known.find(([pattern]) => pattern.test(trouble))?.[1] ?? 'see what apt says when you run';
}
