/**
 * What a user asked of a study, from flags and from a plan file alike. Everything is optional here; request.ts fills
 * in the profile's values and expands the result.
 */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { TracebenchError, usageError } from '../errors.ts';
import { parseBytes, parseDurationMs, parseHalfWidth } from '../quantity.ts';
import { nearest } from '../syscalls/nearest.ts';
import { parseBurst, parseRate } from './pace.ts';
import { parseStarvation } from './starvation.ts';
import { parseWakeup } from './wakeup.ts';

export const PROFILES = ['quick', 'ci', 'full'] as const;
export const PLACEMENTS = ['same', 'other', 'free'] as const;
/** native: idle CPUs sleep as they will; busy: each is kept awake during every trial. */
export const IDLE_POLICIES = ['native', 'busy'] as const;
/** Beyond what each variant gives by itself. */
export const ASKED_DETAILS = ['paths'] as const;

/** Text that a parser of ours understands; its usage error becomes the schema's issue. */
function parsed<Value>(parse: (text: string, what: string) => Value, what: string) {
  return z.union([z.string(), z.number()]).transform((value, context) => {
    try {
      return parse(String(value), what);
    } catch (error) {
      if (!(error instanceof TracebenchError)) throw error;
      context.issues.push({ code: 'custom', input: value, message: `${error.message}: ${error.mend}` });
      return z.NEVER;
    }
  });
}

/** A plan file may leave the brackets out where there is one. */
function oneOrMore<Item extends z.ZodType>(item: Item) {
  return z.preprocess((value) => (Array.isArray(value) ? value : [value]), z.array(item).min(1));
}

const names = z.array(z.string().min(1)).min(1);

export const settingsSchema = z
  .strictObject({
    profile: z.enum(PROFILES),
    backends: names.describe('backends (all their default variants) or variants: ebpf, ebpf/count'),
    workloads: names.describe('stamped workloads and applications; threads:4 names the number of threads'),
    command: names.describe('an application workload: program and arguments'),
    events: names.describe('names of the system calls traced; without it all'),
    rounds: z.int().min(1),
    warmupRounds: z.int().nonnegative(),
    buffer: parsed(parseBytes, 'buffer').describe('whole budget over all CPUs: bytes, or 8MiB'),
    inFlight: z.int().min(1).describe('calls that the buffers of a second set of cells hold, within reach of one CPU'),
    placement: z.enum(PLACEMENTS),
    idle: z.enum(IDLE_POLICIES),
    wakeup: oneOrMore(parsed(parseWakeup, 'wakeup')).describe('timer:200 (µs), adaptive, or watermark:4096 (bytes)'),
    starve: oneOrMore(parsed(parseStarvation, 'starve')).describe('a cell more for each: stall:50ms, quota:20%'),
    rate: oneOrMore(parsed(parseRate, 'rate')).describe('open loop: calls a second, 10k'),
    burst: oneOrMore(parsed(parseBurst, 'burst')).describe('open loop: 1000/10ms, calls at full speed every so often'),
    section: parsed(parseDurationMs, 'section').describe('length of an open loop’s section: seconds, or 500ms'),
    match: oneOrMore(z.int().min(0).max(100)).describe(
      'per cent of the calls that a filter lets pass: cells of workload selective',
    ),
    cpuBill: z.boolean().describe('a soaked cell beside each, for its CPU bill'),
    detail: z.enum(ASKED_DETAILS).describe('paths: the strings of path arguments besides'),
    seed: z.int().nonnegative(),
    user: z.string().min(1),
    calls: z.int().min(1),
    maxTime: parsed(parseDurationMs, 'maxTime').describe('seconds, or 5m'),
    untilHalfWidth: parsed(parseHalfWidth, 'untilHalfWidth').describe(
      'rounds go on until every slowdown is known to ± this share: 2%',
    ),
    deadline: parsed(parseDurationMs, 'deadline').describe('of one trial: seconds, or 5m'),
    require: names.describe('backends, variants or applications without which the study must not run'),
  })
  .partial();

/** Times in ms, buffer in bytes, inFlight in calls. */
export type Settings = z.output<typeof settingsSchema>;

/** Reads a YAML or JSON plan file (JSON is YAML). Usage errors name file, place and what was expected. */
export function readPlanFile(path: string): Settings {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageError(`the plan file cannot be read: ${(error as Error).message}`, 'name an existing file with --plan');
  }
  return parsePlanText(text, path);
}

export function parsePlanText(text: string, path: string): Settings {
  const document = parseDocument(text, { prettyErrors: true });
  const broken = document.errors[0];
  if (broken) throw usageError(`${path} is neither YAML nor JSON: ${broken.message.trim()}`, 'mend the line it names');
  const result = settingsSchema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  throw usageError(`${path} is not a plan:\n${z.prettifyError(result.error)}`, mendFor(result.error));
}

function mendFor(error: z.ZodError): string {
  const known = Object.keys(settingsSchema.shape);
  for (const issue of error.issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    for (const key of issue.keys) {
      const near = nearest(key, known);
      if (near !== null) return `did you mean ${near}?`;
    }
  }
  return `a plan knows ${known.join(', ')}`;
}

/** `over` wins; what it leaves out comes from `base`. */
export function mergeSettings(base: Settings, over: Settings): Settings {
  return { ...base, ...Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined)) };
}
