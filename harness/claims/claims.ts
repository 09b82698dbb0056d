/**
 * What people repeat about these mechanisms, and which cells of a study decide it. Data; judge.ts has the rules. A source is
 * where the claim is made or was measured elsewhere: other machines, so none of their figures is used.
 */

/** Of workload `null`, which does nothing else: the time a mechanism adds to a call, paired by round with the untraced trial. */
export type Rule =
  /** added(left) < factor × added(right), against each of `right`. */
  | {
      readonly kind: 'cheaper';
      readonly left: string;
      readonly right: readonly string[];
      readonly factor: number;
    }
  /** The same on a workload of whose calls the filter of the study lets few through. */
  | {
      readonly kind: 'cheaper when few match';
      readonly workload: string;
      readonly left: string;
      readonly right: string;
      readonly factor: number;
      /** Matching calls / calls, at most. */
      readonly matching: number;
    }
  /** added(left, on `workload`) ≥ factor × added(right), each of `left`: events of two kinds, in the same rounds. */
  | {
      readonly kind: 'as dear';
      readonly workload: string;
      readonly left: readonly string[];
      readonly right: string;
      readonly factor: number;
    }
  /** added(variant) ≥ half a round trip through a pipe, which is one switch to another task, on the same CPUs. */
  | { readonly kind: 'a switch per call'; readonly variant: string }
  /** Slowdown above `slowdown` and calls lost. */
  | { readonly kind: 'slow and lossy'; readonly variant: string; readonly slowdown: number }
  /** The slowdown of every application in the study lies within. */
  | {
      readonly kind: 'slowdown of applications';
      readonly variant: string;
      readonly least: number;
      readonly most: number;
    };

export interface Claim {
  readonly id: string;
  readonly text: string;
  readonly source: string;
  readonly rule: Rule;
}

export const claims: readonly Claim[] = [
  {
    id: 'ptrace-switch',
    text: 'ptrace costs a context switch per event',
    source: 'Gregg, "strace wow much syscall"',
    rule: { kind: 'a switch per call', variant: 'ptrace' },
  },
  {
    id: 'ptrace-agent',
    text: 'a ptrace agent is about 20 % slower',
    source: 'said of agents without eBPF; one vendor says 3 % (DataDog/documentation#25105)',
    rule: { kind: 'slowdown of applications', variant: 'ptrace/seccomp', least: 1.1, most: 1.3 },
  },
  {
    id: 'audit-slow-lossy',
    text: 'audit is a performance hit and lossy',
    source: 'linux-audit list 2015; eAudit, IEEE S&P 2024',
    rule: { kind: 'slow and lossy', variant: 'auditd', slowdown: 1.1 },
  },
  {
    id: 'uprobe-ptrace',
    text: 'uprobes cost as much as ptrace',
    source: 'repeated without a figure',
    rule: {
      kind: 'as dear',
      workload: 'function',
      left: ['ebpf/uprobe', 'ebpf/uprobe-stepped'],
      right: 'ptrace',
      factor: 0.8,
    },
  },
  {
    id: 'perfbuf-printk',
    text: 'the perf buffer is the preferred way, trace_printk is not',
    source: 'bpf-helpers(7), bpf_trace_printk',
    rule: { kind: 'cheaper', left: 'ebpf/perfbuf', right: ['ebpf/printk'], factor: 1 },
  },
  {
    id: 'ebpf-cheaper',
    text: 'eBPF is cheaper than the traditional tracers',
    source: 'eAudit, IEEE S&P 2024; the opposite: osquery#7375',
    rule: { kind: 'cheaper', left: 'ebpf', right: ['ptrace', 'auditd', 'perf', 'ftrace'], factor: 1 },
  },
  {
    id: 'raw-tracepoint',
    text: 'raw tracepoints beat tracepoints',
    source: 'Linux commit c5d420c32cb4; no difference: LAUREL, TracepointComparisons.md',
    rule: { kind: 'cheaper', left: 'ebpf/ringbuf', right: ['ebpf/tracepoint'], factor: 1 },
  },
  {
    id: 'ringbuf-perfbuf',
    text: 'the ring buffer beats the perf buffer',
    source: 'Linux commit c97099b0f227',
    rule: { kind: 'cheaper', left: 'ebpf/ringbuf', right: ['ebpf/perfbuf'], factor: 1 },
  },
  {
    id: 'aggregate',
    text: 'aggregating in the kernel beats streaming',
    source: 'jgalar/LinuxCon2022-Benchmarks',
    rule: { kind: 'cheaper', left: 'ebpf/count', right: ['ebpf', 'ebpf/ringbuf'], factor: 1 },
  },
  {
    id: 'seccomp-ptrace',
    text: 'seccomp filtering makes ptrace cheap',
    source: 'strace 5.3 --seccomp-bpf, on a kernel build',
    rule: {
      kind: 'cheaper when few match',
      workload: 'mixed',
      left: 'ptrace/seccomp',
      right: 'ptrace',
      factor: 0.1,
      matching: 0.2,
    },
  },
];
