/** The process's log: one line per change of state, as text for people or JSON for machines. */
import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { withoutSecrets } from './foreigntext.ts';
import { createLogOutput, standardErrorDescriptor } from './logoutput.ts';

/** What a room needs of a log: an object with Kubernetes' names for things, then one verb phrase. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

export type LogFormat = 'text' | 'json';

/**
 * Makes the log.
 * @param verbosity klog's -v: below 2 is info, from 2 on is debug.
 * @param out where lines go; standard error by default, as klog does.
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

/** A log that says nothing; for tests and for callers that have none. */
export const silentLogger: Logger = pino({ level: 'silent' });

/** The message of an error and of what caused it, in one line, outermost first. */
export function describeError(error: unknown): string {
  const messages: string[] = [];
  for (let at: unknown = error, depth = 0; at !== undefined && depth < causeDepthLimit; depth += 1) {
    const message = at instanceof Error ? withHint(at) : JSON.stringify(at);
    // Wrappers often repeat what they wrap; once is enough.
    if (!messages.some((known) => known.includes(message))) messages.push(message);
    at = at instanceof Error ? at.cause : undefined;
  }
  return messages.join(': ');
}

/** What helps against a limit of open files that is reached. */
export const outOfFilesRemedy =
  'raise the limit of open files of our process (`ulimit -n`, LimitNOFILE of the container runtime): it needs one for each node and client, and some hundred more';

/** Explanations of codes whose message says little. */
const hints: ReadonlyMap<unknown, string> = new Map([
  ['EMFILE', outOfFilesRemedy],
  ['ENFILE', 'the machine has as many files open as it may (fs.file-max)'],
  ['ERR_SSL_EE_KEY_TOO_SMALL', 'the certificate has a weak key: RSA of 2048 bits, or ECDSA with P-256, is the least'],
]);

function withHint(error: Error): string {
  const message = error.message || error.name;
  const hint = hints.get((error as { readonly code?: unknown }).code);
  return hint === undefined ? message : `${message} (${hint})`;
}

/** A line that a client or a kubelet can cause is logged at most once in this time for each cause, in milliseconds. */
const repeatedLineMs = 60_000;
/** Causes that are remembered as logged; beyond that all are forgotten. */
const causeLimit = 10_000;

/**
 * Returns a function that reports whether the line of a cause may be logged now.
 * @param monotonicMs the time, in milliseconds.
 */
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

/** Deeper chains of causes are a loop or noise. */
const causeDepthLimit = 6;

function standardError(format: LogFormat): DestinationStream {
  return createLogOutput({
    fd: standardErrorDescriptor(),
    droppedLine: (lines, code) => {
      const line = JSON.stringify({
        level: 'warn',
        time: new Date().toISOString(),
        lines,
        code,
        msg: 'lines were dropped: the log could not be written',
      });
      return format === 'json' ? `${line}\n` : toText(line);
    },
  });
}

function toJson(line: unknown): string {
  return `${JSON.stringify(line)}\n`;
}

/** Turns one line's object into `I 2026-11-22T21:54:00.000Z message key=value`. */
function toText(line: unknown): string {
  const { level, time, msg, ...rest } = line as Record<string, unknown>;
  const fields = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' && plain.test(value) ? value : JSON.stringify(value)}`,
  );
  return `${String(level).charAt(0).toUpperCase()} ${String(time)} ${String(msg)}${fields.join('')}\n`;
}

const plain = /^[\w./:@+-]+$/;
