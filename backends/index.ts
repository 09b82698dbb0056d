/** The only TypeScript list of backends. Its order is the order of every table; the native list is native/src/sources.def. */
import { type BackendDefinition, type VariantDefinition, variantId } from '../harness/backend.ts';
import { usageError } from '../harness/errors.ts';
import auditd from './auditd/index.ts';
import ebpf from './ebpf/index.ts';
import external from './external/index.ts';
import ftrace from './ftrace/index.ts';
import none from './none/index.ts';
import perf from './perf/index.ts';
import ptrace from './ptrace/index.ts';
import seccompNotify from './seccomp-notify/index.ts';

export const backends: readonly BackendDefinition[] = [none, ebpf, ptrace, auditd, perf, ftrace, seccompNotify];

/** With the whole tools, which are measured only when they are asked for by name. */
export const backendsAndTools: readonly BackendDefinition[] = [...backends, external];

/** All variant ids of backends in report order: `none`, `ebpf`, `ebpf/count`, … */
export const variantIds: readonly string[] = backends.flatMap((b) => b.variants.map((v) => variantId(b.name, v.name)));

/** `external/strace`, … */
export const toolIds: readonly string[] = external.variants.map((v) => variantId(external.name, v.name));

/** The variant called `id`, a tool's as well. Throws a usage error that names the known ones; never falls back to another. */
export function findVariant(id: string): { backend: BackendDefinition; variant: VariantDefinition } {
  for (const backend of backendsAndTools) {
    for (const variant of backend.variants) {
      if (variantId(backend.name, variant.name) === id) return { backend, variant };
    }
  }
  throw usageError(`no backend is called '${id}'`, `one of: ${[...variantIds, ...toolIds].join(', ')}`);
}
