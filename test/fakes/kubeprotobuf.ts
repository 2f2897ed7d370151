/**
 * Writes objects as kube-apiserver does in protobuf, with much around what our code reads: times, owners, managed fields, images.
 * Field numbers are those of the generated.proto of k8s.io/apimachinery and k8s.io/api.
 */
import { encodeProtobuf, ProtobufWriter } from '../../src/apimachinery/protobuf.ts';
import { field, items, text, textMap } from '../../src/client/json.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** An object, or a Status, with its envelope. */
export function encodeObject(object: unknown): Buffer {
  const kind = text(field(object, 'kind')) ?? '';
  const write = kind === 'Status' ? writeStatus : writeObject;
  return encodeProtobuf(text(field(object, 'apiVersion')) ?? '', kind, (writer) => write(writer, object));
}

export function encodeList(list: {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly object[];
}): Buffer {
  return encodeProtobuf(list.apiVersion, list.kind, (writer) => {
    writer.message(1, () => {
      writer.string(1, '');
      writer.string(2, list.metadata.resourceVersion);
      writer.string(3, list.metadata.continue ?? '');
      writer.integer(4, 12);
    });
    for (const item of list.items) writer.message(2, () => writeObject(writer, item));
  });
}

/** A frame of a watch. */
export function encodeEvent(type: string, object: unknown): Buffer {
  const writer = new ProtobufWriter();
  writer.string(1, type);
  writer.message(2, () => {
    writer.message(1, () => writer.raw(encodeObject(object)));
  });
  const event = writer.bytes();
  const head = Buffer.alloc(4);
  head.writeUInt32BE(event.length);
  return Buffer.concat([head, event]);
}

function writeObject(writer: ProtobufWriter, object: unknown): void {
  writer.message(1, () => writeMetadata(writer, field(object, 'metadata')));
  const kind = field(object, 'kind');
  if (kind === 'PartialObjectMetadata') return;
  if (kind === 'ConfigMap') {
    writeEntries(writer, 2, field(object, 'data'));
    return;
  }
  writer.message(2, () => writer.string(1, '10.0.0.0/24'));
  const status = field(object, 'status');
  if (status !== undefined) writer.message(3, () => writeNodeStatus(writer, status));
}

function writeMetadata(writer: ProtobufWriter, metadata: unknown): void {
  const write = (number: number, name: string) => writer.string(number, text(field(metadata, name)) ?? '');
  const entries = (number: number, name: string) => writeEntries(writer, number, field(metadata, name));
  write(1, 'name');
  writer.string(2, 'generated-');
  write(3, 'namespace');
  writer.string(4, '');
  write(5, 'uid');
  write(6, 'resourceVersion');
  writer.integer(7, 1);
  writeTime(writer, 8);
  entries(11, 'labels');
  entries(12, 'annotations');
  writer.message(13, () => {
    writer.string(1, 'ReplicaSet');
    writer.string(3, 'owner');
  });
  for (const managed of items(field(metadata, 'managedFields') ?? someManagedFields)) {
    // Beyond the numbers whose tag is one byte.
    writer.message(17, () => {
      writer.string(1, text(field(managed, 'manager')) ?? '');
      writeTime(writer, 4);
      writer.message(7, () => writer.string(1, JSON.stringify(field(managed, 'fieldsV1'))));
    });
  }
}

function writeEntries(writer: ProtobufWriter, number: number, texts: unknown): void {
  for (const [key, value] of textMap(texts)) {
    writer.message(number, () => {
      writer.string(1, key);
      writer.string(2, value);
    });
  }
}

const someManagedFields = [{ manager: 'kubelet', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:app': {} } } } }];

function writeNodeStatus(writer: ProtobufWriter, status: unknown): void {
  for (const [resource, quantity] of Object.entries(field(status, 'capacity') ?? {})) {
    writer.message(1, () => {
      writer.string(1, resource);
      writer.message(2, () => writer.string(1, String(quantity)));
    });
  }
  for (const condition of items(field(status, 'conditions'))) {
    writer.message(4, () => {
      writer.string(1, text(field(condition, 'type')) ?? '');
      writer.string(2, text(field(condition, 'status')) ?? '');
      writeTime(writer, 3);
    });
  }
  for (const address of items(field(status, 'addresses'))) {
    writer.message(5, () => {
      writer.string(1, text(field(address, 'type')) ?? '');
      writer.string(2, text(field(address, 'address')) ?? '');
    });
  }
  const port = field(field(field(status, 'daemonEndpoints'), 'kubeletEndpoint'), 'Port');
  writer.message(6, () => writer.message(1, () => writer.integer(1, typeof port === 'number' ? port : 0)));
  writer.message(8, () => {
    writer.string(1, 'registry.example/image:1');
    writer.integer(2, 123_456_789_012);
  });
}

function writeStatus(writer: ProtobufWriter, status: unknown): void {
  const code = field(status, 'code');
  writer.message(1, () => undefined);
  writer.string(2, 'Failure');
  writer.string(3, text(field(status, 'message')) ?? '');
  writer.string(4, text(field(status, 'reason')) ?? '');
  writer.integer(6, typeof code === 'number' ? code : 0);
}

function writeTime(writer: ProtobufWriter, number: number): void {
  writer.message(number, () => {
    writer.integer(1, 1_795_000_000);
    writer.integer(2, 0);
  });
}
