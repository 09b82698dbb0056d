/** Debian's audit daemon, writing its log: a process of its own with a configuration of its own, gone with the trial. */
import { defineContestant, OF_A_TOOL } from './contestant.ts';

/**
 * Enriched means names of users: one that has no name is looked up again in every record, which makes a call thirty times as dear.
 *
 * Debian 12's auditd.conf, but for the places of files, what it does when a disk is full, and that it may be root's alone.
 */
const CONFIG = `local_events = yes
write_logs = yes
log_file = {folder}/audit.log
log_group = root
log_format = ENRICHED
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 1024
num_logs = 2
max_log_file_action = IGNORE
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
plugin_dir = {folder}
end_of_event_timeout = 2
`;

export default defineContestant({
  name: 'audit-daemon',
  summary: 'the audit daemon as Debian configures it, writing its log in memory; a rule on the target’s session',
  program: 'auditd',
  package: 'auditd',
  starts: 'attaches',
  words: ['auditd', '-n', '-s', 'nochange', '-c', '{folder}'],
  files: { 'auditd.conf': CONFIG },
  tracefs: false,
  ready: { file: 'audit.log', line: /type=DAEMON_START/ },
  arm: [
    /* Debian's queue length; the wait for room in it stays the kernel's. */
    ['auditctl', '-b', '8192'],
    ['auditctl', '-a', 'always,exit', '-F', 'arch=b64', '-S', 'all', '-F', 'sessionid={sessionId}', '-k', '{ruleKey}'],
  ],
  stop: 'SIGTERM',
  settleMs: 1000,
  output: {
    file: 'audit.log',
    line: /^type=SYSCALL .* syscall=(?<nr>\d+) .* a0=(?<a0>[0-9a-f]+) a1=(?<a1>[0-9a-f]+) a2=(?<a2>[0-9a-f]+) a3=(?<a3>[0-9a-f]+)/,
    base: 16,
  },
  losses: [{ name: 'lost', unit: 'record', ask: ['auditctl', '-s'], line: /^lost (?<lost>\d+)/m }],
  /* Each record of a call is another loss; what a call had lost is not told. */
  loss: { min: 1, max: Number.POSITIVE_INFINITY },
  /* Four registers: on others the loop's calls cannot be told from the loader's. */
  workloads: ['visible'],
  applications: true,
  capabilities: {
    ...OF_A_TOOL,
    detail: 'full',
    thread: false,
    args: 4,
    returnValue: true,
    /* The kernel's default wait for room in the queue. */
    regime: 'blocks',
    followsSetuid: true,
    seesForeignArch: true,
    seesSigreturn: true,
    seesDyingCalls: true,
    detaches: true,
  },
  buffer: null,
  placement: 'other',
  needs: { auditContext: true, audit: 'owner' },
});
