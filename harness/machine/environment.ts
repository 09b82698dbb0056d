/**
 * What the machine is, as far as it bears on a measurement: read from /proc, /sys and /etc as whatever user this is.
 * A file that is missing or unreadable is a fact like any other (null, `unknown`, an empty list), never an error.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { binDir, projectRoot } from '../paths.ts';
import type { Environment } from '../result.ts';
import { findContainer } from './container.ts';
import { readKernelConfig } from './kernel-config.ts';
import { field, parseCpuList, readFact } from './proc-files.ts';

/** CAP_* of linux/capability.h by bit. */
const CAPABILITIES = `
  chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
  net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin
  sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override
  mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore`
  .trim()
  .split(/\s+/);

function names(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Names of the capabilities in a hexadecimal mask as /proc/PID/status prints it, lower case, without `CAP_`. */
export function decodeCapabilities(mask: string): string[] {
  const bits = BigInt(`0x${mask}`);
  const held: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if ((bits >> BigInt(bit)) & 1n) held.push(CAPABILITIES[bit] ?? `cap_${bit}`);
  }
  return held;
}

/** Ticks a second, from the coarse clock's step, for kernels that do not show their configuration. */
async function measureHz(): Promise<number | null> {
  const program = join(binDir, 'tracebench-calibrate');
  if (!existsSync(program)) return null;
  const run = await execa(program, ['--tick'], { timeout: 5_000, killSignal: 'SIGKILL', reject: false });
  const tickNs = Number(run.stdout);
  return !run.failed && tickNs > 0 ? Math.round(1e9 / tickNs) : null;
}

/** The word in brackets of a choice such as `none [integrity] confidentiality` or `none (full)`. */
function chosen(text: string | null): string | null {
  return /[[(](\w+)[\])]/.exec(text ?? '')?.[1] ?? null;
}

function bootParameter(root: string, name: string): string | null {
  const words = (readFact(join(root, 'proc/cmdline')) ?? '').split(/\s+/);
  return words.findLast((w) => w.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
}

/**
 * The preemption model: what debugfs says is active; else, for a kernel that can change it while it runs, what it was
 * booted with, marked so.
 */
function preemption(root: string, version: string, config: ReadonlyMap<string, string>): string {
  const active = chosen(readFact(join(root, 'sys/kernel/debug/sched/preempt')));
  if (active !== null) return active;
  if (/\bPREEMPT_RT\b/.test(version)) return 'rt';
  const dynamic = /\bPREEMPT_DYNAMIC\b/.test(version);
  const asBooted = dynamic ? ' (as booted)' : '';
  const asked = dynamic ? bootParameter(root, 'preempt') : null;
  if (asked !== null) return asked + asBooted;
  if (config.get('CONFIG_PREEMPT_NONE') === 'y') return `none${asBooted}`;
  if (config.get('CONFIG_PREEMPT_VOLUNTARY') === 'y') return `voluntary${asBooted}`;
  if (config.get('CONFIG_PREEMPT_LAZY') === 'y') return `lazy${asBooted}`;
  if (config.get('CONFIG_PREEMPT') === 'y') return `full${asBooted}`;
  return !dynamic && /\bPREEMPT\b/.test(version) ? 'full' : 'unknown';
}

/** The hypervisor: its own name where it gives one, else what the firmware tables or the clock betray. */
function virtualisation(root: string, cpuinfo: string | null): string {
  const type = readFact(join(root, 'sys/hypervisor/type'));
  if (type !== null && type !== '') return type;
  const dmi = ['sys_vendor', 'product_name']
    .map((f) => readFact(join(root, 'sys/class/dmi/id', f)))
    .filter((f) => f !== null && f !== '')
    .join(' ');
  const known = /KVM|QEMU|VMware|VirtualBox|Virtual Machine|Xen|Bochs|Google Compute Engine|OpenStack|Parallels|bhyve/i;
  const treeNode = readFact(join(root, 'proc/device-tree/hypervisor/compatible'));
  if (treeNode !== null) return treeNode.replaceAll('\0', '');
  const flagged = /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo ?? '');
  const clocks = readFact(join(root, 'sys/devices/system/clocksource/clocksource0/available_clocksource')) ?? '';
  const clock = /\bkvm-clock\b/.test(clocks)
    ? 'kvm'
    : /\bhyperv/.test(clocks)
      ? 'hyper-v'
      : /\bxen\b/.test(clocks)
        ? 'xen'
        : null;
  if (known.test(dmi)) return clock === null ? dmi : `${clock} (${dmi})`;
  if (clock !== null) return clock;
  return flagged ? 'unknown hypervisor' : 'none';
}

