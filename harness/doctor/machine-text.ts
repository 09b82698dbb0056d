/** The machine's facts in words, a labelled line each. What could not be told is a question mark with its reason. */
import type { AuditFacts, AuditFeature, LoginFacts } from './audit-facts.ts';
import type { CgroupFacts, CpuFacts } from './cpu-facts.ts';
import type { Fact } from './fact.ts';
import type { Limit, MachineFacts } from './facts.ts';
import type { KernelOption } from './kernel-options.ts';

function say<T>(fact: Fact<T>, inWords: (value: T) => string = String): string {
  return fact.value === null ? `? (${fact.reason})` : inWords(fact.value);
}

function optionsText(options: readonly KernelOption[]): string {
  const named = (answer: KernelOption['answer']): string[] =>
    options.filter((option) => option.answer === answer).map((option) => option.name);
  const sources = new Set(options.map((option) => option.shownBy));
  const [from] = sources.size === 1 ? sources : ['/proc and /sys; the configuration is not shown'];
  const parts = [`${named('yes').length} of ${options.length} wanted ones are set (${from})`];
  const [unset, untold] = [named('no'), named('unknown')];
  if (unset.length > 0) parts.push(`not set: ${unset.join(' ')}`);
  if (untold.length > 0) parts.push(`? ${untold.join(' ')}`);
  return parts.join('; ');
}

function cpusText({ allowed, quota }: CpuFacts, online: number): string {
  const here = say(allowed, (list) => (list.length === online ? 'all' : `${list.length}: ${list.join(',')}`));
  return `${online} online, allowed ${here}, quota ${say(quota, (q) => (q === 'none' ? q : `${q} CPUs`))}`;
}

function cgroupsText({ v1, v2 }: CgroupFacts): string {
  const first = say(v1, (mounted) => (mounted ? 'mounted' : 'not mounted'));
  return `version 1 ${first}, version 2 ${say(v2, atPlace)}`;
}

const atPlace = (place: string): string => (place === 'not mounted' ? place : `at ${place}`);

const clockText = (entersKernel: boolean): string =>
  entersKernel ? 'every read enters the kernel' : 'read in the vDSO';

function limitText(limit: Limit): string {
  return say(limit, (bytes) => (bytes === 'unlimited' ? bytes : `${Math.round(bytes / 1024)} KiB`));
}

function featureText(name: string, feature: AuditFeature | null): string {
  if (feature === null) return `${name} ?`;
  return `${name} ${feature.on ? 'on' : 'off'}${feature.locked ? ' (locked)' : ''}`;
}

function loginText({ loginUid, session }: LoginFacts, audit: AuditFacts): string {
  const features =
    audit.loginuidImmutable === null && audit.onlyUnsetLoginuid === null
      ? ['audit’s features ?']
      : [
          featureText('loginuid_immutable', audit.loginuidImmutable),
          featureText('only_unset_loginuid', audit.onlyUnsetLoginuid),
        ];
  return [`login uid ${say(loginUid)}`, `session ${say(session)}`, ...features].join(', ');
}

function auditText(audit: AuditFacts): string {
  if (audit.reason !== null) return `? (${audit.reason})`;
  const status = ['off', 'on', 'on, locked until reboot'][audit.enabled ?? -1] ?? '?';
  const owner =
    audit.ownerPid === 0
      ? 'no owner'
      : `${audit.ownerLives ? 'owned' : 'last owned'} by pid ${audit.ownerPid} (${audit.ownerName ?? 'gone'})`;
  const never = audit.neverTask ? 'a never,task rule: new tasks cannot be audited' : 'no never,task rule';
  return `${status}, ${owner}, ${audit.rules} rules, ${never}`;
}

function containerText({ container, initialPidNamespace, seccompMode }: MachineFacts): string {
  const found = container.answer === 'yes' ? container.name : container.answer === 'no' ? 'none' : '?';
  const pids = initialPidNamespace === false ? ', not the initial pid namespace' : '';
  return `${found} (${container.shownBy})${pids}, seccomp mode ${say(seccompMode)}`;
}

/** Label and text. `elevatedFor`: whom sudo serves; null: nobody. */
export function machineLines(m: MachineFacts, elevatedFor: string | null): [string, string][] {
  const e = m.environment;
  const held = say(m.missingCapabilities, (missing) =>
    missing.length === 0 ? 'all capabilities in use' : `lacks ${missing.join(', ')}`,
  );
  return [
    ['system', `${e.osRelease}, Linux ${e.kernelRelease} ${e.arch}`],
    ['cpu', `${e.cpuModel}, ${(e.memoryBytes / 2 ** 30).toFixed(1)} GiB, hypervisor: ${e.virtualisation}`],
    ['cpus', cpusText(m.cpus, e.cpusOnline)],
    ['cgroups', cgroupsText(m.cgroups)],
    ['kernel', `preemption ${e.preemption}, HZ ${e.hz ?? '?'}, lockdown ${say(m.lockdown)}`],
    ['options', optionsText(m.kernelOptions)],
    ['clock', `CLOCK_MONOTONIC from ${e.clocksource}, ${say(m.clockEntersKernel, clockText)}`],
    ['container', containerText(m)],
    ['user', elevatedFor === null ? `uid ${e.uid}, ${held}` : `uid ${e.uid}; what traces is started through sudo`],
    ['login', loginText(m.login, m.audit)],
    ['limits', `RLIMIT_MEMLOCK ${limitText(m.memlock.soft)} (hard ${limitText(m.memlock.hard)})`],
    [
      'bpf',
      `BTF ${say(m.btf, (there) => (there ? 'yes' : 'no'))}, JIT ${say(m.bpfJit, (on) => (on === 0 ? 'off' : 'on'))}, ` +
        `bpf_jit_harden ${say(m.bpfJitHarden)}, unprivileged_bpf_disabled ${say(m.unprivilegedBpfDisabled)}`,
    ],
    ['perf', `perf_event_paranoid ${say(m.perfEventParanoid)}, perf_event_mlock_kb ${say(m.perfEventMlockKib)}`],
    ['ptrace', say(m.ptraceScope, (scope) => (scope === 'no Yama' ? scope : `Yama ptrace_scope ${scope}`))],
    ['tracefs', `${say(m.tracefs, atPlace)}, debugfs ${say(m.debugfs, atPlace)}`],
    ['audit', auditText(m.audit)],
  ];
}
