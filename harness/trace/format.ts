/** One record as a line of text or of JSON. Records are whole calls, so no line is ever unfinished. */
import { type EventRecord, isRestart } from '../event.ts';
import { describeErrno, errnoName } from '../syscalls/errno.ts';
import { archName, NATIVE_ARCH, syscallName, syscallSignature } from '../syscalls/index.ts';
import { formatArguments } from './arguments.ts';
import { pathsJson } from './paths.ts';

/** Calls that return an address. */
const RETURNS_ADDRESS = new Set(['mmap', 'mmap2', 'mremap', 'brk', 'shmat', 'map_shadow_stack']);

/** −4095…−1 is how the kernel says errno; restarts are not errors. */
function errorOf(ret: bigint | null): number | null {
  return ret !== null && ret < 0n && ret >= -4095n && !isRestart(ret) ? Number(-ret) : null;
}

function formatReturn(record: EventRecord, name: string): string {
  const { ret } = record;
  if (record.noReturn) return ' = ?';
  if (ret === null) return record.enter ? '' : ' = ?';
  if (isRestart(ret)) return ` = ? ${errnoName(Number(-ret))} (to be restarted)`;
  const errno = errorOf(ret);
  if (errno !== null) return ` = -1 ${describeErrno(errno)}`;
  return RETURNS_ADDRESS.has(name) ? ` = 0x${BigInt.asUintN(64, ret).toString(16)}` : ` = ${ret}`;
}

/** Seconds of CLOCK_MONOTONIC with six decimals. */
function formatTime(tsNs: bigint): string {
  const us = tsNs / 1000n;
  return `${us / 1_000_000n}.${String(us % 1_000_000n).padStart(6, '0')}`;
}

export interface LineOptions {
  /** CLOCK_MONOTONIC after the tid. */
  readonly timestamps: boolean;
  /** What follows the `=`, where the record has it. */
  readonly returns: boolean;
}

/**
 * `[tid] name(arg, …) = ret`, without a newline. Calls of another architecture are marked `[i386]`, attempts that never
 * entered `[refused by seccomp]` or `[killed before it entered]`; a birth is `+++ born by clone +++`.
 */
export function formatRecord(record: EventRecord, options: LineOptions): string {
  const name = syscallName(record.arch, record.nr);
  const time = options.timestamps ? `${formatTime(record.tsNs)} ` : '';
  const foreign = record.arch === NATIVE_ARCH ? '' : `[${archName(record.arch)}] `;
  const head = `[${record.tid}] ${time}${foreign}`;
  if (record.kind === 'birth') return `${head}+++ born by ${name} +++`;
  const args = formatArguments(record.args, syscallSignature(record.arch, record.nr), record.arch, record.paths);
  const why = record.noReturn ? 'killed before it entered' : 'refused by seccomp';
  const mark = record.kind === 'refused' ? ` [${why}]` : '';
  return `${head}${name}(${args})${options.returns ? formatReturn(record, name) : ''}${mark}`;
}

/**
 * One JSON object, without a newline. tsNs and ret are integers of 64 bits (readers that round to doubles lose ns
 * after 104 days of uptime); arguments are hexadecimal strings, all six registers, null where not recorded. What was read
 * of path arguments stands beside them in `paths`.
 */
export function formatJson(record: EventRecord): string {
  const args = record.args.map((arg) => (arg === null ? 'null' : `"0x${arg.toString(16)}"`)).join(',');
  const errno = errorOf(record.ret);
  const marks = [
    errno === null ? '' : `,"errno":"${errnoName(errno)}"`,
    isRestart(record.ret) ? ',"restart":true' : '',
    record.noReturn ? ',"noReturn":true' : '',
    record.enter ? ',"enter":true' : '',
    pathsJson(record.paths),
  ].join('');
  return (
    `{"type":"${record.kind}","tsNs":${record.tsNs},"tid":${record.tid},"tgid":${record.tgid},"cpu":${record.cpu},` +
    `"arch":"${archName(record.arch)}","nr":${record.nr},"name":"${syscallName(record.arch, record.nr)}",` +
    `"args":[${args}],"ret":${record.ret}${marks}}`
  );
}
