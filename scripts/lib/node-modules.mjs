// The packages of package-lock.json, exactly.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './child.mjs';
import { findCommand } from './needs.mjs';
import { at } from './project.mjs';
import { SetupError, say } from './report.mjs';
import { fingerprint, isDone, markDone } from './stamps.mjs';

export async function nodeModules() {
  const { dependencies, devDependencies, overrides } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const wanted = [process.arch, dependencies, devDependencies, overrides];
  const print = fingerprint([at('package-lock.json'), at('.npmrc')], wanted);
  const made = [at('node_modules', '.package-lock.json')];
  if (isDone('npm', print) && existsSync(made[0])) return;

  say('npm: installing the packages of package-lock.json');
  const started = Date.now();
  const npm = findNpm();
  // Build tools are needed to run at all, so a user's or a container's `omit=dev` must not leave them out.
  const args = [
    ...npm.args,
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const result = await run(npm.command, args, { env: environment() });
  if (result.code !== 0) {
    const lines = `${result.stdout}\n${result.stderr}`.trim().split('\n');
    // What follows these is npm's help text or the way to its log.
    const end = lines.findIndex((line) => /^npm error (Clean install a project|A complete log of)/.test(line));
    const said = (end < 0 ? lines : lines.slice(0, end)).filter((line) => line !== 'npm error');
    throw new SetupError('npm ci failed', {
      why: result.error ? result.error.message : said.slice(0, 12).join('\n'),
      mend: mend(result.stderr),
    });
  }
  markDone('npm', print, made);
  say(`npm: done (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/** The npm that runs us, else the one beside this node, else the PATH's. */
function findNpm() {
  const running = process.env.npm_execpath;
  if (running && /npm-cli\.js$/.test(running) && existsSync(running)) {
    return { command: process.execPath, args: [running] };
  }
  const beside = join(dirname(process.execPath), 'npm');
  const command = existsSync(beside) ? beside : findCommand('npm');
  if (!command) {
    throw new SetupError('npm is missing', {
      why: `there is none beside ${process.execPath} and none on the PATH`,
      mend: 'install npm (it comes with Node), then run the command again',
      code: 3,
    });
  }
  return { command, args: [] };
}

/** Without what the outer npm put there about its own script, and without NODE_ENV, which would drop the build tools. */
function environment() {
  const env = { ...process.env };
  delete env.NODE_ENV;
  for (const name of Object.keys(env)) {
    if (
      /^npm_(lifecycle|package|command)/.test(name) ||
      /^npm_config_(omit|only|production|dry_run|global)$/.test(name)
    ) {
      delete env[name];
    }
  }
  return env;
}

function mend(text) {
  if (/EACCES|EPERM/.test(text)) {
    return 'node_modules/ or the npm cache belongs to another user: give it back (chown -R) or remove it, then run again';
  }
  if (/ENOSPC/.test(text)) return 'free some space on this disk, then run the command again';
  if (/EBADENGINE/.test(text)) return 'install the Node version package.json asks for under "engines"';
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|UNABLE_TO|CERT/.test(text)) {
    return "check the network and npm's registry, proxy and certificate settings (npm config list), then run again";
  }
  if (/EUSAGE|not in sync/.test(text))
    return 'package.json and package-lock.json disagree: run npm install and commit both';
  return 'mend what npm says above, then run the command again';
}
