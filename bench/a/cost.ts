/** What tracing adds, paired by round: eBPF against its own floor and bpftrace, ptrace against strace. */
import { bcaMedian, ratioOfAdded } from '../../harness/statistics/bootstrap.ts';
import type { Check, Line } from '../check.ts';
import { externalPerCallNs, toolVersion, workloadCommand } from '../external.ts';
import { type Contender, interleave } from '../interleave.ts';
import { perCallNs, trial } from '../trials.ts';

const EBPF_ROUNDS = 24;
const TOOL_ROUNDS = 12;
/** 8 MiB of 96-byte records are 87,381 calls in flight if one CPU can reach them all; 20 × that. */
const EBPF_CALLS = 1_800_000;
const PTRACE_CALLS = 30_000;
const BPFTRACE_CALLS = 200_000;

export function contender(variant: string, calls: number, missing: number[] = []): Contender {
  return {
    name: variant,
    async measure() {
      const t = await trial({ variant, workload: 'null', calls });
      if (t.accounting.delivers === 'records') missing.push(t.accounting.missing);
      return perCallNs(t);
    },
  };
}

export function take(values: Map<string, number[]>, name: string): number[] {
  const list = values.get(name);
  if (list === undefined) throw new Error(`no contender ${name}`);
  return list;
}

export function added(name: string, values: readonly number[], none: readonly number[], seed: number): Line {
  const differences = values.map((v, i) => v - (none[i] as number));
  const interval = bcaMedian(differences, { seed });
  return {
    name,
    value: interval?.estimate ?? Number.NaN,
    unit: 'ns/call',
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    bound: 'reported',
    pass: interval !== null,
  };
}

export const ebpfCost: Check = {
  name: 'ebpf-cost',
  title: 'eBPF on null, closed loop, 8 MiB: nothing missing, and at most twice the cost of counting',
  async run({ seed, say }) {
    const missing: number[] = [];
    const contenders = [contender('none', EBPF_CALLS), contender('ebpf/count', EBPF_CALLS)];
    contenders.push(contender('ebpf', EBPF_CALLS, missing), contender('ebpf/ringbuf', EBPF_CALLS));
    const values = await interleave(contenders, EBPF_ROUNDS, 1, seed, (text) => say(`ebpf-cost ${text}`));
    const none = take(values, 'none');
    const lines: Line[] = [];
    for (const [name, bounded] of [
      ['ebpf', true],
      ['ebpf/ringbuf', false],
    ] as const) {
      const ratio = ratioOfAdded(take(values, name), take(values, 'ebpf/count'), none, { seed });
      lines.push({
        name: `ebpf-cost: added by ${name} / added by ebpf/count, ${EBPF_ROUNDS} rounds`,
        value: ratio.estimate,
        unit: '×',
        low: ratio.low,
        high: ratio.high,
        bound: bounded ? '≤ 2 (upper end)' : 'reported',
        pass: !bounded || (ratio.high ?? Number.POSITIVE_INFINITY) <= 2,
      });
    }
    const lost = missing.reduce((a, b) => a + b, 0);
    lines.push({
      name: `ebpf-cost: calls missing in ${missing.length} trials of ${EBPF_CALLS}`,
      value: lost,
      unit: 'calls',
      low: null,
      high: null,
      bound: '= 0',
      pass: lost === 0,
    });
    for (const name of ['ebpf/count', 'ebpf', 'ebpf/ringbuf']) {
      lines.push(added(`ebpf-cost: added by ${name}`, take(values, name), none, seed));
    }
    return lines;
  },
};

/** For tools that look events up in tracefs: mounted for them alone, in a mount namespace that ends with them. */
export function withTracefs(...command: string[]): string[] {
  const mounts = 'mount -t tracefs nodev /sys/kernel/tracing && mount -t debugfs nodev /sys/kernel/debug';
  return ['unshare', '--mount', 'sh', '-c', `${mounts} && exec "$0" "$@"`, ...command];
}

/** The fields of our record: time, thread, process, number, six arguments, return value. */
const BPFTRACE_PROGRAM = `
tracepoint:raw_syscalls:sys_enter /pid == cpid/ {
  printf("%llu %d %d %d %lx %lx %lx %lx %lx %lx\\n", nsecs, tid, pid, args->id,
    args->args[0], args->args[1], args->args[2], args->args[3], args->args[4], args->args[5]);
}
tracepoint:raw_syscalls:sys_exit /pid == cpid/ { printf("%d %ld\\n", tid, args->ret); }`;

