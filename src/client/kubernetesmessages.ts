/** Protobuf messages of Kubernetes; field numbers are those of k8s.io/apimachinery's generated.proto. */
import { field } from './json.ts';
import type { WireField, Message } from './protobufreader.ts';

/** Returns the message of ObjectMeta. */
export function objectMeta(annotations: readonly string[]): Message {
  return {
    1: { name: 'name', kind: 'text' },
    3: { name: 'namespace', kind: 'word' },
    5: { name: 'uid', kind: 'text' },
    6: { name: 'resourceVersion', kind: 'text' },
    11: { name: 'labels', kind: 'map' },
    12: { name: 'annotations', kind: 'map', keys: annotations },
  };
}

/** Field 8 of ObjectMeta. */
export const creationTimestamp: WireField = {
  name: 'creationTimestamp',
  kind: 'message',
  message: { 1: { name: 'seconds', kind: 'integer' } },
};

/** The end of year 9999, the last second in RFC 3339. */
const latestSeconds = 253_402_300_799;

/** Returns seconds since the epoch, from protobuf or RFC 3339. Undefined also for 0, Kubernetes' unset time. */
export function secondsOf(time: unknown): number | undefined {
  const seconds = typeof time === 'string' ? Math.floor(Date.parse(time) / 1000) : field(time, 'seconds');
  return typeof seconds === 'number' && seconds > 0 && seconds <= latestSeconds ? seconds : undefined;
}

export function listOf(item: Message): Message {
  return {
    1: {
      name: 'metadata',
      kind: 'message',
      message: { 2: { name: 'resourceVersion', kind: 'text' }, 3: { name: 'continue', kind: 'text' } },
    },
    2: { name: 'items', kind: 'list', message: item },
  };
}

/** The object is bytes with an envelope. */
export const watchEvent: Message = {
  1: { name: 'type', kind: 'word' },
  2: { name: 'object', kind: 'message', message: { 1: { name: 'raw', kind: 'bytes' } } },
};
