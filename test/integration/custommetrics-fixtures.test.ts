/**
 * Each request that was captured from the real prometheus-adapter is asked of our server, whose source has the values
 * that the adapter had; answers are compared with the adapter's. ADAPTER_CAPTURES names the folder of captures, which are not part of this repository.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { encodeJson } from '../../src/apimachinery/meta.ts';
import { milliOf } from '../../src/metricsource/milli.ts';
import type { CustomMetric, ExternalSample, ObjectSample } from '../../src/metricsource/source.ts';
import type { RowName } from '../custom/differences.ts';
import { type Answer, startValueServer, type ValueServer } from './valueserver.ts';

const folder = process.env['ADAPTER_CAPTURES'] ?? '';
const isPresent = existsSync(folder);

interface Capture {
  readonly name: string;
  readonly request: {
    readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE' | 'PATCH' | 'OPTIONS';
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: ReturnType<typeof JSON.parse>;
    readonly base64?: string;
  };
  readonly prometheus?: readonly { readonly response: string }[];
}

/** Differences on purpose: the row of the table of differences, our status, and the words of our message. */
const differs: ReadonlyMap<string, readonly [row: RowName | undefined, status: number, message: string]> = new Map([
  ['metricLabelSelector bad', ['badSelector', 400, "unable to parse requirement: found '=', expected: identifier"]],
  [
    'metricLabelSelector bad value',
    ['badSelector', 400, 'unable to parse requirement: values[0][path]: Invalid value: "/buy"'],
  ],
  ['metricLabelSelector gt', ['badSelector', 400, 'metricLabelSelector: metrics cannot be selected by < and >']],
  [
    'metricLabelSelector qualified key',
    ['labelName', 400, 'metricLabelSelector: "app.kubernetes.io/name" is not the name'],
  ],
  ['metricLabelSelector dash key', ['labelName', 400, 'metricLabelSelector: "a-b" is not the name']],
  ['labelSelector gt', ['badSelector', 400, 'labelSelector: metrics cannot be selected by < and >']],
  [
    'unknown resource all',
    ['unknownResource', 404, 'the server could not find the metric http_requests_per_second for gadgets'],
  ],
  [
    'unknown resource group',
    ['unknownResource', 404, 'the server could not find the metric http_requests_per_second for gadgets.x.io'],
  ],
  ['default namespace unknown metric', ['defaultNamespace', 404, 'the server could not find the metric nope for ']],
  ['partial', ['table', 406, 'only the following media types are accepted']],
  // The adapter had no right to list them.
  ['pv all', [undefined, 200, '']],
  // Its values are 0 and -9223372036854775808m at the adapter.
  ['nan', ['notANumber', 200, '']],
  ['inf', ['notANumber', 200, '']],
  ['huge', ['notANumber', 200, '']],
  ['metricLabelSelector !=', ['notEqual', 200, '']],
]);

/** The source fails here, not the API. */
const ofSources = new Set(['scalar', 'matrix', 'bad promql', 'namespace not mapped']);
/** It has the paths of another server. */
const ofOtherServers = new Set(['unknown group']);

describe('captures of prometheus-adapter', { skip: isPresent ? false : 'ADAPTER_CAPTURES names no folder' }, () => {
  let server: ValueServer;
  before(async () => {
    server = await startValueServer();
    if (!isPresent) return;
    // A rule for it was added after the lists had been captured.
    const added = { resource: { group: '', resource: 'pods' }, namespaced: true, metric: 'odd_float' };
    server.source.custom = [...customMetrics(), added];
    server.source.external = externalMetrics();
  });
  after(() => server[Symbol.asyncDispose]());

  for (const file of isPresent ? ['custom', 'errors', 'external'] : []) {
    for (const capture of read(file)) {
      if (ofOtherServers.has(capture.name) || (ofSources.has(capture.name) && capture.response.status === 500))
        continue;
      const isOurs = differs.get(capture.name);
      test(`${file}: ${capture.name} is answered ${isOurs === undefined ? 'as by the adapter' : 'better'}`, async () => {
        useValues(capture);
        const { method, url, headers = {} } = capture.request;
        const answer = await server.ask(url, { method, headers });
        if (isOurs === undefined) assertSame(answer, capture);
        else assertOurs(answer, isOurs);
      });
    }
  }

  function useValues({ response: { status, body, base64 }, prometheus = [], request }: Capture): void {
    const listed: readonly Item[] | undefined = typeof body === 'string' ? parseYaml(body)?.items : body?.items;
    const items = listed ?? (status === 200 ? itemsIn(request, base64) : undefined) ?? [];
    if (status === 504) server.source.onCustom = () => new Promise(() => undefined);
    else
      server.source.onCustom = ({ names }) => ({
        samples: [...items, ...(listed === undefined && base64 === undefined ? samplesOf(prometheus, names) : [])]
          .map(toObjectSample)
          .filter((sample) => sample !== undefined),
      });
    server.source.onExternal = () => items.map(toExternalSample).filter((sample) => sample !== undefined);
  }
});

interface Item {
  readonly describedObject?: { readonly name: string };
  readonly metricLabels?: Readonly<Record<string, string>> | null;
  readonly timestamp: string;
  readonly value: string;
}

function read(file: string): readonly Capture[] {
  return JSON.parse(readFileSync(path.join(folder, `${file}.json`), 'utf8'));
}

