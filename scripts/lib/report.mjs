// What the set-up says, and how it fails. All of it goes to stderr: stdout belongs to the program that is set up.

/** The machine cannot do what was asked (the same codes as `tracebench` itself). */
export const EXIT_MACHINE = 3;
export const EXIT_USAGE = 2;
export const EXIT_FAILED = 1;

/** One line about something that is being done. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** An error that names what failed, why, and what to do about it. */
export class SetupError extends Error {
  constructor(what, { why = '', mend = '', code = EXIT_FAILED } = {}) {
    super(what);
    this.name = 'SetupError';
    this.why = why;
    this.mend = mend;
    this.code = code;
  }
}

/** Runs a script's main function; turns its failure into one readable message and the right exit code. */
export async function runMain(main) {
  try {
    const code = await main();
    if (typeof code === 'number') process.exitCode = code;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`tracebench: ${error.message}`);
    if (error.why) say(indent('why:  ', error.why));
    if (error.mend) say(indent('mend: ', error.mend));
    process.exitCode = error.code;
  }
}

function indent(label, text) {
  return `  ${label}${text.trimEnd().replaceAll('\n', `\n  ${' '.repeat(label.length)}`)}`;
}

/** Bytes for people. */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(0)} KiB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
