/** Writes metric families as a kubelet does, as text and as delimited protobuf, with the order and escapes of Go's expfmt. */
import type { IncomingHttpHeaders } from 'node:http';

/** One series with its current value. */
export interface FamilySample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Milliseconds since the epoch; left out where the kubelet sends no time. */
  readonly timestampMs?: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly FamilySample[];
}

export const textContentType = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';
export const delimitedContentType =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores';

/** Returns the formats that a client accepts, as promhttp parses them. */
export function wantedBy({ accept = '', 'accept-encoding': encoding = '' }: IncomingHttpHeaders) {
  return {
    protobuf: /application\/vnd\.google\.protobuf[^,]*encoding=delimited/.test(accept),
    gzip: /\bgzip\b/.test(encoding),
  };
}

export interface Encoded {
  readonly bytes: Buffer;
  readonly contentType: string;
}

export function encodeFamilies(families: readonly Family[], protobuf: boolean): Encoded {
  return protobuf
    ? { bytes: encodeDelimited(families), contentType: delimitedContentType }
    : { bytes: encodeText(families), contentType: textContentType };
}

/** Families without samples are left out, as the registry does. */
export function encodeText(families: readonly Family[]): Buffer {
  const lines: string[] = [];
  for (const { name, help, type, samples } of inOrder(families)) {
    lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`, `# TYPE ${name} ${type}\n`);
    for (const { labels, value, timestampMs } of samples) {
      const pairs = labelsInOrder(labels).map(([label, text]) => `${label}="${escape(text)}"`);
      const braces = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
      lines.push(`${name}${braces} ${formatFloat(value)}${timestampMs === undefined ? '' : ` ${timestampMs}`}\n`);
    }
  }
  return Buffer.from(lines.join(''), 'utf8');
}

/** The same families, each message behind its length. */
export function encodeDelimited(families: readonly Family[]): Buffer {
  const parts: Buffer[] = [];
  for (const { name, help, type, samples } of inOrder(families)) {
    const message = Buffer.concat([
      bytesField(1, Buffer.from(name)),
      bytesField(2, Buffer.from(help)),
      varintField(3, type === 'counter' ? 0n : 1n),
      ...samples.map((sample) => bytesField(4, encodeMetric(sample, type))),
    ]);
    parts.push(varint(BigInt(message.length)), message);
  }
  return Buffer.concat(parts);
}

/** As Go's strconv.FormatFloat(value, 'g', -1, 64): the shortest digits, an exponent from a million on and below 0.0001. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const size = Math.abs(Number(exponent));
  if (value === 0 || (Number(exponent) >= -4 && Number(exponent) < 6)) return String(value);
  return `${mantissa}e${exponent.startsWith('-') ? '-' : '+'}${String(size).padStart(2, '0')}`;
}

function inOrder(families: readonly Family[]): Family[] {
  return families
    .filter((family) => family.samples.length > 0)
    .sort((a, b) => compare(a.name, b.name))
    .map((family) => ({ ...family, samples: [...family.samples].sort((a, b) => compare(sortKey(a), sortKey(b))) }));
}

/** Label values in the order of the label names. */
function sortKey({ labels }: FamilySample): string {
  return labelsInOrder(labels)
    .map(([, value]) => value)
    .join('\0');
}

function labelsInOrder(labels: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => compare(a, b));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function encodeMetric({ labels, value, timestampMs }: FamilySample, type: Family['type']): Buffer {
  const double = Buffer.alloc(9);
  double[0] = (1 << 3) | 1;
  double.writeDoubleLE(value, 1);
  return Buffer.concat([
    ...labelsInOrder(labels).map(([name, text]) =>
      bytesField(1, Buffer.concat([bytesField(1, Buffer.from(name)), bytesField(2, Buffer.from(text))])),
    ),
    bytesField(type === 'gauge' ? 2 : 3, double),
    timestampMs === undefined ? Buffer.alloc(0) : varintField(6, BigInt(timestampMs)),
  ]);
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(BigInt((field << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
}

function varintField(field: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(field << 3)), varint(value)]);
}

/** Negative numbers take ten bytes, as two's complement of 64 bits. */
function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
