/** Decodes the answers of the test cluster's kubelet, by endpoint, form and moment, and compares their containers with those that kube-apiserver reported. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Capture, Captures } from '../../cluster/capture.ts';
import { decodeCadvisor, decodeResource } from './decodewhole.ts';

const folder = path.resolve(import.meta.dirname, '../../testdata/captures');
const { captures, running } = JSON.parse(readFileSync(path.join(folder, 'captures.json'), 'utf8')) as Captures;

function decode({ file, request, contentType, date }: Capture): ReturnType<typeof decodeCadvisor> {
  const body = gunzipSync(readFileSync(path.join(folder, `${file}.gz`)));
  const context = { node: 'kubegauge-node', nodeTimeMs: Date.parse(date) };
  return (request.startsWith('/metrics/cadvisor') ? decodeCadvisor : decodeResource)(body, contentType, context);
}

test('the captures cover both endpoints, filtered and whole, in text and protobuf, at two moments', () => {
  assert.equal(
    new Set(captures.map(({ request, contentType, moment }) => `${request} ${contentType} ${moment}`)).size,
    12,
  );
});

for (const capture of captures) {
  const isCadvisor = capture.request.startsWith('/metrics/cadvisor');

  test(`${capture.file} has the containers that ran, each once, with CPU and memory, and the machine`, () => {
    const decoded = decode(capture);
    assert.equal(decoded.kind, 'batch');
    const { machine, pods } = decoded.batch;
    assert.ok(machine !== undefined && machine.cpuSeconds > 0 && machine.memoryBytes > 0);
    const found = pods.flatMap(({ namespace, name, containers }) =>
      containers.map((one) => `${namespace}/${name}/${one.name}`),
    );
    const expected = running[capture.moment].map(({ namespace, pod, container }) => `${namespace}/${pod}/${container}`);
    assert.deepEqual(found.toSorted(), expected.toSorted());
    for (const { containers } of pods) {
      for (const { cpuSeconds, memoryBytes, name } of containers) assert.ok(cpuSeconds > 0 && memoryBytes > 0, name);
    }
  });

  test(`${capture.file} is ${capture.request.includes('?') ? 'filtered' : 'whole'}`, {
    skip: !isCadvisor && 'it has no filter',
  }, () => {
    const decoded = decode(capture);
    assert.equal(decoded.kind, 'batch');
    assert.equal(decoded.filtered, capture.request.includes('?'));
  });

  test(`${capture.file} has the IDs that kube-apiserver reported`, { skip: !isCadvisor && 'it names no ID' }, () => {
    const decoded = decode(capture);
    assert.equal(decoded.kind, 'batch');
    const found = decoded.batch.pods.flatMap(({ namespace, name, uid, containers }) =>
      containers.map((one) => `${namespace}/${name}/${one.name} ${uid} ${one.containerId.slice(0, 64)}`),
    );
    const expected = running[capture.moment].map(
      ({ namespace, pod, container, uid, id }) => `${namespace}/${pod}/${container} ${uid} ${id}`,
    );
    assert.deepEqual(found.toSorted(), expected.toSorted());
  });
}
