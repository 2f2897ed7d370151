/** Replies of handlers, before they are sent. */
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
import type { QueueShare } from '../eventloopqueue.ts';
import { bodyFromPieces, type StreamedBody } from './streamedbody.ts';
import { type Accepted, negotiate, noTransform, type Restrictions } from './negotiate.ts';
import type { ApiRequest } from './requestinfo.ts';
import type { WriterPool } from './writers.ts';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Buffer | string | StreamedBody;
}

export interface ShortReply extends Reply {
  readonly body: Buffer | string;
}

/** Without a charset: clients compare it literally. */
const json = 'application/json';
const text = 'text/plain; charset=utf-8';

export function jsonReply(body: Buffer, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, contentType: json, headers, body };
}

export function textReply(body: string, status = 200): Reply {
  return { status, contentType: text, headers: { 'x-content-type-options': 'nosniff' }, body };
}

/** @throws StatusError NotAcceptable if the client accepts no form. */
export function requireAccepted(request: ApiRequest, restrictions: Restrictions): Accepted {
  const accepted = negotiate(request, restrictions);
  if (accepted === undefined) throw notAcceptable(mediaTypes);
  return accepted;
}

export async function objectReply(object: Encodable, { mediaType, form }: Accepted): Promise<Reply> {
  return { status: 200, contentType: mediaType, body: await encodeAs(object, mediaType, form) };
}

/** Encodes an object that may be long. All errors precede the first byte. */
export async function piecesReply(
  object: EncodableInPieces,
  { mediaType, form }: Accepted,
  { writers, share }: { readonly writers: WriterPool; readonly share: QueueShare | undefined },
): Promise<Reply> {
  const writer = writers.acquire();
  const pieces = await encodeInPieces(object, mediaType, form, writer);
  return {
    status: 200,
    contentType: mediaType,
    body: await bodyFromPieces(pieces, () => writers.release(writer), share),
  };
}

/** Falls back to indented JSON for a client that accepts no form of Status: the error matters more. */
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

/** As Kubernetes: a Status without kind, as text. */
export function timeoutReply(): Reply {
  const message = 'Timeout: request did not complete within the allotted timeout';
  const body = { metadata: {}, status: 'Failure', message, reason: 'Timeout', details: {}, code: 504 };
  return { status: 504, contentType: text, body: encodeJson(body) };
}

/** Lists paths; also the body of a 404. */
export function indexReply(paths: readonly string[], status: number): Reply {
  return jsonReply(encodeJson({ paths: [...paths].sort() }, 'pretty'), status);
}
