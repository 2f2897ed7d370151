/** The process's log: a line per change of state, as text or JSON. */
import { type DestinationStream, pino } from 'pino';
import { withoutSecrets } from './foreigntext.ts';
import { createLogOutput, standardErrorDescriptor } from './logoutput.ts';
import type { MessageCode } from './messagecodes.ts';

/** Takes an object with Kubernetes' field names, then a message. Warnings and errors have a code. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: CodedFields, message: string): void;
  error(fields: CodedFields, message: string): void;
}

export interface CodedFields {
  readonly code: MessageCode;
  readonly [field: string]: unknown;
}

export type LogFormat = 'text' | 'json';

/**
 * @param verbosity klog's -v: info below 2, debug from 2 on.
 * @param out standard error by default, as in klog.
 */
export function createLogger(
  format: LogFormat,
  verbosity: number,
  out: DestinationStream = standardError(format),
): Logger {
  return pino(
    {
      level: verbosity >= 2 ? 'debug' : 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    { write: (line) => out.write((format === 'json' ? toJson : toText)(withoutSecrets(JSON.parse(line)))) },
  );
}

/** For tests and for callers without a log. */
export const silentLogger: Logger = pino({ level: 'silent' });

/** Returns the messages of an error and its causes in one line, outermost first. */
export function describeError(error: unknown): string {
  const messages: string[] = [];
  for (let at: unknown = error, depth = 0; at !== undefined && depth < causeDepthLimit; depth += 1) {
    const message = at instanceof Error ? withHint(at) : JSON.stringify(at);
    // Wrappers often repeat the message that they wrap.
    if (!messages.some((known) => known.includes(message))) messages.push(message);
    at = at instanceof Error ? at.cause : undefined;
  }
  return messages.join(': ');
}

/** The remedy for a reached limit of open files. */
export const outOfFilesRemedy =
  'raise the limit of open files of our process (`ulimit -n`, LimitNOFILE of the container runtime): it needs one for each node and client, and some hundred more';

const hints: ReadonlyMap<unknown, string> = new Map([
  ['EMFILE', outOfFilesRemedy],
  ['ENFILE', 'the machine has as many files open as it may (fs.file-max)'],
  [
    'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
    "the key is not that of the certificate: check client-certificate and client-key of the kubeconfig, or the flags for the kubelets' client certificate",
  ],
  ['ERR_SSL_EE_KEY_TOO_SMALL', 'the certificate has a weak key: RSA of 2048 bits, or ECDSA with P-256, is the least'],
]);

function withHint(error: Error): string {
  const message = error.message || error.name;
  const hint = hints.get((error as { readonly code?: unknown }).code);
  return hint === undefined ? message : `${message} (${hint})`;
}

/** A line that a client or a kubelet can cause is logged once per cause in this time. */
const repeatedLineMs = 60_000;
const causeLimit = 10_000;

/** Reports whether a cause's line may be logged now. */
export function createLineLimit(monotonicMs: () => number): (cause: string) => boolean {
  const loggedMs = new Map<string, number>();
  return (cause) => {
    const nowMs = monotonicMs();
    if (nowMs - (loggedMs.get(cause) ?? -Infinity) < repeatedLineMs) return false;
    if (loggedMs.size >= causeLimit) loggedMs.clear();
    loggedMs.set(cause, nowMs);
    return true;
  };
}

/** Longer chains are cycles or noise. */
const causeDepthLimit = 6;

function standardError(format: LogFormat): DestinationStream {
  return createLogOutput({
    fd: standardErrorDescriptor(),
    droppedLine: (lines, reason) => {
      const code: MessageCode = 'LogLinesDropped';
      const line = JSON.stringify({
        level: 'warn',
        time: new Date().toISOString(),
        code,
        lines,
        reason,
        msg: 'lines were dropped: the log could not be written',
      });
      return format === 'json' ? `${line}\n` : toText(line);
    },
  });
}

function toJson(line: unknown): string {
  return `${JSON.stringify(line)}\n`;
}

/** Formats `I 2026-11-22T21:54:00.000Z message key=value`. */
function toText(line: unknown): string {
  const { level, time, msg, ...rest } = line as Record<string, unknown>;
  const fields = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' && plain.test(value) ? value : JSON.stringify(value)}`,
  );
  return `${String(level).charAt(0).toUpperCase()} ${String(time)} ${String(msg)}${fields.join('')}\n`;
}

const plain = /^[\w./:@+-]+$/;
