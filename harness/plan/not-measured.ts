/** What a study leaves out, each with the command that would measure it: nothing is skipped silently. */
import { type BackendDefinition, variantId } from '../backend.ts';
import type { BackendRow, Study } from '../result.ts';
import { wakeupText } from '../result-words.ts';
import type { PlanContext } from './context.ts';
import { DEFAULT_IN_FLIGHT } from './profiles.ts';
import type { Request } from './request.ts';
import { definitionOf } from './variants.ts';

/** Variants are named one by one up to so many. */
const NAMED = 6;

/** Tools have none: they run when they are asked for by name. */
function hasDefault({ variants }: BackendDefinition): boolean {
  return variants[0]?.name === '';
}

/** From here on BCa intervals stand beside the order-statistic ones. */
const ROUNDS_FOR_BCA = 10;

export function notMeasured(request: Request, rows: readonly BackendRow[], context: PlanContext): Study['notMeasured'] {
  const left: Study['notMeasured'] = [];
  const cannot = rows.filter((row) => row.answer === 'no').map((row) => row.variant);
  if (cannot.length > 0) {
    const how =
      request.wakeups.length === 0 ? '' : `, or not with wake-up ${request.wakeups.map(wakeupText).join(' or ')}`;
    left.push({
      what: `what this machine or user cannot run${how}: ${cannot.join(', ')}`,
      command: './tracebench doctor',
    });
  }
  for (const [what, backends, others] of [
    ['variants', context.backends.filter(hasDefault), './tracebench run --profile full'],
    ['whole tools', context.backends.filter((backend) => !hasDefault(backend)), './tracebench list'],
  ] as const) {
    const variants = backends
      .flatMap((backend) => backend.variants.map((variant) => variantId(backend.name, variant.name)))
      .filter((id) => !request.variants.includes(id));
    if (variants.length === 0) continue;
    const few = variants.length <= NAMED;
    left.push({
      what: `${what} that were not asked for: ${few ? variants.join(', ') : `${variants.slice(0, NAMED).join(', ')} and ${variants.length - NAMED} more`}`,
      command: few ? `./tracebench run --backends ${variants.join(',')}` : others,
    });
  }
  const asked = new Set(request.workloads.map(({ spec }) => spec.name));
  const workloads = context.workloads.map((entry) => entry.name).filter((name) => !asked.has(name));
  if (workloads.length > 0) {
    left.push({
      what: `workloads that were not asked for: ${workloads.join(', ')}`,
      command: `./tracebench run --workloads ${workloads.join(',')}`,
    });
  }
  const applications = context.applications.filter(({ name, lack }) => lack === null && !asked.has(name));
  if (applications.length > 0) {
    const names = applications.map(({ name }) => name);
    left.push({
      what: `applications that were not asked for: ${names.join(', ')}`,
      command: `./tracebench run --workloads ${names.join(',')}`,
    });
  }
  const isClosed = request.workloads.every(({ spec }) => spec.kind === 'application' || spec.pace === null);
  if (isClosed && request.workloads.some(({ spec }) => spec.kind === 'stamped')) {
    left.push({
      what: 'how soon records are to be had at a given load: these loops are closed',
      command: './tracebench run --rate 1k,10k,100k',
    });
  }
  const buffered = request.variants.some((id) => definitionOf(id, context.backends).variant.buffer !== null);
  if (request.inFlight === null && buffered) {
    left.push({
      what: 'buffers that hold equally many calls: these have equal bytes only',
      command: `./tracebench run --in-flight ${DEFAULT_IN_FLIGHT}`,
    });
  }
  if (request.rounds < ROUNDS_FOR_BCA && request.timeBudgetMs === null) {
    left.push({
      what: `a second, bootstrap interval beside each: it needs ${ROUNDS_FOR_BCA} rounds`,
      command: './tracebench run --profile ci',
    });
  }
  return left;
}
