/** What perf and ftrace add on null, beside the tools that use the same mechanism, paired by round. */
import { execa } from 'execa';
import { ratioOfAdded } from '../../harness/statistics/bootstrap.ts';
import { added, contender, missingTool, take, withTracefs } from '../a/cost.ts';
import type { Check, Line } from '../check.ts';
import { externalPerCallNs, toolVersion, workloadCommand } from '../external.ts';
import { interleave } from '../interleave.ts';

const ROUNDS = 20;
const CALLS = 400_000;
/** What the default's samples carry: the argument registers, and two by which int 0x80 is told. */
const REGISTERS = 'di,si,dx,r10,r8,r9,cx,ip,bx,bp';

function perfRecord(...events: string[]): string[] {
  return withTracefs('perf', 'record', '-q', '-o', '/dev/null', ...events.flatMap((e) => ['-e', e]));
}

const EXIT = 'raw_syscalls:sys_exit';
const ENTER = 'raw_syscalls:sys_enter';

export const mechanismCost: Check = {
  name: 'mechanism-cost',
  title: 'perf and ftrace against perf record and trace-cmd record of the same events',
  startsForeign: true,
  async run({ seed, say }) {
    const version = await toolVersion('perf', ['--version']);
    if (version === null) return [missingTool('mechanism-cost', 'linux-perf')];
    const command = workloadCommand('null', CALLS);
    const foreign = (name: string, words: readonly string[]) => ({
      name,
      measure: () => externalPerCallNs([...words, ...command], null),
    });
    const traceCmd = await askTraceCmd();
    const contenders = [
      contender('none', CALLS),
      contender('perf', CALLS),
      contender('perf/lean', CALLS),
      contender('ftrace', CALLS),
      foreign('bare', []),
      foreign('perf record', [...perfRecord(EXIT), `--user-regs=${REGISTERS}`, '--']),
      foreign('perf record, both', [...perfRecord(ENTER, EXIT), '--']),
      ...(traceCmd.stops ? [] : [foreign('trace-cmd record', traceCmdRecord())]),
    ];
    const values = await interleave(contenders, ROUNDS, 1, seed, (text) => say(`mechanism-cost ${text}`));
    const none = take(values, 'none');
    const bare = take(values, 'bare');
    /* Each against its own baseline: the tool's target runs without our gates and pinning. */
    const tool = (name: string) => take(values, name).map((v, i) => v - (bare[i] as number) + (none[i] as number));
    const ratio = (ours: string, theirs: string, bound: number, of = version): Line => {
      const found = ratioOfAdded(take(values, ours), tool(theirs), none, { seed });
      return {
        name: `mechanism-cost: added by ${ours} / added by ${theirs} (${of}), ${ROUNDS} rounds`,
        value: found.estimate,
        unit: '×',
        low: found.low,
        high: found.high,
        bound: `≤ ${bound} (upper end)`,
        pass: (found.high ?? Number.POSITIVE_INFINITY) <= bound,
      };
    };
    return [
      ratio('perf', 'perf record', 0.65),
      ratio('ftrace', 'perf record', 0.5),
      ratio('perf', 'perf record, both', 0.65),
      ratio('perf/lean', 'perf record, both', 0.65),
      ratio('ftrace', 'perf record, both', 0.5),
      ...['perf', 'perf/lean', 'ftrace'].map((name) =>
        added(`mechanism-cost: added by ${name}`, take(values, name), none, seed),
      ),
      ...['perf record', 'perf record, both'].map((name) =>
        added(`mechanism-cost: added by ${name}`, take(values, name), bare, seed),
      ),
      traceCmd.row ?? ratio('ftrace', 'trace-cmd record', 1, traceCmd.version),
    ];
  },
};

const INSTANCE = 'tracebench-trace-cmd';

/** Its own instance, and the command alone with what it starts: never the whole machine. Failing, it leaves the instance to us. */
function traceCmdRecord(): string[] {
  const record = `trace-cmd record -q -B ${INSTANCE} -o /dev/null -F -c -e raw_syscalls "$0" "$@"`;
  const remove = `rmdir /sys/kernel/tracing/instances/${INSTANCE}`;
  return withTracefs('sh', '-c', `${record}; code=$?; ${remove} 2>/dev/null; exit $code`);
}

type TraceCmd = { stops: true; version: string; row: Line } | { stops: false; version: string; row: null };

/** Whether it records here. On kernels whose `ftrace_enabled` refuses writes it stops before it does; then its row says so. */
async function askTraceCmd(): Promise<TraceCmd> {
  // Asked for its version it gives its usage as well, and the exit code 255.
  const asked = await execa('trace-cmd', ['--version'], { reject: false, stdin: 'ignore', timeout: 10_000 });
  const version = /trace-cmd version (\S+)/.exec(asked.stdout)?.[0] ?? null;
  if (version === null) return { stops: true, version: '', row: missingTool('mechanism-cost', 'trace-cmd') };
  const [file, ...words] = [...traceCmdRecord(), 'true'];
  const run = await execa(file as string, words, { reject: false, stdin: 'ignore', timeout: 60_000 });
  if (!run.failed) return { stops: false, version, row: null };
  const reason = run.stderr.trim().split('\n').slice(0, 2).join(' ');
  const row = {
    name: `mechanism-cost: trace-cmd record (${version})`,
    value: Number.NaN,
    unit: 'ns/call',
    low: null,
    high: null,
    bound: 'reported',
    pass: /ftrace_enabled|not permitted|[Pp]ermission denied/.test(run.stderr),
    note: `it does not run here: ${reason}`,
  };
  return { stops: true, version, row };
}
