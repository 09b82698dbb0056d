// The form of C and C++, by clang-format. Another release of it forms the same file differently, so only the one of
// Debian 12 judges.
import { run } from './child.mjs';
import { findCommand } from './needs.mjs';
import { say } from './report.mjs';
import { filesUnder } from './stamps.mjs';

const RELEASE = '14';
const FOLDERS = ['native', 'backends', 'workloads', 'tests'];

/** @returns the program, or null after saying why there is none */
async function clangFormat() {
  const program = findCommand(`clang-format-${RELEASE}`) ?? findCommand('clang-format');
  if (!program) {
    say('form: skipped, clang-format is missing');
    return null;
  }
  const { stdout } = await run(program, ['--version']);
  const release = /version (\d+)\./.exec(stdout)?.[1];
  if (release === RELEASE) return program;
  say(`form: skipped, this is clang-format ${release}, the files are in the form of ${RELEASE}`);
  return null;
}

const files = () => FOLDERS.flatMap((folder) => filesUnder(folder, /\.(c|cc|cpp|h|hh|hpp)$/));

/** @returns 'good', 'bad' when a file is out of form, or 'skipped' after saying why it was not looked at */
export async function checkForm() {
  const program = await clangFormat();
  if (!program) return 'skipped';
  const sources = files();
  const result = await run(program, ['--dry-run', '-Werror', '--ferror-limit=5', ...sources], { output: 'tee' });
  if (result.code === 0) return 'good';
  say('form: to mend it: npm run format');
  return 'bad';
}

export async function applyForm() {
  const program = await clangFormat();
  if (!program) return true;
  return (await run(program, ['-i', ...files()], { output: 'tee' })).code === 0;
}
