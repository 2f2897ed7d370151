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
  if (kind === 'Pod') {
    writePod(writer, object);
    return;
  }
  if (kind === 'HorizontalPodAutoscaler') {
    writeAutoscaler(writer, object);
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
  const created = text(field(metadata, 'creationTimestamp'));
  writeTime(writer, 8, created === undefined ? undefined : Date.parse(created) / 1000);
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
      writeTime(writer, 4, someSeconds);
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

const someSeconds = 1_795_000_000;

/** autoscaling/v2. */
function writeAutoscaler(writer: ProtobufWriter, autoscaler: unknown): void {
  const write = (number: number, identifier: unknown) =>
    writer.message(number, () => writer.string(1, text(field(identifier, 'name')) ?? ''));
  writer.message(2, () => {
    writer.message(1, () => writer.string(1, 'Deployment'));
    writer.integer(2, 1);
    writer.integer(3, 10);
    for (const metric of items(field(field(autoscaler, 'spec'), 'metrics'))) {
      const [pods, object, external] = ['pods', 'object', 'external'].map((type) => field(metric, type));
      writer.message(4, () => {
        writer.string(1, text(field(metric, 'type')) ?? '');
        if (object !== undefined) writer.message(2, () => write(3, field(object, 'metric')));
        if (pods !== undefined) writer.message(3, () => write(1, field(pods, 'metric')));
        if (external !== undefined) writer.message(5, () => write(1, field(external, 'metric')));
      });
    }
  });
  writer.message(3, () => writer.integer(3, 2));
}

/** A spec and a status of the usual size: with volumes, containers, their environment and state. */
function writePod(writer: ProtobufWriter, pod: unknown): void {
  const spec = field(pod, 'spec');
  const status = field(pod, 'status');
  const names = items(field(spec, 'containers') ?? [{ name: 'app' }]).map((each) => text(field(each, 'name')) ?? '');
  writer.message(2, () => {
    writer.message(1, () => writer.string(1, 'kube-api-access'));
    for (const [index, name] of names.entries()) {
      const policy = text(field(items(field(spec, 'containers'))[index], 'restartPolicy'));
      writer.message(2, () => {
        writeContainer(writer, name);
        if (policy !== undefined) writer.string(24, policy);
      });
    }
    writer.string(3, text(field(spec, 'restartPolicy')) ?? 'Always');
    writer.integer(4, 30);
    writer.string(6, 'ClusterFirst');
    writer.string(8, 'default');
    writer.string(10, text(field(spec, 'nodeName')) ?? '');
    writer.integer(11, field(spec, 'hostNetwork') === true ? 1 : 0);
    writer.message(14, () => undefined);
    writer.string(19, 'default-scheduler');
  });
  writer.message(3, () => {
    writer.string(1, text(field(status, 'phase')) ?? '');
    for (const type of podConditions) {
      writer.message(2, () => {
        writer.string(1, type);
        writer.string(2, 'True');
        writeTime(writer, 4, someSeconds);
      });
    }
    writer.string(5, '192.0.2.10');
    writer.string(6, '10.1.2.3');
    const usual = names.map((name) => ({ name, ready: true }));
    const own = items(field(status, 'containerStatuses'));
    for (const each of own.length === 0 ? usual : own) writeContainerStatus(writer, 8, each);
    for (const each of items(field(status, 'initContainerStatuses'))) writeContainerStatus(writer, 10, each);
    for (const each of items(field(status, 'ephemeralContainerStatuses'))) writeContainerStatus(writer, 13, each);
  });
}

function writeContainerStatus(writer: ProtobufWriter, number: number, status: unknown): void {
  const name = text(field(status, 'name')) ?? '';
  const terminated = field(field(status, 'state'), 'terminated');
  const exitCode = field(terminated, 'exitCode');
  writer.message(number, () => {
    writer.string(1, name);
    writer.message(2, () => {
      if (terminated === undefined) writer.message(2, () => writeTime(writer, 1, someSeconds));
      else writer.message(3, () => writer.integer(1, typeof exitCode === 'number' ? exitCode : 0));
    });
    writer.integer(4, field(status, 'ready') === true ? 1 : 0);
    writer.string(6, image(name));
    writer.string(7, `sha256:${'ab'.repeat(32)}`);
    writer.string(8, `containerd://${'cd'.repeat(32)}`);
  });
}

const podConditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

function image(name: string): string {
  return `registry.example/team/${name}:1.2.3`;
}

function writeContainer(writer: ProtobufWriter, name: string): void {
  writer.string(1, name);
  writer.string(2, image(name));
  for (let index = 0; index < 12; index += 1) {
    writer.message(7, () => {
      writer.string(1, `SETTING_${index}`);
      writer.string(2, `https://service-${index}.example/path/of/some/length`);
    });
  }
  for (const amount of ['limits', 'requests']) {
    writer.message(8, () => {
      writer.message(amount === 'limits' ? 1 : 2, () => {
        writer.string(1, 'memory');
        writer.message(2, () => writer.string(1, '512Mi'));
      });
    });
  }
  writer.message(9, () => {
    writer.string(1, 'kube-api-access');
    writer.string(3, '/var/run/secrets/kubernetes.io/serviceaccount');
  });
}

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
      writeTime(writer, 3, someSeconds);
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

/** @param seconds since the epoch; 0 is how Kubernetes writes that there is none. */
function writeTime(writer: ProtobufWriter, number: number, seconds = 0): void {
  writer.message(number, () => {
    writer.integer(1, seconds);
    writer.integer(2, 0);
  });
}
