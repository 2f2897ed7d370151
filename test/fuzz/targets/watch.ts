/** Responses of kube-apiserver, or of a proxy in its place: lists and watches in protobuf and JSON. */
import { Readable } from 'node:stream';
import { inspect, isDeepStrictEqual } from 'node:util';
import { StatusError } from '../../../src/apimachinery/status.ts';
import { decodeBody, toStatusError } from '../../../src/client/response.ts';
import { listOf, objectMeta } from '../../../src/client/kubernetesmessages.ts';
import { createProtobufDecoder, ProtobufError, protobufType } from '../../../src/client/protobufreader.ts';
import { MalformedEventError, openWatch } from '../../../src/client/watch.ts';
import { node, pod } from '../../fakes/kubeobjects.ts';
import { encodeEvent, encodeList, encodeObject } from '../../fakes/kubeprotobuf.ts';
import { mutate } from '../mutate.ts';
import type { Random } from '../random.ts';
import { type FuzzTarget, unlessDeclared } from '../target.ts';

const message = { 1: { name: 'metadata', kind: 'message', message: objectMeta(['wanted']) } } as const;
const decoder = createProtobufDecoder();
const versioned = <T extends { readonly metadata: object }>(object: T) => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: '7' },
});
const objects = [
  node('node-1', { labels: { a: 'b' } }),
  pod('shop', 'web-0', { uid: 'uid', labels: { app: 'web' }, nodeName: 'node-1' }),
].map(versioned);
const gone = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'too old',
  reason: 'Expired',
  code: 410,
};
const kinds = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'];

const frames = Buffer.concat([
  ...kinds.flatMap((type) => objects.map((object) => encodeEvent(type, object))),
  encodeEvent('ERROR', gone),
]);
const lines = Buffer.from(
  [...kinds.flatMap((type) => objects.map((object) => ({ type, object }))), { type: 'ERROR', object: gone }]
    .map((event) => `${JSON.stringify(event)}\n`)
    .join(''),
);
const list = encodeList({
  kind: 'NodeList',
  apiVersion: 'v1',
  metadata: { resourceVersion: '7', continue: 'x' },
  items: objects,
});
const words = [
  '{',
  '}',
  '"type":"ERROR"',
  '"object":',
  'null',
  '"metadata":[]',
  '"resourceVersion":7',
  '\n',
  'k8s\u0000',
  'ADDED',
  '"code":410',
];

/** All events, and whether the watch broke by a declared error. */
async function watch(
  contentType: string,
  pieces: readonly Buffer[],
): Promise<{ readonly events: unknown[]; readonly broke: boolean }> {
  const events: unknown[] = [];
  const rest = {
    stream: () => Promise.resolve({ contentType, body: Readable.from(pieces, { objectMode: true }) }),
  } as unknown as Parameters<typeof openWatch>[0];
  const options = {
    query: {},
    accept: contentType,
    resourceVersion: '1',
    timeoutSeconds: 60,
    signal: new AbortController().signal,
  };
  try {
    const protobuf = contentType === protobufType ? { protobuf: { decoder, message } } : {};
    // Frames are views, good until the next one is asked for.
    for await (const event of await openWatch(rest, '/x', { ...options, ...protobuf }))
      events.push(structuredClone(event));
    return { events, broke: false };
  } catch (error) {
    const isDeclared =
      error instanceof MalformedEventError ||
      error instanceof StatusError ||
      (error instanceof Error && / of the watch is longer than /.test(error.message));
    if (!isDeclared) throw error;
    return { events, broke: true };
  }
}

function watches(name: string, contentType: string, seed: Buffer): FuzzTarget {
  return {
    name: `client/watch.ts: ${name} in pieces are those in one`,
    make: (random) => mutate(random, seed, words),
    async check(input, random) {
      const whole = await watch(contentType, [input]);
      const inPieces = await watch(contentType, random.cut(input));
      // A watch that breaks may have yielded what came before, or not.
      const isSame = whole.broke ? inPieces.broke : isDeepStrictEqual(inPieces, whole);
      if (!isSame) throw new Error(`one piece: ${inspect(whole)}; pieces: ${inspect(inPieces)}`);
      return whole.events.length > 0;
    },
  };
}

export const targets: readonly FuzzTarget[] = [
  watches('frames', protobufType, frames),
  watches('lines', 'application/json', lines),
  {
    name: 'client/protobufreader.ts: a list and an object',
    make: (random: Random) =>
      mutate(random, random.once(2) ? list : encodeObject(random.of([...objects, gone])), words, [list]),
    check(input) {
      const asList = unlessDeclared(() => decoder.object(input, listOf(message)), ProtobufError);
      unlessDeclared(() => decoder.object(input, message), ProtobufError);
      toStatusError('GET /x', 500, input);
      return asList !== undefined;
    },
  },
  {
    name: 'client/response.ts: an answer in JSON or protobuf',
    make: (random: Random) =>
      mutate(random, random.once(3) ? list : Buffer.from(JSON.stringify(random.of([...objects, gone]))), words, [
        lines,
      ]),
    check(input) {
      try {
        decodeBody(input, false, { decoder, message });
        return true;
      } catch (error) {
        if (
          error instanceof ProtobufError ||
          (error instanceof Error && error.message.startsWith('the answer is not JSON'))
        )
          return false;
        throw error;
      }
    },
  },
];
