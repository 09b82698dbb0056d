/** `tracebench compare BASE NEW`: what became slower, later or lossier, for people and for gates. */
import { writeFileSync } from 'node:fs';
import { Command } from '@commander-js/extra-typings';
import { renderCompareMarkdown } from '../../reports/compare-markdown.ts';
import { renderCompareTerminal } from '../../reports/compare-terminal.ts';
import { compareStudies } from '../compare/index.ts';
import { loadStudy } from '../compare/load.ts';
import { exitCodeOf } from '../compare/verdict.ts';
import { EXIT, TracebenchError, usageError } from '../errors.ts';
import { parseShare } from '../quantity.ts';
import { type CommandContext, type Finish, printJson } from './context.ts';

const DEFAULT_THRESHOLD = 0.05;
/** What capacity calls a sustainable loss, too. */
const DEFAULT_LOSS_THRESHOLD = 0.001;
const STANDARD_OUTPUT = '-';
const WIDTH_OF_A_LOG = 160;

const HELP = `
A change counts when it is significant (Mann–Whitney on the rounds, p < 0.05
after Holm over all cells and quantities) and larger than the threshold, the
noise of both studies and the minimum detectable effect, which is printed.
Without a test count: loss above its threshold where there was none, unreported
loss and accounting errors where there were none.

Exit codes: 0 no regression; 99 a regression, or cells missing with
--require-same-cells; 4 nothing could be judged; 2 wrong names, files that are
no studies, or studies of different states without --across.

Examples:
  ./tracebench compare results/monday results/tuesday
  ./tracebench compare base/result.json new/result.json --markdown summary.md
  ./tracebench compare base new --threshold 3% --require-same-cells --json
  ./tracebench compare laptop server --across`;

export function compareCommand(context: () => CommandContext, finish: Finish) {
  return new Command('compare')
    .summary('two studies: what became slower, later or lossier beyond the noise')
    .argument('<base>', 'folder of the study to compare with, or its result.json')
    .argument('<new>', 'folder of the study to judge, or its result.json')
    .option('--threshold <share>', 'relative change of a time from which on it counts (default: 5%)', (text) =>
      parseShare(text, '--threshold'),
    )
    .option(
      '--loss-threshold <share>',
      'change of the share of calls lost from which on it counts (default: 0.1%)',
      (text) => parseShare(text, '--loss-threshold'),
    )
    .option('--across', 'compare studies of different machines, kernels, audit states or terms, with marks')
    .option('--require-same-cells', 'a cell that only one of the studies has is a breach (exit code 99)')
    .option('--markdown <file>', 'write a Markdown summary for CI; - for standard output, instead of the table')
    .addHelpText('after', HELP)
    .action(async (basePath, newPath, options) => {
      const around = context();
      const { markdown, threshold, lossThreshold, across, requireSameCells } = options;
      if (around.json && markdown === STANDARD_OUTPUT) {
        throw usageError('--json and --markdown - both want standard output', 'name a file: --markdown summary.md');
      }
      const comparison = compareStudies(loadStudy(basePath), loadStudy(newPath), {
        threshold: threshold ?? DEFAULT_THRESHOLD,
        lossThreshold: lossThreshold ?? DEFAULT_LOSS_THRESHOLD,
        across: across === true,
        requireSameCells: requireSameCells === true,
      });
      if (markdown !== undefined && markdown !== STANDARD_OUTPUT) write(markdown, renderCompareMarkdown(comparison));
      if (around.json) await printJson(around, comparison);
      else if (markdown === STANDARD_OUTPUT) await around.print(renderCompareMarkdown(comparison));
      else {
        const width = process.stdout.columns || WIDTH_OF_A_LOG;
        await around.print(renderCompareTerminal(comparison, { width, stream: process.stdout }));
      }
      finish(exitCodeOf(comparison));
    });
}

/** In place: the file may be a device or a CI system's, which a renamed draft would replace. */
function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new TracebenchError(EXIT.runError, `cannot write ${path}: ${(error as Error).message}`, {
      cause: error,
      mend: 'name a file in a folder that this user may write',
    });
  }
}
