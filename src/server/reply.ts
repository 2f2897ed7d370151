/** What an endpoint answers, before it is on the wire. */
import { encodeJson } from '../apimachinery/meta.ts';
import type { StatusError } from '../apimachinery/status.ts';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** Exactly this media type, without a charset: clients compare it. */
const json = 'application/json';
const text = 'text/plain; charset=utf-8';

export function jsonReply(body: Buffer, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, contentType: json, headers, body };
}

export function textReply(body: string, status = 200): Reply {
  return { status, contentType: text, headers: { 'x-content-type-options': 'nosniff' }, body };
}

/** An error as a Status object, with what HTTP says beside it. */
export function statusReply(error: StatusError, pretty: boolean): Reply {
  const seconds = error.details?.retryAfterSeconds;
  return jsonReply(encodeJson(error.toStatus(), pretty ? 'pretty' : 'compact'), error.code, {
    ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
    ...(error.reason === 'Forbidden' ? { 'x-content-type-options': 'nosniff' } : {}),
  });
}

/** The paths that are served; also the body of the 404 for any other path. */
export function indexReply(paths: readonly string[], status: number): Reply {
  return jsonReply(encodeJson({ paths: [...paths].sort() }, 'pretty'), status);
}
