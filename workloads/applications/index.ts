/** The catalogue of applications, in the order of tables. */
import type { Application } from './application.ts';
import { compile } from './compile.ts';
import { find } from './find.ts';
import { git } from './git.ts';
import { http } from './http.ts';
import { mill } from './mill.ts';
import { nginx } from './nginx.ts';
import { node } from './node.ts';
import { redis } from './redis.ts';
import { shellExec } from './shell-exec.ts';
import { sqlite } from './sqlite.ts';
import { superProducer } from './super-producer.ts';
import { tar } from './tar.ts';

export type { Application, Figure, Place, Server } from './application.ts';

export const applications: readonly Application[] = [
  find,
  tar,
  shellExec,
  mill,
  compile,
  git,
  sqlite,
  node,
  http,
  nginx,
  redis,
  superProducer,
];

export function findApplication(name: string): Application | undefined {
  return applications.find((application) => application.name === name);
}

/** Debian packages by application, for who installs them. */
export const packages: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  applications.map((application) => [application.name, application.packages]),
);
