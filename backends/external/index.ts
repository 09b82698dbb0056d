/** The contestants as one backend, a variant each. No default: a tool is measured when it is asked for by name. */
import type { BackendDefinition, NeededPrivileges, VariantDefinition } from '../../harness/backend.ts';
import auditDaemon from './audit-daemon.ts';
import bpftrace from './bpftrace.ts';
import type { Contestant } from './contestant.ts';
import ltrace from './ltrace.ts';
import opensnoop from './opensnoop.ts';
import perfRecord from './perf-record.ts';
import perfTrace from './perf-trace.ts';
import strace from './strace.ts';
import straceSeccomp from './strace-seccomp.ts';
import syscount from './syscount.ts';
import sysdig from './sysdig.ts';
import traceCmd from './trace-cmd.ts';

/** In the order of every table. */
export const contestants: readonly Contestant[] = [
  strace,
  straceSeccomp,
  ltrace,
  perfTrace,
  perfRecord,
  traceCmd,
  bpftrace,
  syscount,
  opensnoop,
  sysdig,
  auditDaemon,
];

/** Those that make the workload wait stop it by ptrace; the others use tracefs, perf's descriptors, modules or audit. */
const BY_PTRACE: NeededPrivileges = {
  least: 'none',
  what: "ptrace of a process of the same user, as Yama's ptrace_scope allows",
};

function variantOf(c: Contestant): VariantDefinition {
  return {
    name: c.name,
    summary: c.summary,
    capabilities: c.capabilities,
    loss: c.loss,
    buffer: c.buffer,
    /* Whatever it does by itself. */
    wakeup: c.capabilities.regime === 'blocks' ? { kind: 'sync' } : { kind: 'adaptive' },
    placement: c.placement,
    ...(c.capabilities.regime === 'blocks' ? { privileges: BY_PTRACE } : {}),
    tool: { workloads: c.workloads, applications: c.applications, launches: c.starts === 'launches' },
  };
}

const external: BackendDefinition = {
  name: 'external',
  title: 'whole tools, as they are',
  /* Serves the workload's gates; the tool does the tracing. */
  source: 'none',
  privileges: { least: 'root', what: 'as its own documentation has it' },
  variants: contestants.map(variantOf),
  launchNeeds: (variant) => contestantNamed(variant.name).needs ?? {},
};

function contestantNamed(name: string): Contestant {
  const found = contestants.find((contestant) => contestant.name === name);
  if (found === undefined) throw new TypeError(`no contestant is called '${name}'`);
  return found;
}

/** The contestant of a variant id; null for what is none. */
export function contestantOf(id: string): Contestant | null {
  const name = /^external\/(.+)$/.exec(id)?.[1];
  return name === undefined ? null : contestantNamed(name);
}

export default external;
