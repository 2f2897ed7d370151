/** What is read of Kubernetes' own messages in protobuf; field numbers are those of the generated.proto of k8s.io/apimachinery. */
import type { Message } from './protobuf.ts';

/** ObjectMeta, of whose annotations only these are read. */
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

/** The object is bytes with an envelope of their own. */
export const watchEvent: Message = {
  1: { name: 'type', kind: 'word' },
  2: { name: 'object', kind: 'message', message: { 1: { name: 'raw', kind: 'bytes' } } },
};