/** Commit of the checkout, read from its files: whoever calls this may have no git and must start nothing. */
function gitRevision(checkout: string): string | null {
  const dot = join(checkout, '.git');
  const elsewhere = /^gitdir: (.+)$/.exec(readFact(dot) ?? '')?.[1];
  const gitDir = elsewhere === undefined ? dot : resolve(checkout, elsewhere);
  const commonDir = resolve(gitDir, readFact(join(gitDir, 'commondir')) ?? '.');
  const head = readFact(join(gitDir, 'HEAD'));
  if (head === null) return null;
  const ref = /^ref: (.+)$/.exec(head)?.[1];
  if (ref === undefined) return head;
  for (const dir of [gitDir, commonDir]) {
    const loose = readFact(join(dir, ref));
    if (loose !== null) return loose;
  }
  const packed = readFact(join(commonDir, 'packed-refs'))?.split('\n') ?? [];
  return packed.find((line) => line.endsWith(` ${ref}`))?.split(' ')[0] ?? null;
}

function cpuModel(cpuinfo: string | null): string {
  const name = field(cpuinfo, 'model name') ?? field(cpuinfo, 'Model');
  if (name !== null) return name;
  const implementer = field(cpuinfo, 'CPU implementer');
  return implementer === null
    ? 'unknown'
    : `implementer ${implementer} part ${field(cpuinfo, 'CPU part') ?? 'unknown'}`;
}

/** The version in a package.json. */
export function toolVersion(checkout: string = projectRoot): string {
  return (JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string }).version;
}

/**
 * Reads everything anew. `root` is the directory that stands for / (tests put a foreign machine's files there);
 * architecture, user id and versions are always this process's own.
 */
export async function readEnvironment(root = '/'): Promise<Environment> {
  const kernelRelease = readFact(join(root, 'proc/sys/kernel/osrelease')) ?? 'unknown';
  const kernelVersion = readFact(join(root, 'proc/sys/kernel/version')) ?? 'unknown';
  const config = readKernelConfig(root, kernelRelease).options;
  const cpuinfo = readFact(join(root, 'proc/cpuinfo'));
  const online = readFact(join(root, 'sys/devices/system/cpu/online'));
  const memoryKiB = /^(\d+) kB$/.exec(field(readFact(join(root, 'proc/meminfo')), 'MemTotal') ?? '')?.[1];
  const vulnerabilities = join(root, 'sys/devices/system/cpu/vulnerabilities');
  const capEff = field(readFact(join(root, 'proc/self/status')), 'CapEff');
  const configured = Number(config.get('CONFIG_HZ'));
  const hz = configured > 0 ? configured : root === '/' ? await measureHz() : null;
  const osName = /^PRETTY_NAME="?(.*?)"?$/m.exec(readFact(join(root, 'etc/os-release')) ?? '')?.[1];
  return {
    kernelRelease,
    kernelVersion,
    arch: process.arch,
    cpuModel: cpuModel(cpuinfo),
    cpusOnline: online === null ? (cpuinfo?.match(/^processor\s*:/gm)?.length ?? 0) : parseCpuList(online).length,
    memoryBytes: Number(memoryKiB ?? 0) * 1024,
    virtualisation: virtualisation(root, cpuinfo),
    preemption: preemption(root, kernelVersion, config),
    hz,
    clocksource: readFact(join(root, 'sys/devices/system/clocksource/clocksource0/current_clocksource')) ?? 'unknown',
    mitigations: Object.fromEntries(
      names(vulnerabilities).map((name) => [name, readFact(join(vulnerabilities, name)) ?? 'unreadable']),
    ),
    governor: readFact(join(root, 'sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')),
    capabilities: capEff === null ? [] : decodeCapabilities(capEff),
    uid: process.getuid?.() ?? 0,
    lockdown: chosen(readFact(join(root, 'sys/kernel/security/lockdown'))),
    btf: existsSync(join(root, 'sys/kernel/btf/vmlinux')),
    container: findContainer(root).name,
    nodeVersion: process.version,
    toolVersion: toolVersion(),
    gitRevision: gitRevision(projectRoot),
    osRelease: osName ?? 'unknown',
  };
}

/**
 * What must be equal for trials of two sittings to belong to one study (`--resume`), as one comparable line. All of the
 * environment but memory and the distribution's name; the tool's own revision is in it, for a changed tool is a changed
 * instrument.
 */
export function fingerprint(environment: Environment): string {
  const { osRelease: _os, memoryBytes: _memory, preemption: model, capabilities, mitigations, ...rest } = environment;
  return JSON.stringify({
    ...rest,
    // The mark "(as booted)" goes and comes with debugfs, the model does not.
    preemption: model.split(' ')[0],
    capabilities: [...capabilities].sort(),
    mitigations: Object.entries(mitigations).sort(([a], [b]) => (a < b ? -1 : 1)),
  });
}
