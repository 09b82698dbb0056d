/** What our reading of audit adds on null, beside the audit daemon as Debian configures it, writing its log. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { machineState } from '../../harness/doctor/index.ts';
import { holdAll } from '../../harness/guard.ts';
import { ratioOfAdded } from '../../harness/statistics/bootstrap.ts';
import { added, missingTool, take } from '../a/cost.ts';
import type { Check, Line } from '../check.ts';
import { externalPerCallNs, toolVersion, workloadCommand } from '../external.ts';
import { type Contender, interleave } from '../interleave.ts';
import { perCallNs, trial } from '../trials.ts';

const ROUNDS = 12;
const CALLS = 20_000;
/** A login uid that nobody has, so that a rule on it sees the workload alone. */
const LOGIN_UID = '1879048192';
const START_MS = 10_000;
/** Debian's queue length (its audit.rules); the wait for room in it stays the kernel's. */
const BACKLOG = '8192';

/** Debian 12's auditd.conf, but for the places of files and what it does when a disk is full. */
const CONFIG = (folder: string): string => `local_events = yes
write_logs = yes
log_file = ${join(folder, 'audit.log')}
log_group = root
log_format = ENRICHED
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 8
num_logs = 50
max_log_file_action = ROTATE
priority_boost = 4
name_format = NONE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
q_depth = 2000
overflow_action = IGNORE
max_restarts = 10
plugin_dir = ${join(folder, 'plugins.d')}
end_of_event_timeout = 2
`;

async function ownerOfAudit(): Promise<number> {
  const { audit } = (await machineState()).guard as { audit: { pid?: number } };
  return audit.pid ?? 0;
}

/** As a trial's own rule is named: by it the guard knows what is to go with us (native/launcher/audit_hold.c). */
function ruleKey(): string {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return `tracebench-audit:${process.pid}:${startTime}`;
}

/** Calls of the workload that are in the log. */
function logged(folder: string): number {
  const logs = readdirSync(folder).filter((name) => name.startsWith('audit.log'));
  return logs.reduce(
    (n, name) => n + (readFileSync(join(folder, name), 'utf8').match(/type=SYSCALL /g)?.length ?? 0),
    0,
  );
}

/** ns per call under a daemon of its own; `delivered` gets the share of the calls that its log holds. */
async function underDaemon(delivered: number[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tracebench-auditd-'));
  mkdirSync(join(folder, 'plugins.d'));
  writeFileSync(join(folder, 'auditd.conf'), CONFIG(folder), { mode: 0o600 });
  const rule = ['always,exit', '-F', 'arch=b64', '-S', 'getppid', '-F', `auid=${LOGIN_UID}`, '-k', ruleKey()];
  // Gives status and our rule back, whatever happens to this process; the daemon dies with us, too.
  const guard = await holdAll(['audit']);
  const words = ['--pdeathsig', 'TERM', 'auditd', '-n', '-s', 'nochange', '-c', folder];
  const daemon = execa('setpriv', words, { reject: false, stdin: 'ignore' });
  try {
    for (const since = Date.now(); (await ownerOfAudit()) !== daemon.pid; await sleep(20)) {
      if (Date.now() - since > START_MS) throw new Error('auditd did not become the owner of audit');
    }
    await execa('auditctl', ['-b', BACKLOG]);
    await execa('auditctl', ['-a', ...rule]);
    const login = 'echo "$0" > /proc/self/loginuid && exec "$@"';
    return await externalPerCallNs(['sh', '-c', login, LOGIN_UID, ...workloadCommand('null', CALLS)], 0);
  } finally {
    daemon.kill('SIGTERM');
    await daemon;
    await guard.release();
    delivered.push(logged(folder) / CALLS);
    rmSync(folder, { recursive: true, force: true });
  }
}

function ours(variant: string, delivered: number[]): Contender {
  return {
    name: variant,
    async measure() {
      const changes = { auditContext: 'present' } as const;
      const t = await trial({ variant, workload: 'null', calls: CALLS, changes });
      if (t.accounting.delivers === 'records') delivered.push(t.accounting.complete / t.accounting.issued);
      return perCallNs(t);
    },
  };
}

const percent = (shares: readonly number[]): string => `${(100 * Math.min(...shares)).toFixed(1)} % delivered at least`;

export const daemonCost: Check = {
  name: 'daemon-cost',
  title: 'auditd at most a tenth of what the audit daemon adds, writing its log',
  async run({ seed, say }) {
    const version = await toolVersion('auditctl', ['-v']);
    if (version === null) return [missingTool('daemon-cost', 'auditd')];
    const shares = { auditd: [] as number[], 'auditd/block': [] as number[], daemon: [] as number[] };
    const contenders: Contender[] = [
      ours('none', []),
      ours('auditd', shares.auditd),
      ours('auditd/block', shares['auditd/block']),
      { name: 'bare', measure: () => externalPerCallNs(workloadCommand('null', CALLS), 0) },
      { name: 'daemon', measure: () => underDaemon(shares.daemon) },
    ];
    const values = await interleave(contenders, ROUNDS, 1, seed, (text) => say(`daemon-cost ${text}`));
    const none = take(values, 'none');
    const bare = take(values, 'bare');
    /* Against its own baseline, which runs without our gates. */
    const daemon = take(values, 'daemon').map((v, i) => v - (bare[i] as number) + (none[i] as number));
    const lines = (['auditd', 'auditd/block'] as const).map((name): Line => {
      const found = ratioOfAdded(take(values, name), daemon, none, { seed });
      return {
        name: `daemon-cost: added by ${name} / added by the audit daemon (${version}), ${ROUNDS} rounds`,
        value: found.estimate,
        unit: '×',
        low: found.low,
        high: found.high,
        bound: '≤ 0.1 (upper end)',
        pass: (found.high ?? Number.POSITIVE_INFINITY) <= 0.1,
        note: `${percent(shares[name])}; by the daemon's log ${percent(shares.daemon)}`,
      };
    });
    return [
      ...lines,
      added('daemon-cost: added by auditd', take(values, 'auditd'), none, seed),
      added('daemon-cost: added by auditd/block', take(values, 'auditd/block'), none, seed),
      added('daemon-cost: added by the audit daemon', take(values, 'daemon'), bare, seed),
    ];
  },
};
