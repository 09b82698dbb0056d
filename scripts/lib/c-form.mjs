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

/** @returns false when a file is out of form */
export async function checkForm() {
  const program = await clangFormat();
  const sources = files();
  if (!program || sources.length === 0) return true;
  const result = await run(program, ['--dry-run', '-Werror', '--ferror-limit=5', ...sources], { output: 'tee' });
  if (result.code !== 0) say('form: to mend it: npm run format');
  return result.code === 0;
}

export async function applyForm() {
  const program = await clangFormat();
  const sources = files();
  if (!program || sources.length === 0) return true;
  return (await run(program, ['-i', ...sources], { output: 'tee' })).code === 0;
}
