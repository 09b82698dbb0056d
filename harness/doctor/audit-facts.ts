/** Audit as it stands: its owner, its rules, and what may be done about login uids. */
import { join } from 'node:path';
import { z } from 'zod';
import { readFact } from '../machine/proc-files.ts';
import { type Fact, known, untold } from './fact.ts';
import type { ProgramAnswer } from './programs.ts';

/** What the kernel shows where nothing was set: (uid_t) −1. */
const UNSET = '4294967295';

const featureSchema = z.object({ on: z.boolean(), locked: z.boolean() });

/** A setting, and whether it stands until the next boot. */
export type AuditFeature = z.infer<typeof featureSchema>;

export interface AuditFacts {
  /** 0 off, 1 on, 2 locked; null when it could not be read. */
  readonly enabled: number | null;
  /** Process that owns the audit socket; 0: nobody. */
  readonly ownerPid: number | null;
  /** The process is alive and holds an audit socket: audit is really taken. */
  readonly ownerLives: boolean | null;
  /** Command of the process, when it is alive. */
  readonly ownerName: string | null;
  readonly rules: number | null;
  /** A rule that keeps new tasks from having an audit context: none of their calls can be seen. */
  readonly neverTask: boolean | null;
  /** null: this kernel has no such settings, or could not be asked. */
  readonly loginuidImmutable: AuditFeature | null;
  readonly onlyUnsetLoginuid: AuditFeature | null;
  /** Why there is nothing to say; null when there is. */
  readonly reason: string | null;
}

export interface LoginFacts {
  readonly loginUid: Fact<number | 'unset'>;
  readonly session: Fact<number | 'unset'>;
}

const ruleSchema = z.object({ filter: z.string(), action: z.string() });

/** What tracebench-guard --state says of audit. */
const guardSchema = z.object({
  audit: z.discriminatedUnion('available', [
    z.object({ available: z.literal(false), reason: z.string() }),
    z.object({
      available: z.literal(true),
      enabled: z.number(),
      pid: z.number(),
      ownerLives: z.boolean(),
      features: z.object({ loginuidImmutable: featureSchema, onlyUnsetLoginuid: featureSchema }).nullable(),
      rules: z.array(ruleSchema),
    }),
  ]),
});

const NOTHING: Omit<AuditFacts, 'reason'> = {
  enabled: null,
  ownerPid: null,
  ownerLives: null,
  ownerName: null,
  rules: null,
  neverTask: null,
  loginuidImmutable: null,
  onlyUnsetLoginuid: null,
};

/** The part of the guard's state that is about audit, as far as it tells. */
export function readAudit(answer: ProgramAnswer, root = '/'): AuditFacts {
  if (!answer.answered) return { ...NOTHING, reason: `tracebench-guard: ${answer.reason}` };
  const parsed = guardSchema.safeParse(answer.json);
  if (!parsed.success) return { ...NOTHING, reason: `tracebench-guard: ${z.prettifyError(parsed.error)}` };
  const { audit } = parsed.data;
  if (!audit.available) return { ...NOTHING, reason: audit.reason };
  return {
    enabled: audit.enabled,
    ownerPid: audit.pid,
    ownerLives: audit.ownerLives,
    ownerName: audit.pid === 0 ? null : readFact(join(root, `proc/${audit.pid}/comm`)),
    rules: audit.rules.length,
    neverTask: audit.rules.some((rule) => rule.filter === 'task' && rule.action === 'never'),
    loginuidImmutable: audit.features?.loginuidImmutable ?? null,
    onlyUnsetLoginuid: audit.features?.onlyUnsetLoginuid ?? null,
    reason: null,
  };
}

function numberOrUnset(text: string | null): Fact<number | 'unset'> {
  if (text === null) return untold('this kernel audits no system calls, or /proc is not mounted');
  return known(text === UNSET ? 'unset' : Number(text));
}

export function readLogin(root = '/'): LoginFacts {
  return {
    loginUid: numberOrUnset(readFact(join(root, 'proc/self/loginuid'))),
    session: numberOrUnset(readFact(join(root, 'proc/self/sessionid'))),
  };
}
