/** How much of the machine's processors this process may use: affinity, and the quotas of its control groups. */
import { dirname, join } from 'node:path';
import { field, INITIAL_NAMESPACES, namespaceInode, parseCpuList, readFact } from '../machine/proc-files.ts';
import { type Fact, known, untold } from './fact.ts';
import { type Mount, mountPoint, readMounts } from './mounts.ts';

export interface CgroupFacts {
  /** A controller of version 1 is mounted. */
  readonly v1: Fact<boolean>;
  /** Where version 2 is mounted; beside controllers of version 1 it has none of them. */
  readonly v2: Fact<string | 'not mounted'>;
}

export interface CpuFacts {
  /** CPUs this process may run on. */
  readonly allowed: Fact<readonly number[]>;
  /** In CPUs: the tightest of the groups from this process's own up. */
  readonly quota: Fact<number | 'none'>;
}

interface Place {
  readonly mount: Mount;
  /** The group of this process below the mount. */
  readonly group: string;
}

export function readCgroups(root = '/'): CgroupFacts {
  const v2 = mountPoint('cgroup2', root);
  const controllers = readMounts(['cgroup'], root).some((m) => !m.options.some((o) => o.startsWith('name=')));
  return { v1: v2.value === null ? v2 : known(controllers), v2 };
}

/** The hierarchy that has the cpu controller: version 1's where it is mounted, for then version 2 cannot have it. */
function cpuPlace(root: string): Place | null {
  const groups = (readFact(join(root, 'proc/self/cgroup')) ?? '').split('\n').map((line) => {
    const [, controllers = '', ...path] = line.split(':');
    return { controllers: controllers.split(','), path: path.join(':') };
  });
  const first = readMounts(['cgroup'], root).find((m) => m.options.includes('cpu'));
  const mount = first ?? readMounts(['cgroup2'], root)[0];
  const group = groups.find((g) => g.controllers.includes(first === undefined ? '' : 'cpu'))?.path;
  return mount === undefined || !group?.startsWith('/') ? null : { mount, group };
}

/** The quota of one group in CPUs; Infinity: none; null: this group has no such file. */
function quotaOf(directory: string, version: string): number | null {
  const [quota, period] =
    version === 'cgroup2'
      ? (readFact(join(directory, 'cpu.max')) ?? '').split(' ')
      : [readFact(join(directory, 'cpu.cfs_quota_us')) ?? '', readFact(join(directory, 'cpu.cfs_period_us')) ?? ''];
  if (quota === undefined || quota === '') return null;
  if (quota === 'max' || quota === '-1') return Number.POSITIVE_INFINITY;
  const cpus = Number(quota) / Number(period);
  return cpus > 0 ? cpus : null;
}

/** In CPUs: the tightest of the groups from this process's own up. */
export function readQuota(root = '/'): Fact<number | 'none'> {
  const place = cpuPlace(root);
  if (place === null) return untold('control groups are not mounted');
  if (place.group.startsWith('/..')) return untold('the control group is outside of what is mounted');
  let tightest = Number.POSITIVE_INFINITY;
  for (let group = place.group; ; group = dirname(group)) {
    tightest = Math.min(tightest, quotaOf(join(root, place.mount.path, group), place.mount.type) ?? tightest);
    if (group === '/') break;
  }
  if (tightest !== Number.POSITIVE_INFINITY) return known(tightest);
  if (namespaceInode('cgroup', root) === INITIAL_NAMESPACES.cgroup) return known('none');
  return untold('groups above this control group namespace are hidden');
}

export function readCpus(root = '/'): CpuFacts {
  const list = field(readFact(join(root, 'proc/self/status')), 'Cpus_allowed_list');
  return {
    allowed: list === null ? untold('/proc/self/status does not say') : known(parseCpuList(list)),
    quota: readQuota(root),
  };
}