function documentOf(name: string): { readonly resources: readonly { name: string; namespaced: boolean }[] } {
  const found = read('discovery').find((each) => each.name === name);
  assert.ok(found !== undefined, name);
  return found.response.body;
}

function customMetrics(): readonly CustomMetric[] {
  return documentOf('custom v1beta2').resources.map(({ name, namespaced }) => {
    const [qualified = '', metric = ''] = name.split('/');
    const [resource = '', ...group] = qualified.split('.');
    return { resource: { group: group.join('.'), resource }, namespaced, metric };
  });
}

function externalMetrics(): readonly string[] {
  return documentOf('external v1beta1').resources.map(({ name }) => name);
}

/** Reads the items of a capture in protobuf: the envelope's second field is the list, whose second fields are items. */
function itemsIn({ url }: Capture['request'], base64: string | undefined): readonly Item[] | undefined {
  if (base64 === undefined) return undefined;
  const list = bytesOf(fieldsOf(Buffer.from(base64, 'base64').subarray('k8s0'.length)), 2)[0] ?? nothing;
  return bytesOf(fieldsOf(list), 2).map((bytes): Item => {
    const item = fieldsOf(bytes);
    const textIn = (field: number, inner: number) => bytesOf(fieldsOf(bytesOf(item, field)[0] ?? nothing), inner)[0];
    const seconds = fieldsOf(bytesOf(item, 3)[0] ?? nothing).find(([field]) => field === 1)?.[1];
    const common = { timestamp: new Date(Number(seconds) * 1000).toISOString(), value: String(textIn(5, 1)) };
    if (!url.includes('external')) return { ...common, describedObject: { name: String(textIn(1, 3)) } };
    const labels = bytesOf(item, 2).map(fieldsOf);
    return {
      ...common,
      metricLabels: Object.fromEntries(labels.map((each) => [1, 2].map((field) => String(bytesOf(each, field)[0])))),
    };
  });
}

const nothing = Buffer.alloc(0);

type Field = readonly [number: number, value: Buffer | number];

function bytesOf(fields: readonly Field[], wanted: number): readonly Buffer[] {
  return fields.flatMap(([number, value]) => (number === wanted && Buffer.isBuffer(value) ? [value] : []));
}

/** Splits a message of numbers and of bytes with lengths. */
function fieldsOf(bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const isBytes = (tag & 7) === 2;
    const value = varint();
    fields.push([tag >> 3, isBytes ? bytes.subarray(at, at + value) : value]);
    if (isBytes) at += value;
  }
  return fields;
}

/** Returns the samples that Prometheus had, for captures that the adapter answered by an error. */
function samplesOf(prometheus: Capture['prometheus'], names: readonly string[]): readonly Item[] {
  const { data } = JSON.parse(prometheus?.at(-1)?.response ?? '{"data":{}}');
  const vector: readonly { metric: Record<string, string>; value: [number, string] }[] =
    data?.resultType === 'vector' ? data.result : [];
  return vector.flatMap(({ metric, value: [time, text] }) => {
    const name = names.find((each) => Object.values(metric).includes(each));
    if (name === undefined) return [];
    return [{ describedObject: { name }, timestamp: new Date(time * 1000).toISOString(), value: text }];
  });
}

function toSample({ timestamp, value }: Item) {
  const [, number = '', suffix = ''] = /^(-?[0-9.]+)([mkMGTPE]?)$/.exec(value) ?? [];
  const isMilli = suffix === 'm';
  const factor = 1000 ** ['', 'k', 'M', 'G', 'T', 'P', 'E'].indexOf(isMilli ? '' : suffix);
  // A quantity of thousandths is exact; the adapter's overflow is not one that any source has.
  const valueMilli = isMilli ? BigInt(number) : milliOf(Number(number === '' ? Number.NaN : number) * factor);
  if (valueMilli === undefined || valueMilli <= -(2n ** 63n)) return undefined;
  return { timestampMs: Date.parse(timestamp), valueMilli };
}

function toObjectSample(item: Item): ObjectSample | undefined {
  const sample = toSample(item);
  return sample && { ...sample, name: item.describedObject?.name ?? '' };
}

function toExternalSample(item: Item): ExternalSample | undefined {
  const sample = toSample(item);
  const labels = item.metricLabels;
  return sample && { ...sample, labels: labels ? new Map(Object.entries(labels)) : undefined };
}

function assertSame({ status, headers, bytes, text }: Answer, { response, request }: Capture): void {
  assert.equal(status, response.status, text);
  assert.equal(headers['content-type'], response.headers['content-type']);
  assert.equal(headers['cache-control'], response.headers['cache-control']);
  if (response.base64 !== undefined) {
    assert.equal(bytes.toString('base64'), response.base64);
    return;
  }
  if (request.method === 'HEAD') {
    assert.equal(text, '');
    return;
  }
  if (typeof response.body === 'string') {
    assert.equal(text, response.body);
    return;
  }
  // The length shows whether it was indented; long ones came without.
  const length = response.headers['content-length'] ?? String(encodeJson(response.body).length);
  const form = encodeJson(response.body).length === Number(length) ? 'compact' : 'pretty';
  assert.equal(text, encodeJson(response.body, form).toString());
  assert.equal(bytes.length, Number(length));
}

function assertOurs({ status, text, body }: Answer, [, expected, message]: readonly [unknown, number, string]): void {
  assert.equal(status, expected, text);
  if (expected === 200) assert.ok(!text.includes('-9223372036854775808m'), text);
  else assert.ok(body.message.startsWith(message), body.message);
}
