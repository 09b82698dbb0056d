/**
 * What a contestant is: a whole tool as data. How it is started, by what one sees that it traces, how it is stopped, where
 * its calls and its own admissions of loss stand. harness/contestants/ runs what is said here and knows no tool by name.
 */
import type { BufferTerms, Capabilities, LaunchNeeds, LossRelation, Placement } from '../../harness/backend.ts';

/**
 * Filled into words and files: the target's `pid` and audit `sessionId`, the trial's `folder` (in memory unless TMPDIR says otherwise, removed after it),
 * the names of the workload's stamped `calls`, `pagesPerCpu` and `kibPerCpu` of the study's buffer budget, and the names by which the
 * guard knows what to take away again: `instance` (tracing) and `ruleKey` (audit).
 */
export const BLANKS = [
  'pid',
  'sessionId',
  'folder',
  'calls',
  'pagesPerCpu',
  'kibPerCpu',
  'instance',
  'ruleKey',
] as const;
export type Blank = (typeof BLANKS)[number];

/** Files of the trial's folder that every contestant has; others are those its words name. */
export const STDOUT = 'stdout';
export const STDERR = 'stderr';
/** What `decode` printed. */
export const DECODED = 'decoded';

/** It traces once this text stands in a file of its folder; or once its main thread waits in one of these calls (named as on
 * x86-64, where ppoll and epoll_pwait count as their older forms).
 */
export type ReadySign = { readonly file: string; readonly line: RegExp } | { readonly waitsIn: readonly string[] };

/** A loss as the tool admits it; `line` has the group `lost`, and every match counts. */
export type ToolLoss = {
  readonly name: string;
  readonly unit: 'record' | 'call';
  readonly line: RegExp;
} & (
  | { readonly file: string }
  /** A command that prints a number which only grows: asked before and after. */
  | { readonly ask: readonly string[] }
);

/**
 * Where its calls stand. `line` matches one call, or one count of calls, and has the groups `nr` or `name`, and for calls the
 * arguments that a line shows, `a0` … `a5`, in `base`; for counts `count`. Without `count` each line is one call of `covers[0]`.
 */
export interface ToolOutput {
  readonly file: string;
  readonly line: RegExp;
  readonly base: 10 | 16;
}

export interface Contestant {
  /** The variant is `external/<name>`. */
  readonly name: string;
  /** One line for `tracebench list`. */
  readonly summary: string;
  /** Looked up over PATH, sbin folders included. */
  readonly program: string;
  /** Debian's package that brings it. */
  readonly package: string;
  /** attaches: started beside the target, which waits; launches: its words stand before the target's own. */
  readonly starts: 'attaches' | 'launches';
  readonly words: readonly string[];
  /** Files it wants to find in its folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** It looks for tracefs and debugfs where they are usually mounted; without: they are mounted for it alone. */
  readonly tracefs: boolean;
  /** null for one that launches: the target runs when it says so. */
  readonly ready: ReadySign | null;
  /** Commands run once it is ready, in this order. */
  readonly arm?: readonly (readonly string[])[];
  /** `target`: it ends with its target. */
  readonly stop: 'SIGINT' | 'SIGTERM' | 'target';
  /** Before it is stopped its files must have stood still for so long: it still writes what it was given. */
  readonly settleMs: number;
  /** A command that prints what it wrote as text. */
  readonly decode?: readonly string[];
  readonly output: ToolOutput;
  readonly losses: readonly ToolLoss[];
  /** How its admissions relate to calls. */
  readonly loss: LossRelation;
  /** Stamped workloads whose truth its output shows. */
  readonly workloads: readonly string[];
  /** Runs on any command as well; what it prints of one is not held against anything. */
  readonly applications: boolean;
  /** Names of the calls it sees; absent: all. */
  readonly covers?: readonly string[];
  /** By workload: calls counted that lie outside of warm-up and section; for those that deliver counts. */
  readonly outside?: Readonly<Record<string, number>>;
  readonly capabilities: Capabilities;
  /** Its buffer, where its size can be given; else null. */
  readonly buffer: BufferTerms | null;
  readonly placement: Placement;
  readonly needs?: LaunchNeeds;
  /** What it says where it cannot run, and the mend. */
  readonly refusals?: readonly { readonly says: RegExp; readonly mend: string }[];
}

/** Of a tool of which nothing but what its file says is claimed. */
export const OF_A_TOOL: Capabilities = {
  delivers: 'records',
  detail: 'enter',
  thread: true,
  args: 6,
  returnValue: false,
  paths: { none: 'its output is read for stamps, not for strings' },
  filter: 'none',
  ordering: 'none',
  regime: 'drops',
  losesEnd: 'newest',
  followsSetuid: false,
  seccompRefusals: 'unseen',
  tellsKilled: false,
  seesBirths: false,
  seesForeignArch: false,
  seesRestarts: false,
  seesSigreturn: false,
  seesDyingCalls: false,
  detaches: false,
};

const groupsOf = (line: RegExp): Set<string> =>
  new Set([...line.source.matchAll(/\(\?<(\w+)>/g)].map((m) => m[1] ?? ''));

/** Checks what types cannot. Throws TypeError that names the contestant and what is wrong with it. */
export function defineContestant(c: Contestant): Contestant {
  const wrong = (what: string): TypeError => new TypeError(`contestant ${c.name}: ${what}`);
  if (!/^[a-z][a-z0-9-]*$/.test(c.name)) throw wrong('a name is lower-case letters, digits, -');
  const asked = c.losses.flatMap((loss) => ('ask' in loss ? [loss.ask] : []));
  const texts = [c.words, ...(c.arm ?? []), c.decode ?? [], ...asked, Object.values(c.files ?? {})].flat();
  for (const text of texts) {
    for (const [, blank] of text.matchAll(/\{(\w+)\}/g)) {
      if (!BLANKS.includes(blank as Blank)) throw wrong(`{${blank}} is no blank; there are ${BLANKS.join(', ')}`);
    }
  }
  if ((c.starts === 'launches') !== (c.ready === null)) throw wrong('a ready sign belongs to one that attaches');
  if (c.starts === 'launches' && c.stop !== 'target') throw wrong('what launches its target ends with it');
  if (c.workloads.length === 0) throw wrong('it needs a workload whose truth its output shows');
  const groups = groupsOf(c.output.line);
  const named = groups.has('nr') || groups.has('name');
  if (c.capabilities.delivers === 'records') {
    if (!named || ![...groups].some((group) => /^a[0-5]$/.test(group)))
      throw wrong('a line of a call has the group nr or name, and arguments a0 … a5');
  } else if (c.capabilities.delivers !== 'counts') throw wrong('it delivers records or counts');
  else if (!named && c.covers?.length !== 1) throw wrong('lines without nr or name are of the one call it covers');
  for (const loss of c.losses) {
    if (!groupsOf(loss.line).has('lost')) throw wrong(`the line of ${loss.name} has no group lost`);
  }
  for (const line of [c.output.line, ...c.losses.map((loss) => loss.line)]) {
    if (line.global || line.sticky) throw wrong(`${line}: flags g and y are the reader's`);
  }
  return c;
}
