/** What an endpoint answers, before it is on the wire. */
import {
  encodeAs,
  encodeInPieces,
  type Encodable,
  type EncodableInPieces,
  mediaTypes,
} from '../apimachinery/encoding.ts';
import { encodeJson } from '../apimachinery/meta.ts';
import { encodeStatus } from '../apimachinery/metaprotobuf.ts';
import { notAcceptable, type StatusError } from '../apimachinery/status.ts';
import { bodyOf, type MadeBody } from './streamedbody.ts';
import { type Accepted, negotiate, noTransform, type Restrictions } from './negotiate.ts';
import type { ApiRequest } from './requestinfo.ts';
import type { Writers } from './writers.ts';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer | string | MadeBody;
}

export interface ShortReply extends Reply {
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

/** The form of an object that the client accepts; throws StatusError NotAcceptable if it accepts none. */
export function requireAccepted(request: ApiRequest, restrictions: Restrictions): Accepted {
  const accepted = negotiate(request, restrictions);
  if (accepted === undefined) throw notAcceptable(mediaTypes);
  return accepted;
}

export async function objectReply(object: Encodable, { mediaType, form }: Accepted): Promise<Reply> {
  return { status: 200, contentType: mediaType, body: await encodeAs(object, mediaType, form) };
}

/** As objectReply, of what may be long. Whatever can be wrong is found before the first byte is sent. */
export async function piecesReply(
  object: EncodableInPieces,
  { mediaType, form }: Accepted,
  writers: Writers,
): Promise<Reply> {
  const writer = writers.take();
  const pieces = await encodeInPieces(object, mediaType, form, writer);
  return { status: 200, contentType: mediaType, body: await bodyOf(pieces, () => writers.give(writer)) };
}

/**
 * An error as a Status object, with what HTTP says beside it. Where the client accepts no form of it, it is more important to tell the error
 * than to obey, so it is JSON for people.
 */
export async function statusReply(error: StatusError, request: ApiRequest): Promise<Reply> {
  const { mediaType, form } = negotiate(request, noTransform) ?? { mediaType: json, form: 'pretty' };
  const status = error.toStatus();
  const seconds = error.details?.retryAfterSeconds;
  return {
    status: error.code,
    contentType: mediaType,
    headers: {
      ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
      ...(error.reason === 'Forbidden' ? { 'x-content-type-options': 'nosniff' } : {}),
    },
    body: await encodeAs({ json: () => status, protobuf: () => encodeStatus(status) }, mediaType, form),
  };
}

/** Its body is a Status without its type, and not announced as JSON: Kubernetes writes it where it knows no object any more. */
export function timeoutReply(): Reply {
  const message = 'Timeout: request did not complete within the allotted timeout';
  const body = { metadata: {}, status: 'Failure', message, reason: 'Timeout', details: {}, code: 504 };
  return { status: 504, contentType: text, body: encodeJson(body) };
}

/** The paths that are served; also the body of the 404 for any other path. */
export function indexReply(paths: readonly string[], status: number): Reply {
  return jsonReply(encodeJson({ paths: [...paths].sort() }, 'pretty'), status);
}
