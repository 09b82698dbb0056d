// Children of the set-up, and the signals they must hear about.
//
// npm dies on SIGTERM without telling the script it started, and a closed terminal may take npm but not us. So
// whoever starts a child here forwards what it receives, watches its own ancestors up to npm, and ends with the
// child's code.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { ROOT } from './project.mjs';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** After this long an orphaned child that ignores SIGTERM is killed. */
const GRACE_MS = 10_000;
const PARENT_POLL_MS = 500;
/** npm forwards what the terminal has already delivered; within this time it is the same request. */
const SAME_SIGNAL_MS = 500;

/** @returns the exit code a shell would show: the code itself, or 128 + signal number */
export function shellCode(code, signal) {
  return signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1);
}

/**
 * Runs a command to its end.
 * - output 'inherit': the child writes to our stdio; 'capture': collected and returned; 'tee': both.
 * - `forward: false` lets the child finish what it does (dpkg must not be cut in the middle); the signal takes
 *   effect after it.
 * Resolves with { code, signal, stdout, stderr, error }; never rejects: a command that could not start has `error`.
 * A signal that arrived meanwhile ends this process after the child: with the child's own code when it had the
 * terminal, else with 128 + its number.
 */
export function run(command, args, options = {}) {
  const { output = 'capture', forward = true, onLine, cwd = ROOT, env = process.env } = options;
  return new Promise((resolve) => {
    const stdio = output === 'inherit' ? 'inherit' : [options.stdin ?? 'ignore', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd, env, stdio });
    const collected = { stdout: '', stderr: '' };
    if (output !== 'inherit') {
      for (const stream of ['stdout', 'stderr']) {
        let pending = '';
        child[stream].setEncoding('utf8');
        child[stream].on('data', (text) => {
          collected[stream] += text;
          if (output === 'tee') process[stream].write(text);
          if (!onLine) return;
          const lines = (pending + text).split('\n');
          pending = lines.pop();
          for (const line of lines) onLine(line);
        });
      }
    }
    let received = null;
    let forwardedAt = 0;
    const onSignal = (signal) => {
      const repeated = signal === received && Date.now() - forwardedAt < SAME_SIGNAL_MS;
      received ??= signal;
      if (!forward || repeated) return;
      forwardedAt = Date.now();
      // Ctrl-C reaches the whole foreground group: a second copy would look like a second, impatient one.
      if (signal === 'SIGINT' && inForeground()) return;
      child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, onSignal);
    const stopWatching = onOrphaned(() => {
      received ??= 'SIGTERM';
      if (!forward) return;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref();
    });
    let settled = false;
    const settle = (result) => {
      if (settled) return;
      settled = true;
      stopWatching();
      for (const signal of FORWARDED) process.off(signal, onSignal);
      if (received)
        process.exit((output === 'inherit' && shellCode(result.code, result.signal)) || shellCode(null, received));
      resolve({ ...collected, ...result });
    };
    child.on('error', (error) => settle({ code: 127, signal: null, error }));
    child.on('close', (code, signal) => settle({ code, signal, error: null }));
  });
}

/** Calls back once when an ancestor up to and including the first that is not a shell has gone. */
function onOrphaned(callback) {
  const timer = setInterval(() => {
    if (hasAncestors()) return;
    clearInterval(timer);
    callback();
  }, PARENT_POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** [our parent, its parent …] as {pid, ppid}, going on only through shells: npm puts one between itself and us. */
function ancestors() {
  const chain = [];
  let pid = process.ppid;
  while (pid > 1) {
    const stat = processStat(pid);
    if (!stat) break;
    chain.push({ pid, ppid: stat.ppid });
    if (!/^(sh|dash|bash|zsh|ksh)$/.test(stat.comm)) break;
    pid = stat.ppid;
  }
  // The last one's own parent may come and go as it likes.
  const last = chain.at(-1);
  if (last) last.ppid = null;
  return chain;
}

/**
 * Taken when we start: who is gone by the time a child is started has gone all the same. Only npm is watched; whoever
 * starts a script by hand and leaves (nohup, a service) means it to stay.
 */
const ANCESTORS = process.env.npm_lifecycle_event ? ancestors() : [];

function hasAncestors() {
  const parent = ANCESTORS[0];
  if (!parent) return true;
  if (process.ppid !== parent.pid) return false;
  return ANCESTORS.every(({ pid, ppid }) => ppid === null || processStat(pid)?.ppid === ppid);
}

/** True when our process group is the one the terminal sends its signals to. */
function inForeground() {
  const stat = processStat('self');
  return stat !== null && stat.terminal !== 0 && stat.group === stat.foreground;
}

function processStat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may itself contain some.
    const end = text.lastIndexOf(')');
    const fields = text.slice(end + 2).split(' ');
    const [, ppid, group, , terminal, foreground] = fields.map(Number);
    return { comm: text.slice(text.indexOf('(') + 1, end), ppid, group, terminal, foreground };
  } catch {
    return null;
  }
}
