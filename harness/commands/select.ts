/** `tracebench select`: needs against a study. */
import { resolve } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { renderSelect } from '../../reports/select.ts';
import { variantId } from '../backend.ts';
import { EXIT, usageError } from '../errors.ts';
import { parseRate } from '../pace.ts';
import { parseDurationNs, parseShare } from '../quantity.ts';
import { judge, type Needs } from '../select/judge.ts';
import { newestStudy } from '../study-files.ts';
import { RESULT_FILE, readResult } from '../study-result.ts';
import { meantOr } from '../suggest.ts';
import { type CommandContext, type Finish, planContext, printJson, resultsDir, shownPath } from './context.ts';

const LOSS = 0.001;

export function selectCommand(context: () => CommandContext, finish: Finish) {
  return new Command('select')
    .summary('needs against a study: each backend accepted or refused, reason by reason')
    .description(
      'Holds needs against what a study measured. Every reason names the cell whose figure decided it; what the study does ' +
        'not show is said to be unknown, with the command that would measure it. Exit code 99 when nobody is accepted.',
    )
    .argument('[dir]', 'folder of the study (default: the newest under results/)')
    .option('--workload <name>', 'whose cells count', 'null')
    .option('--rate <calls>', 'calls a second that must be held: 100k', (text) => parseRate(text, '--rate').ratePerS)
    .option('--loss <share>', 'that may be lost', (text) => parseShare(text, '--loss'), LOSS)
    .addOption(
      new Option('--detail <detail>', 'of a record')
        .choices(['enter', 'full', 'paths'] as const)
        .default('full' as const),
    )
    .option('--latency <time>', 'p99 at most: 500us, 2ms', (text) => parseDurationNs(text, '--latency'))
    .option('--added <time>', 'to a call at most: 500ns, 2us', (text) => parseDurationNs(text, '--added'))
    .option('--cpu <share>', 'of one CPU that the collector may take: 10%', (text) => parseShare(text, '--cpu'))
    .option('--no-blocking', 'the workload must not be made to wait')
    .option('--follows-setuid', 'must go on tracing across a set-uid exec')
    .action(async (asked, options) => {
      const around = context();
      const dir = asked === undefined ? newestStudy(resultsDir, RESULT_FILE) : resolve(asked);
      if (dir === null)
        throw usageError(`there is no study under ${shownPath(resultsDir)}`, 'make one: ./tracebench run');
      const study = readResult(dir);
      const known = [...new Set(study.cells.map(({ workload }) => workload.name))];
      if (!known.includes(options.workload)) {
        throw usageError(`${shownPath(dir)} has no workload '${options.workload}'`, meantOr(options.workload, known));
      }
      const needs: Needs = {
        ratePerS: options.rate,
        lossFraction: options.loss,
        detail: options.detail,
        latencyNs: options.latency,
        addedNs: options.added,
        collectorCpu: options.cpu,
        mayBlock: options.blocking,
        followsSetuid: options.followsSetuid === true,
      };
      const capabilities = new Map(
        planContext().backends.flatMap(({ name, variants }) =>
          variants.map((variant) => [variantId(name, variant.name), variant.capabilities] as const),
        ),
      );
      const judged = judge({ study, capabilities, workload: options.workload, needs });
      if (around.json) await printJson(around, { study: study.studyId, workload: options.workload, needs, judged });
      else await around.print(renderSelect(judged, shownPath(dir)));
      if (!judged.some(({ outcome }) => outcome === 'accepted')) finish(EXIT.breached);
    });
}
