/** Makes errors of what a PromQL engine, or the way to it, did instead of answering. */
import { isBrokenConnection, isLateConnection, isUnreachable } from '../client/connectionerrors.ts';
import { field, parseJson, text } from '../client/json.ts';
import { excerpt, foreignText } from '../foreigntext.ts';
import { AnswerLimitError } from './elementsplitter.ts';
import type { PromqlEngine } from './engine.ts';
import type { Flow } from './flow.ts';
import { PromqlError, type PromqlProblem } from './promqlerror.ts';

/** Characters of an engine's own words. */
const wordsLimit = 300;

type Place = Pick<PromqlEngine, 'name' | 'url'>;

/** Names the engine in messages: `Prometheus at http://prometheus:9090`. One without a name of its own has `prometheus`. */
export function placeOf({ name, url }: Place): string {
  return name === 'prometheus' ? `Prometheus at ${url.origin}` : `Prometheus ${name} at ${url.origin}`;
}

export function lateError(place: Place, limitMs: number, cause?: unknown): PromqlError {
  const message = `${placeOf(place)} did not answer within ${limitMs / 1_000} s; is it overloaded, or the query expensive?`;
  return new PromqlError('late', message, { cause });
}

/** Explains a request that was not sent within its limit. */
export function queuedError(place: Place, { lane }: Flow, limitMs: number, cause: unknown): PromqlError {
  const earlier = lane === 'lists' ? 'earlier lists of series' : 'earlier requests of the same caller';
  const message = `${placeOf(place)}: ${earlier} were under way for ${limitMs / 1_000} s; is it overloaded, or are their queries expensive?`;
  return new PromqlError('late', message, { cause });
}

/** Explains an answer with another status than 2xx. @param body its beginning. */
export function statusError(place: Place, code: number, body: Buffer, location: string | undefined): PromqlError {
  const at = placeOf(place);
  if (code >= 300 && code < 400) return redirectError(place, code, location);
  const envelope = parseJson(body);
  const said = text(field(envelope, 'error'));
  const errorType = text(field(envelope, 'errorType'));
  const words = said === undefined ? excerpt(body, { limit: wordsLimit }) : foreignText(said, { limit: wordsLimit });
  const answered = `${at} answered ${code}${errorType === undefined ? '' : ` ${foreignText(errorType, { limit: 40 })}`}`;
  const message = `${answered}${words === '' ? '' : `: ${words}`}${remedyOf(code)}`;
  if (code >= 500) {
    // An engine's own errors are JSON; a proxy's are not.
    const ofProxy = said === undefined ? proxyProblems.get(code) : undefined;
    return new PromqlError(ofProxy ?? 'failed', message, { code });
  }
  return new PromqlError(problemOf4xx(code, words), message, { code });
}

/** Statuses of a request that may succeed later: it took too long to arrive, came too early, or is one of too many. */
const overloaded: ReadonlySet<number> = new Set([408, 425, 429]);
/** Words of engines that answer 422 to every query that fails, also where it took too long, or a store was away. */
const lateWords = /\b(?:timed out|timeout exceeded|deadline exceeded)\b/i;
const awayWords =
  /code = Unavailable|\b(?:is|are) (?:currently |temporarily )?unavailable\b|connection re(?:fused|set)|no such host|i\/o timeout/i;

function problemOf4xx(code: number, words: string): PromqlProblem {
  if (code === 422 && lateWords.test(words)) return 'late';
  return overloaded.has(code) || (code === 422 && awayWords.test(words)) ? 'failed' : 'refused';
}

const proxyProblems: ReadonlyMap<number, PromqlProblem> = new Map([
  [502, 'interrupted'],
  [503, 'interrupted'],
  [504, 'late'],
]);

function remedyOf(code: number): string {
  if (code === 401) return '; check --prometheus-token-file or the credentials in --prometheus-url';
  if (code === 403) return '; allow our account to query it';
  if (code === 404) return '; is the path of --prometheus-url right?';
  if (code === 413 || code === 414) return '; try --prometheus-verb=POST';
  return '';
}

/** A redirect is never followed: its target would get our credentials. */
function redirectError(place: Place, code: number, location: string | undefined): PromqlError {
  const target =
    location !== undefined && URL.canParse(location, place.url.href) ? new URL(location, place.url.href) : undefined;
  const where =
    target === undefined
      ? 'elsewhere'
      : `to ${foreignText(`${target.origin}${target.pathname}`, { limit: wordsLimit })}`;
  const message = `${placeOf(place)} redirects (${code}) ${where}; if that is right, use it as --prometheus-url`;
  return new PromqlError('refused', message, { code });
}

/** Explains an error of the connection or of reading the answer. */
export function exchangeError(place: Place, error: unknown): PromqlError {
  if (error instanceof PromqlError) return error;
  const at = placeOf(place);
  const code = codeOf(error);
  if (isLateConnection(error)) {
    return new PromqlError('unavailable', `${at}: no connection in time; does a NetworkPolicy drop it?`, {
      cause: error,
    });
  }
  if (isUnreachable(error)) {
    return new PromqlError('unavailable', `${at} cannot be reached (${code}); does it run, and is the URL right?`, {
      cause: error,
    });
  }
  if (isBrokenConnection(error)) {
    return new PromqlError('interrupted', `${at} closed the connection in the middle (${code}); does it restart?`, {
      cause: error,
    });
  }
  if (error instanceof AnswerLimitError) {
    return new PromqlError('invalid', `${at}: ${error.message}; let the rule select or aggregate more`, {
      cause: error,
    });
  }
  const said = error instanceof Error ? excerpt(error.message, { limit: wordsLimit }) : 'unknown';
  if (/certificate|self.signed|CERT_|SSL|TLS|EPROTO/i.test(`${code} ${said}`)) {
    return new PromqlError('unavailable', `${at}: TLS failed: ${said}; check --prometheus-ca-file`, { cause: error });
  }
  return new PromqlError('invalid', `${at} sent no answer of Prometheus: ${said}; is the URL right?`, { cause: error });
}

/** Searches causes, too. */
function codeOf(error: unknown): string {
  for (let each = error, depth = 0; each instanceof Error && depth < depthLimit; each = each.cause, depth += 1) {
    const code = text(field(each, 'code'));
    if (code !== undefined) return code;
  }
  return 'no code';
}

const depthLimit = 6;
