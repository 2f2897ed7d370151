/** Reads Kubernetes' protobuf field by field in the order of the wire, empty ones too: equal readings are equal bytes, times apart. */

export const protobufMagic = Buffer.from('k8s\0');

/** A field's name and what it holds; a number stands for a varint. */
type Kind = 'text' | 'number' | Message;
type Message = Readonly<Record<number, readonly [name: string, kind: Kind]>>;

const time: Message = { 1: ['seconds', 'number'], 2: ['nanos', 'number'] };
const textEntry: Message = { 1: ['key', 'text'], 2: ['value', 'text'] };
const objectMeta: Message = {
  1: ['name', 'text'],
  2: ['generateName', 'text'],
  3: ['namespace', 'text'],
  4: ['selfLink', 'text'],
  5: ['uid', 'text'],
  6: ['resourceVersion', 'text'],
  7: ['generation', 'number'],
  8: ['creationTimestamp', time],
  11: ['labels', textEntry],
};
const listMeta: Message = { 1: ['selfLink', 'text'], 2: ['resourceVersion', 'text'], 3: ['continue', 'text'] };
const usageEntry: Message = { 1: ['key', 'text'], 2: ['value', { 1: ['string', 'text'] }] };
const nodeMetrics: Message = {
  1: ['metadata', objectMeta],
  2: ['timestamp', time],
  3: ['window', { 1: ['duration', 'number'] }],
  4: ['usage', usageEntry],
};
const podMetrics: Message = {
  ...nodeMetrics,
  4: ['containers', { 1: ['name', 'text'], 2: ['usage', usageEntry] }],
};
const partial: Message = { 1: ['metadata', objectMeta] };
const listOf = (item: Message): Message => ({ 1: ['metadata', listMeta], 2: ['items', item] });
const cause: Message = { 1: ['reason', 'text'], 2: ['message', 'text'], 3: ['field', 'text'] };
const gvk: Message = { 1: ['group', 'text'], 2: ['version', 'text'], 3: ['kind', 'text'] };
const groupVersion: Message = { 1: ['groupVersion', 'text'], 2: ['version', 'text'] };
const apiGroup: Message = {
  1: ['name', 'text'],
  2: ['versions', groupVersion],
  3: ['preferredVersion', groupVersion],
};

const objectReference: Message = {
  1: ['kind', 'text'],
  2: ['namespace', 'text'],
  3: ['name', 'text'],
  4: ['uid', 'text'],
  5: ['apiVersion', 'text'],
  6: ['resourceVersion', 'text'],
  7: ['fieldPath', 'text'],
};
const labelSelector: Message = {
  1: ['matchLabels', textEntry],
  2: ['matchExpressions', { 1: ['key', 'text'], 2: ['operator', 'text'], 3: ['values', 'text'] }],
};
const quantity: Message = { 1: ['string', 'text'] };
const apiResource: Message = {
  1: ['name', 'text'],
  2: ['namespaced', 'number'],
  3: ['kind', 'text'],
  4: ['verbs', { 1: ['items', 'text'] }],
  6: ['singularName', 'text'],
  8: ['group', 'text'],
  9: ['version', 'text'],
  10: ['storageVersionHash', 'text'],
};

/** By kind, or by version and kind where versions differ. */
const messages = new Map<string, Message>([
  [
    'custom.metrics.k8s.io/v1beta1 MetricValueList',
    listOf({
      1: ['describedObject', objectReference],
      2: ['metricName', 'text'],
      3: ['timestamp', time],
      4: ['windowSeconds', 'number'],
      5: ['value', quantity],
      6: ['selector', labelSelector],
    }),
  ],
  [
    'custom.metrics.k8s.io/v1beta2 MetricValueList',
    listOf({
      1: ['describedObject', objectReference],
      2: ['metric', { 1: ['name', 'text'], 2: ['selector', labelSelector] }],
      3: ['timestamp', time],
      4: ['windowSeconds', 'number'],
      5: ['value', quantity],
    }),
  ],
  [
    'ExternalMetricValueList',
    listOf({
      1: ['metricName', 'text'],
      2: ['metricLabels', textEntry],
      3: ['timestamp', time],
      4: ['windowSeconds', 'number'],
      5: ['value', quantity],
    }),
  ],
  ['NodeMetrics', nodeMetrics],
  ['NodeMetricsList', listOf(nodeMetrics)],
  ['PodMetrics', podMetrics],
  ['PodMetricsList', listOf(podMetrics)],
  ['PartialObjectMetadata', partial],
  ['PartialObjectMetadataList', listOf(partial)],
  [
    'Status',
    {
      1: ['metadata', listMeta],
      2: ['status', 'text'],
      3: ['message', 'text'],
      4: ['reason', 'text'],
      5: [
        'details',
        {
          1: ['name', 'text'],
          2: ['group', 'text'],
          3: ['kind', 'text'],
          4: ['causes', cause],
          5: ['retryAfterSeconds', 'number'],
          6: ['uid', 'text'],
        },
      ],
      6: ['code', 'number'],
    },
  ],
  ['APIGroup', apiGroup],
  ['APIGroupList', { 1: ['groups', apiGroup] }],
  [
    'APIResourceList',
    {
      1: ['groupVersion', 'text'],
      2: ['resources', apiResource],
    },
  ],
  [
    'APIGroupDiscoveryList',
    {
      1: ['metadata', listMeta],
      2: [
        'items',
        {
          1: ['metadata', objectMeta],
          2: [
            'versions',
            {
              1: ['version', 'text'],
              2: [
                'resources',
                {
                  1: ['resource', 'text'],
                  2: ['responseKind', gvk],
                  3: ['scope', 'text'],
                  4: ['singularResource', 'text'],
                  5: ['verbs', 'text'],
                },
              ],
              3: ['freshness', 'text'],
            },
          ],
        },
      ],
    },
  ],
]);