export const bpftraceCost: Check = {
  name: 'bpftrace-cost',
  title: 'eBPF adds less than a tenth of what bpftrace adds by printing the same fields',
  startsForeign: true,
  async run({ seed, say }) {
    const version = await toolVersion('bpftrace', ['--version']);
    if (version === null) return [missingTool('bpftrace-cost', 'bpftrace')];
    const command = workloadCommand('null', BPFTRACE_CALLS).join(' ');
    const contenders: Contender[] = [
      contender('none', BPFTRACE_CALLS),
      contender('ebpf', BPFTRACE_CALLS),
      {
        name: 'bpftrace',
        measure: () =>
          externalPerCallNs(withTracefs('bpftrace', '-o', '/dev/null', '-e', BPFTRACE_PROGRAM, '-c', command), null),
      },
      { name: 'bare', measure: () => externalPerCallNs(workloadCommand('null', BPFTRACE_CALLS), null) },
    ];
    const values = await interleave(contenders, TOOL_ROUNDS, 1, seed, (text) => say(`bpftrace-cost ${text}`));
    const none = take(values, 'none');
    const bare = take(values, 'bare');
    /* Each against its own baseline: the tool's target runs without our gates and pinning. */
    const tool = take(values, 'bpftrace').map((v, i) => v - (bare[i] as number) + (none[i] as number));
    const ratio = ratioOfAdded(take(values, 'ebpf'), tool, none, { seed });
    return [
      {
        name: `bpftrace-cost: added by ebpf / added by ${version}, ${TOOL_ROUNDS} rounds`,
        value: ratio.estimate,
        unit: '×',
        low: ratio.low,
        high: ratio.high,
        bound: '< 0.1 (upper end)',
        pass: (ratio.high ?? 1) < 0.1,
        note: 'bpftrace drops events under this load, which makes it cheaper than it would be whole',
      },
      added('bpftrace-cost: added by bpftrace', take(values, 'bpftrace'), bare, seed),
    ];
  },
};

export const ptraceCost: Check = {
  name: 'ptrace-cost',
  title: 'ptrace adds at most 0.85 of what strace adds, each pinned with its target to one CPU',
  startsForeign: true,
  async run({ seed, say }) {
    const version = await toolVersion('strace', ['--version']);
    if (version === null) return [missingTool('ptrace-cost', 'strace')];
    const command = workloadCommand('null', PTRACE_CALLS);
    const contenders: Contender[] = [
      contender('none', PTRACE_CALLS),
      contender('ptrace', PTRACE_CALLS),
      { name: 'strace', measure: () => externalPerCallNs(['strace', '-f', '-o', '/dev/null', ...command], 0) },
      { name: 'bare', measure: () => externalPerCallNs(command, 0) },
    ];
    const values = await interleave(contenders, TOOL_ROUNDS * 2, 1, seed, (text) => say(`ptrace-cost ${text}`));
    const none = take(values, 'none');
    const bare = take(values, 'bare');
    const tool = take(values, 'strace').map((v, i) => v - (bare[i] as number) + (none[i] as number));
    const ratio = ratioOfAdded(take(values, 'ptrace'), tool, none, { seed });
    return [
      {
        name: `ptrace-cost: added by ptrace / added by ${version}, ${TOOL_ROUNDS * 2} rounds`,
        value: ratio.estimate,
        unit: '×',
        low: ratio.low,
        high: ratio.high,
        bound: '≤ 0.85 (upper end)',
        pass: (ratio.high ?? 1) <= 0.85,
      },
      added('ptrace-cost: added by ptrace', take(values, 'ptrace'), none, seed),
      added('ptrace-cost: added by strace', take(values, 'strace'), bare, seed),
    ];
  },
};

export function missingTool(check: string, tool: string): Line {
  return {
    name: `${check}: ${tool} is not installed`,
    value: Number.NaN,
    unit: '',
    low: null,
    high: null,
    bound: 'installed',
    pass: false,
    note: `apt-get install ${tool}`,
  };
}
