/** Holds the hand-written bodies after issue reports against what a correct reader makes of each. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { delimitedContentType, encodeDelimited, textContentType } from '../../fakes/exposition.ts';
import { familiesOf } from './families.ts';
import { decodeCadvisor, decodeResource, type DecodedPoints } from './decodewhole.ts';
import { pointsOf } from './points.ts';

/** When all of them were scraped. */
const nodeTimeMs = 1795377600000;
const context = { node: 'node-1', nodeTimeMs };
const machine = [812345.678901, 9.1e9];

describe('/metrics/cadvisor', () => {
  checkCadvisor('containerd-systemd-v2', machine, {
    'shop/web-0/app': [1234.567891, 734003200],
    'shop/web-0/istio-proxy': [77.25, 48234496],
    'jobs/batch-x7k2p/main': [0.578437, 1048576],
    'kube-system/cilium-abcde/cilium-agent': [9999.875, 3.3e8],
  });
  checkCadvisor('crio-systemd-v2', machine, { 'ops/operator-6c8b-sdrzq/operator': [633.249080752, 123456789] });
  checkCadvisor('hostile-cgroup-names', machine, {
    'tenant/evil-0/evil': [5.5, 1e6],
    'tenant/victim-0/victim': [100.5, 5e7],
  });
  checkCadvisor('restart-old-and-new-row', machine, {
    'shop/cart-1/cart': [0.75, 2.5e7],
    'shop/cart-1/side': [12.5, 3e7],
  });
  checkCadvisor('odd-values', undefined, {
    'default/odd-0/big': [0, Number.NaN],
    'default/odd-0/inf': [0, Number.NaN],
    'default/odd-0/nan': [0, Number.NaN],
    'default/odd-0/neg': [0, Number.NaN],
    'default/odd-0/ok': [0.100000001, 123456789],
    'default/odd-0/tiny': [1e-9, 4096],
    'default/odd-0/nots': [12.5, 4096],
    'default/odd-0/future': [12.5, 4096],
    'default/odd-0/zero': [0, 0],
  });
  checkUnusable('cri-mode-containerd', /PodAndContainerStatsFromCRI/);
  checkUnusable('unlabelled-containers', /no labelled container rows/);
  checkUnusable('windows', /no container rows/);
});

test('pods carry the UID and containers the ID of their cgroup', () => {
  const { batch } = batchOf(decodeCadvisor(bodyOf('restart-old-and-new-row'), textContentType, context));
  assert.equal(batch.pods[0]?.uid, '3a2d7564-baee-4918-9ebc-7b65084aabd1');
  const cart = batch.pods[0]?.containers.find((point) => point.name === 'cart');
  const { containerId = '' } = cart ?? {};
  assert.ok(containerId.startsWith('ea9e8f9b942a4d3d128f213cfc3737d2564f66d4b3f58d95d8a318bc889b1c38@'));
  assert.deepEqual(cart, {
    name: 'cart',
    containerId,
    startTimeMs: 1795003702000,
    timestampMs: 1795377597000,
    cpuSeconds: 0.75,
    memoryBytes: 2.5e7,
  });
});

test('a sample without a time, or with one in the future, has the time of the response', () => {
  const { batch } = batchOf(decodeCadvisor(bodyOf('odd-values'), textContentType, context));
  const times = Object.fromEntries(
    batch.pods.flatMap((pod) => pod.containers.map((point) => [point.name, point.timestampMs])),
  );
  assert.deepEqual(times, {
    big: 1795377597000,
    inf: 1795377597000,
    nan: 1795377597000,
    neg: 1795377597000,
    ok: 1795377597000,
    tiny: 1795377597000,
    zero: 1795377597000,
    nots: nodeTimeMs,
    future: nodeTimeMs,
  });
  const guessed = batch.pods.flatMap((pod) =>
    pod.containers.filter(({ rawTimestampMs }) => rawTimestampMs !== undefined),
  );
  assert.deepEqual(
    guessed.map(({ name }) => name),
    ['future'],
  );
});

test('the later one of two lines of a container in /metrics/resource counts', () => {
  const decoded = decodeResource(bodyOf('metrics-resource-duplicates'), textContentType, context);
  assert.deepEqual(batchOf(decoded).batch, {
    node: 'node-1',
    source: 'resource',
    machine: { timestampMs: 1795377596000, cpuSeconds: 2812345.678901, memoryBytes: 9.1e10 },
    hasSwap: undefined,
    pods: [
      {
        namespace: 'monitoring',
        name: 'prometheus-k8s-0',
        uid: undefined,
        containers: [
          {
            name: 'prometheus',
            containerId: 'line:1',
            startTimeMs: undefined,
            timestampMs: 1795377597600,
            cpuSeconds: 295207.606798,
            memoryBytes: 33157259264,
          },
        ],
      },
    ],
  });
});

function checkCadvisor(
  shape: string,
  machinePoint: readonly number[] | undefined,
  containers: Record<string, readonly number[]>,
): void {
  for (const [format, body, contentType] of formatsOf(shape)) {
    test(`the shape ${shape} is decoded as ${format}`, () => {
      const { batch, filtered } = batchOf(decodeCadvisor(body, contentType, context));
      assert.deepEqual(pointsOf(batch), { machine: machinePoint, containers: new Map(Object.entries(containers)) });
      assert.equal(batch.source, 'cadvisor');
      // The shapes have container_last_seen in them, which is not asked for.
      assert.equal(filtered, false);
    });
  }
}

function checkUnusable(shape: string, reason: RegExp): void {
  for (const [format, body, contentType] of formatsOf(shape)) {
    test(`the shape ${shape} is decoded as ${format}`, () => {
      const decoded = decodeCadvisor(body, contentType, context);
      assert.equal(decoded.kind, 'unusable');
      assert.match(decoded.reason, reason);
    });
  }
}

function batchOf(decoded: DecodedPoints): Extract<DecodedPoints, { kind: 'batch' }> {
  assert.equal(decoded.kind, 'batch', decoded.kind === 'unusable' ? decoded.reason : '');
  return decoded;
}

function formatsOf(shape: string): [string, Buffer, string][] {
  const text = bodyOf(shape);
  return [
    ['text', text, textContentType],
    ['delimited protobuf', encodeDelimited(familiesOf(text)), delimitedContentType],
  ];
}

function bodyOf(shape: string): Buffer {
  return readFileSync(path.join(import.meta.dirname, `../../testdata/cadvisor/shape-${shape}.prom`));
}
