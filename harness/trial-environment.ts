/** The environment of a target whose trial runs as another user than the runner: sudo empties the trial's own. */

/** Told to such a trial: the second line it reads is the environment. */
export const WITH_ENVIRONMENT = '--environment';

/** Puts it in place of our own, which is what targets inherit. Before the addon is loaded. */
export function takeEnvironment(environment: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
}
