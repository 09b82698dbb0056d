/** `tracebench select`: needs against a study. */
import { resolve } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { backendsAndTools } from '../../backends/index.ts';
import { renderSelect } from '../../reports/select.ts';
import { PRIVILEGES, variantId } from '../backend.ts';
import { readCapacity } from '../capacity/file.ts';
import { EXIT, usageError } from '../errors.ts';
import { parsePeak, parseRate } from '../plan/pace.ts';
import { parseBytes, parseDurationNs, parseShare } from '../quantity.ts';
import type { Study } from '../result.ts';
import type { MeasuredCapacities } from '../select/capacity.ts';
import { type Declared, judge } from '../select/judge.ts';
import type { Needs } from '../select/needs.ts';
import { newestStudy } from '../study/study-files.ts';
import { RESULT_FILE, readResult } from '../study/study-result.ts';
import { meantOr } from '../suggest.ts';
import { type CommandContext, type Finish, printJson, resultsDir, shownPath } from './context.ts';

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
    .option('--burst <peak:time>', 'that must be held as well: 1M:100ms', (text) => parsePeak(text, '--burst'))
    .option('--capacity <dir>', 'a capacity study, by which rate and burst are judged where cells do not decide')
    .option('--loss <share>', 'that may be lost', (text) => parseShare(text, '--loss'), LOSS)
    .addOption(
      new Option('--detail <detail>', 'of a record')
        .choices(['enter', 'full', 'paths'] as const)
        .default('full' as const),
    )
    .option('--latency <time>', 'p99 at most: 500us, 2ms', (text) => parseDurationNs(text, '--latency'))
    .option('--added <time>', 'to a call at most: 500ns, 2us', (text) => parseDurationNs(text, '--added'))
    .option('--cpu <share>', 'of one CPU that the collector may take: 10%', (text) => parseShare(text, '--cpu'))
    .option('--memory <size>', 'of kernel buffers and collector at most: 64MiB', (text) => parseBytes(text, '--memory'))
    .addOption(new Option('--privileges <most>', 'that the collector will have').choices(PRIVILEGES))
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
        privileges: options.privileges,
        burst: options.burst,
        memoryBytes: options.memory,
      };
      const capacities =
        options.capacity === undefined ? null : capacitiesIn(options.capacity, study, options.workload);
      const declared = new Map(
        backendsAndTools.flatMap(({ name, variants, privileges }) =>
          variants.map((v): [string, Declared] => [
            variantId(name, v.name),
            { capabilities: v.capabilities, privileges: v.privileges ?? privileges },
          ]),
        ),
      );
      const judged = judge({ study, declared, capacities, workload: options.workload, needs });
      if (around.json) await printJson(around, { study: study.studyId, workload: options.workload, needs, judged });
      else await around.print(renderSelect(judged, shownPath(dir)));
      if (!judged.some(({ outcome }) => outcome === 'accepted')) finish(EXIT.breached);
    });
}

/** Figures of two studies are put together only where they are of one machine and one workload. */
function capacitiesIn(path: string, { environment }: Study, workload: string): MeasuredCapacities {
  const study = readCapacity(path, '--capacity');
  const file = shownPath(resolve(path));
  if (study.workload !== workload) {
    throw usageError(
      `--capacity: ${file} was measured with workload ${study.workload}, and cells of ${workload} are to count`,
      `./tracebench capacity --surface --workload ${workload}`,
    );
  }
  const other = (['kernelRelease', 'cpuModel', 'cpusOnline'] as const).find(
    (fact) => study.environment[fact] !== environment[fact],
  );
  if (other !== undefined) {
    throw usageError(
      `--capacity: ${file} is of another machine than the study (${other}: ${study.environment[other]} and ${environment[other]})`,
      'give studies of one machine',
    );
  }
  return { study, file };
}
