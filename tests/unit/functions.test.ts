/** Variants that trace a function, workloads that call one: where they have cells, and what they are kept out of. */
import { describe, expect, it } from 'vitest';
import { findVariant, variantIds } from '../../backends/index.ts';
import { checkEvents, functionOf, makesSystemCalls } from '../../harness/plan/events.ts';
import { expandPlan } from '../../harness/plan/plan.ts';
import { resolveRequest } from '../../harness/plan/request.ts';
import type { Settings } from '../../harness/plan/settings.ts';
import { jointSpecs } from '../../harness/reference/plan.ts';
import { findWorkload } from '../../workloads/index.ts';
import { FULL_CAPABILITIES } from '../fixtures/capabilities.ts';
import { fakeBackends, fakeContext } from '../fixtures/plan-context.ts';

const traced = { symbol: 'f', stepped: 'g', provider: 'p', probe: 'q' };
const ring = fakeBackends.find(({ name }) => name === 'ring');
if (ring?.variants[0] === undefined) throw new Error('no ring');
const atFunction = {
  ...ring.variants[0],
  name: 'uprobe',
  capabilities: { ...ring.variants[0].capabilities, events: 'function', filter: 'none' } as const,
};
const context = fakeContext({
  backends: fakeBackends.map((b) => (b === ring ? { ...ring, variants: [...ring.variants, atFunction] } : b)),
  workloads: [
    { name: 'null', callsPerIteration: 1, maxThreads: 1 },
    { name: 'function', callsPerIteration: 1, maxThreads: 1, function: traced },
  ],
});
const expand = (settings: Settings) => {
  const request = resolveRequest(settings, context, 1);
  return expandPlan(request, request.variants, context);
};
const both: Settings = { backends: ['ring', 'ring/uprobe', 'stop'], workloads: ['null', 'function'] };

describe('functions and system calls', () => {
  it('never share a cell, and the plan says why; the baseline runs both', () => {
    const { plan, notes } = expand(both);
    expect(plan.cells.map(({ trial }) => `${trial.workload.name} ${trial.variant}`)).toEqual([
      'null none',
      'null none',
      'null ring',
      'null stop',
      'function none',
      'function none',
      'function ring/uprobe',
    ]);
    expect(notes).toContain(
      'no cell of ring/uprobe on null: it traces a function, and no system calls; its workload is function',
    );
    expect(notes).toContain('no cell of ring, stop on function: it traces system calls, and that workload makes none');
  });

  it('a filter of system calls leaves none of a function', () => {
    const { plan, notes } = expand({ ...both, events: ['read'] });
    expect(plan.cells.some(({ trial }) => trial.variant === 'ring/uprobe')).toBe(false);
    expect(notes).toContain(
      'no cell of ring/uprobe on function: a filter of system calls (-e) says nothing of a function',
    );
  });

  it('a workload without system calls has no joint trial', () => {
    const { plan } = expand(both);
    const roles = { reference: 'ring', counter: 'ring/count', delivering: (id: string) => id === 'stop' };
    const specs = jointSpecs(plan, new Set(['ring', 'ring/count', 'stop']), roles);
    expect(specs.map((spec) => [spec.workload.name, spec.variant])).toEqual([['null', 'stop']]);
    expect(makesSystemCalls({ kind: 'application', name: 'function', argv: ['function'] })).toBe(true);
  });
});

describe('the variants that trace a function', () => {
  const own = variantIds.filter((id) => findVariant(id).variant.capabilities.events === 'function');

  it('deliver records of entries, without a filter', () => {
    expect(own).toEqual(['ebpf/uprobe', 'ebpf/uprobe-stepped', 'ebpf/usdt', 'perf/uprobe']);
    for (const id of own)
      expect(findVariant(id).variant.capabilities).toMatchObject({ delivers: 'records', detail: 'enter', args: 6 });
  });

  it('know the function of the one program that has it', () => {
    const program = findWorkload('function')?.program;
    expect(functionOf(program)).toMatchObject({ symbol: 'tb_function', program });
    for (const id of own) {
      const { backend, variant } = findVariant(id);
      expect(() => checkEvents(id, variant.capabilities, program)).not.toThrow();
      expect(() => checkEvents(id, variant.capabilities, '/bin/true')).toThrow(/knows none of \/bin\/true/);
      const trace = { bufferBytes: 1, filter: null, wakeup: variant.wakeup, function: functionOf(program) };
      expect(backend.sourceOptions?.(variant, trace)).toMatchObject({
        program,
        ...(id === 'ebpf/usdt'
          ? { provider: 'tracebench', probe: 'call' }
          : { function: id === 'ebpf/uprobe-stepped' ? 'tb_function_stepped' : 'tb_function' }),
      });
    }
    expect(() => checkEvents('ring', FULL_CAPABILITIES, '/bin/true')).not.toThrow();
  });
});
