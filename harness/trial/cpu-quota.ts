/** The CPU quota of a starved collector: what is set, who holds it, and whether it can be had here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { CpuLimit } from '../../native/index.ts';
import { cannotError, type TracebenchError } from '../errors.ts';
import { type Host, hostCommand } from '../host/host.ts';
import { distDir } from '../paths.ts';
import { holdCpuGroup } from '../session/guard.ts';

const PERIOD_US = 10_000;
/** What the kernel takes (kernel/sched/core.c), of quota and period alike. */
const LEAST_US = 1000;
/** cgroup2's, version 1's; there with CONFIG_CFS_BANDWIDTH. */
const LIMIT_FILES = ['cpu.max', 'cpu.cfs_quota_us'];
const CHECK_LIMIT_MS = 10_000;

/** Of 10 ms; of more where the share of that would be less than the kernel's least quota. */
export function periodOf(share: number): Pick<CpuLimit, 'periodUs' | 'quotaUs'> {
  const periodUs = Math.max(PERIOD_US, Math.ceil(LEAST_US / share));
  return { periodUs, quotaUs: Math.round(share * periodUs) };
}

export interface HeldQuota {
  readonly limit: CpuLimit;
  /** Once the thread under it has ended. */
  release(): Promise<void>;
}

/** Throws (exit code 3) where it cannot be had. */
export async function holdCpuQuota(share: number): Promise<HeldQuota> {
  const guard = await holdCpuGroup();
  const { where } = guard;
  if (where !== null && LIMIT_FILES.some((file) => existsSync(join(where, file)))) {
    return { limit: { group: where, ...periodOf(share) }, release: () => guard.release() };
  }
  await guard.release();
  throw refused(where === null ? guard.reason : `${where} takes no CPU quota; use a kernel with CONFIG_CFS_BANDWIDTH`);
}

/** What the guard says where it refuses ends with the mend: behind a semicolon, or in parentheses. */
export function refused(reason: string): TracebenchError {
  const told = /^(?<why>.*?)(?: \((?<inside>[^()]*)\)|; (?<after>.*))?$/s.exec(reason)?.groups;
  const mend = told?.['inside'] ?? told?.['after'] ?? './tracebench doctor shows the control groups';
  return cannotError(`--starve quota: ${told?.['why'] ?? reason}`, mend);
}

/** Before a study: throws (exit code 3) where no trial on that host could have a quota. */
export async function checkCpuQuota(host: Host): Promise<void> {
  if (host.invoker === null) {
    const { release } = await holdCpuQuota(1 / 2);
    return release();
  }
  const [file, words] = hostCommand(host, join(distDir, 'harness', 'trial', 'cpu-quota-entry.js'), []);
  const run = await execa(file, words, { reject: false, stdin: 'ignore', timeout: CHECK_LIMIT_MS });
  if (run.failed) throw refused(run.stderr.trim() || (run.shortMessage ?? 'no answer'));
}
