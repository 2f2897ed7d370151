/** Reads response bodies within a limit, decoded or as StatusErrors. */
import type { Readable } from 'node:stream';
import type { StatusCause, StatusDetails } from '../apimachinery/meta.ts';
import { reasonOf, StatusError } from '../apimachinery/status.ts';
import { excerpt, foreignText } from '../foreigntext.ts';
import { BodyBuffer } from './bodybuffer.ts';
import { field, items, parseJson, text } from './json.ts';
import type { BodyTurn } from './largebodies.ts';
import { createProtobufDecoder, isProtobuf, type Message, type ProtobufDecoder } from './protobufreader.ts';

/** 500 nodes with all images, the largest page, are about 25 MB. */
export const bodyLimitBytes = 64 * 1024 * 1024;

/** @param turn in which the body is read. @throws Error beyond the limit. */
export async function readBody(
  body: Readable,
  limitBytes: number,
  into = new BodyBuffer(),
  turn?: BodyTurn,
): Promise<Buffer> {
  let bytes = 0;
  into.clear();
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new Error(`the answer is larger than ${limitBytes} bytes`);
    const wait = turn?.grow(bytes);
    if (wait !== undefined) await wait;
    into.add(chunk);
  }
  return into.bytes();
}

export interface ProtobufForm {
  readonly decoder: ProtobufDecoder;
  readonly message: Message;
}

/**
 * @param secret whether the body may repeat a secret, so that it is not quoted.
 * @param protobuf if requested; the response may still be JSON.
 */
export function decodeBody(body: Buffer, secret: boolean, protobuf?: ProtobufForm): unknown {
  if (protobuf !== undefined && isProtobuf(body)) return protobuf.decoder.object(body, protobuf.message);
  const decoded = parseJson(body);
  // The parser's message quotes the body, too.
  if (decoded === undefined)
    throw new Error(`the answer is not JSON: ${secret ? `${body.length} bytes` : excerptOf(body)}`);
  return decoded;
}

/**
 * Uses the server's words, or a proxy's body.
 * @param secrets that must not be repeated.
 * @param request e.g. `GET https://10.96.0.1:443/api/v1/nodes`; becomes the cause, hidden from clients.
 * @param retryAfter as in client-go, a date is ignored.
 */
export function toStatusError(
  request: string,
  code: number,
  body: Buffer,
  retryAfter = '',
  secrets: readonly string[] = [],
): StatusError {
  const status = statusIn(body);
  const said = text(field(status, 'message'));
  const message = said === undefined ? excerptOf(body, secrets) : foreignText(said, { secrets });
  const seconds = secondsOf(retryAfter) ?? field(field(status, 'details'), 'retryAfterSeconds');
  const causes = causesIn(status, secrets);
  const details = {
    ...(typeof seconds === 'number' ? { retryAfterSeconds: seconds } : {}),
    ...(causes.length === 0 ? {} : { causes }),
  };
  return statusError(code, message, new Error(`${request} answered ${code}`), details);
}

/** More explain no error better. */
const causeLimit = 10;

function causesIn(status: unknown, secrets: readonly string[]): readonly StatusCause[] {
  return items(field(field(status, 'details'), 'causes'))
    .slice(0, causeLimit)
    .map((each) => ({
      reason: foreignText(text(field(each, 'reason')) ?? '', { secrets }),
      message: foreignText(text(field(each, 'message')) ?? '', { secrets }),
    }));
}

function secondsOf(retryAfter: string): number | undefined {
  return /^[0-9]{1,9}$/.test(retryAfter.trim()) ? Number(retryAfter) : undefined;
}

/** Converts a Status, such as one in a watch. */
export function fromStatus(request: string, status: unknown): StatusError {
  const code = field(status, 'code');
  const message = foreignText(text(field(status, 'message')) ?? 'the server does not say why');
  return statusError(typeof code === 'number' ? code : 500, message, new Error(`${request} was ended by the server`));
}

function statusError(code: number, message: string, cause: Error, details: StatusDetails = {}): StatusError {
  return new StatusError(reasonOf(code) ?? (code >= 500 ? 'InternalError' : 'BadRequest'), message, {
    code,
    cause,
    ...(Object.keys(details).length === 0 ? {} : { details }),
  });
}

function statusIn(body: Buffer): unknown {
  const decoded = isProtobuf(body) ? parseProtobuf(body) : parseJson(body);
  return field(decoded, 'kind') === 'Status' ? decoded : undefined;
}

function parseProtobuf(body: Buffer): unknown {
  try {
    return createProtobufDecoder().object(body, {});
  } catch {
    return undefined;
  }
}

/** Characters. */
const excerptLimit = 200;

function excerptOf(body: Buffer, secrets: readonly string[] = []): string {
  return excerpt(body, { limit: excerptLimit, secrets }) || 'no body';
}
