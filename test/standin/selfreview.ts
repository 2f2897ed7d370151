/** Answers SelfSubjectAccessReviews, which `kubectl auth can-i` posts: as JSON, or as protobuf, which kubectl prefers for built-in kinds. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { field, text } from '../../src/client/json.ts';
import { refuse, reply } from '../fakes/apiread.ts';
import { isAllowed, type User } from './users.ts';

export const selfReviewPath = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** As in authorization.k8s.io/v1; only what decides here. */
interface ReviewSpec {
  readonly resourceAttributes?: Readonly<Record<string, string>>;
  readonly nonResourceAttributes?: Readonly<Record<string, string>>;
}

/** Writes a review of the user with its status; 400 for a body that is not one. */
export async function answerSelfReview(request: IncomingMessage, response: ServerResponse, user: User): Promise<void> {
  const body = await buffer(request);
  let spec: ReviewSpec;
  try {
    spec = body.subarray(0, magic.length).equals(magic) ? readProtobuf(body) : readJson(body);
  } catch (error) {
    refuse(response, 400, `cannot read the review: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  const { resourceAttributes: resource, nonResourceAttributes: nonResource } = spec;
  const allowed = isAllowed({
    user: user.username,
    groups: user.groups,
    group: resource?.['group'] ?? '',
    verb: (resource ?? nonResource)?.['verb'] ?? '',
    ...(nonResource === undefined ? {} : { path: nonResource['path'] ?? '' }),
  });
  reply(response, 201, {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec,
    status: { allowed },
  });
}

function readJson(body: Buffer): ReviewSpec {
  const spec = field(JSON.parse(body.toString()), 'spec');
  const attributes = (name: string, keys: readonly string[]): Record<string, string> | undefined => {
    const object = field(spec, name);
    return object === undefined
      ? undefined
      : Object.fromEntries(
          keys.flatMap((key) => (text(field(object, key)) ? [[key, text(field(object, key)) ?? '']] : [])),
        );
  };
  return withoutUndefined(
    attributes('resourceAttributes', resourceKeys),
    attributes('nonResourceAttributes', nonResourceKeys),
  );
}

/** Prefix of every message in Kubernetes: runtime/serializer/protobuf. */
const magic = Buffer.from('k8s\0');
/** Keys by field number, from 1 (staging/src/k8s.io/api/authorization/v1/generated.proto). */
const resourceKeys = ['namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'];
const nonResourceKeys = ['path', 'verb'];

function readProtobuf(body: Buffer): ReviewSpec {
  const raw = messageFields(body.subarray(magic.length)).get(2) ?? Buffer.of();
  const spec = messageFields(messageFields(raw).get(2) ?? Buffer.of());
  const attributes = (number: number, keys: readonly string[]): Record<string, string> | undefined => {
    const message = spec.get(number);
    if (message === undefined) return undefined;
    const values = messageFields(message);
    return Object.fromEntries(
      keys.flatMap((key, index) => {
        const value = values.get(index + 1)?.toString() ?? '';
        return value === '' ? [] : [[key, value]];
      }),
    );
  };
  return withoutUndefined(attributes(1, resourceKeys), attributes(2, nonResourceKeys));
}

function withoutUndefined(
  resource: Record<string, string> | undefined,
  nonResource: Record<string, string> | undefined,
): ReviewSpec {
  return {
    ...(resource && { resourceAttributes: resource }),
    ...(nonResource && { nonResourceAttributes: nonResource }),
  };
}

/** The fields of a message that are strings, bytes or messages, by number; the last of each counts. @throws RangeError for what ends too early. */
function messageFields(message: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message.readUInt8(at);
      at += 1;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const length = tag % 8 === 2 ? varint() : undefined;
    if (length === undefined) {
      if (tag % 8 !== 0) throw new RangeError('a field of an unexpected type');
      varint();
    } else {
      if (at + length > message.length) throw new RangeError('a field ends too early');
      fields.set(Math.floor(tag / 8), message.subarray(at, at + length));
      at += length;
    }
  }
  return fields;
}