const envelope: Message = {
  1: ['typeMeta', { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] }],
  2: ['raw', 'text'],
  3: ['contentEncoding', 'text'],
  4: ['contentType', 'text'],
};

/**
 * An object with the magic number in front, as nested lists of single-key objects, one for each field that was written.
 * @throws Error for a kind or a field that is not known here.
 */
export function decodeKubernetes(bytes: Buffer): unknown {
  const fields = [...fieldsOf(bytes.subarray(protobufMagic.length))];
  const read = fields.map(({ number, value }) => {
    const [name, kind] = envelope[number] ?? unknownField('envelope', number);
    return number === 2 && Buffer.isBuffer(value)
      ? { raw: message(value, messageFor(typeOf(bytes))) }
      : { [name]: single(value, kind) };
  });
  return read;
}

/** The texts of the envelope's version and kind. */
function typeOf(bytes: Buffer): { readonly apiVersion: string; readonly kind: string } {
  const type = [...fieldsOf(bytes.subarray(protobufMagic.length))].find(({ number }) => number === 1)?.value;
  const fields = Buffer.isBuffer(type) ? [...fieldsOf(type)] : [];
  const textOf = (wanted: number) => String(fields.find(({ number }) => number === wanted)?.value ?? '');
  return { apiVersion: textOf(1), kind: textOf(2) };
}

function messageFor({ apiVersion, kind }: ReturnType<typeof typeOf>): Message {
  const found = messages.get(kind) ?? messages.get(`${apiVersion} ${kind}`);
  if (found === undefined) throw new Error(`protobuf of an unknown kind ${JSON.stringify(kind)}`);
  return found;
}

function message(bytes: Buffer, shape: Message): unknown[] {
  const read = [...fieldsOf(bytes)].map(({ number, value }) => {
    const [name, kind] = shape[number] ?? unknownField('message', number);
    if (kind === time) return { [name]: timeText(value) };
    if (name === 'window' && Buffer.isBuffer(value)) return { window: windowText(value) };
    return { [name]: single(value, kind) };
  });
  return inOrder(read);
}

function unknownField(where: string, number: number): never {
  throw new Error(`protobuf ${where} with the unknown field ${number}`);
}

function single(value: Buffer | number, kind: Kind): unknown {
  if (kind === 'number' || typeof value === 'number') return value;
  return kind === 'text' ? value.toString() : message(value, kind);
}

/** Containers have no order in the real server; everything else does. */
function inOrder(fields: Record<string, unknown>[]): unknown[] {
  if (!fields.some((field) => 'containers' in field)) return fields;
  const others = fields.filter((field) => !('containers' in field));
  const containers = fields.filter((field) => 'containers' in field);
  return [...others, ...containers.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))];
}

/** In the words of JSON, so that what normalises times there does it here; empty is the zero time. */
function timeText(value: Buffer | number): unknown {
  if (!Buffer.isBuffer(value)) throw new Error('a time that is no message');
  const [seconds, nanos, ...rest] = [...fieldsOf(value)];
  if (typeof seconds?.value !== 'number' || nanos?.value !== 0 || rest.length > 0) return value.toString('hex');
  return new Date(seconds.value * 1000).toISOString().replace('.000Z', 'Z');
}

function windowText(value: Buffer): unknown {
  const [duration, ...rest] = [...fieldsOf(value)];
  if (typeof duration?.value !== 'number' || rest.length > 0) return value.toString('hex');
  return `${duration.value / 1e9}s`;
}

function* fieldsOf(bytes: Buffer): Generator<{ readonly number: number; readonly value: Buffer | number }> {
  let at = 0;
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if (tag % 8 === 0) {
      yield { number: Math.trunc(tag / 8), value };
    } else if (tag % 8 === 2 && at + value <= bytes.length) {
      yield { number: Math.trunc(tag / 8), value: bytes.subarray(at, at + value) };
      at += value;
    } else {
      throw new Error(`protobuf with a broken field at ${at} of ${bytes.length}`);
    }
  }

  function varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at];
      if (byte === undefined) throw new Error('protobuf that ends within a number');
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
}
