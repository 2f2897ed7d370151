/** Pods as the Go libraries write them: `testdata/podlist.pb` is a PodList by the protobuf serializer of k8s.io/apimachinery and k8s.io/api 0.37.2. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { decodeBody } from '../../../src/client/response.ts';
import type { RestClient } from '../../../src/client/rest.ts';
import { systemClock as clock } from '../../../src/clock.ts';
import { createPods, type PodInfo } from '../../../src/cluster/pods.ts';
import { silentLogger as log } from '../../../src/logging.ts';

const body = readFileSync(path.join(import.meta.dirname, '../../testdata/podlist.pb'));

test('pods that Go has encoded are read with their node and the time of their creation', async () => {
  const stop = new AbortController();
  /** Answers the list, and ends when a watch is wanted. */
  const rest: Pick<RestClient, 'get' | 'stream'> = {
    get: async (_, { protobuf } = {}) => decodeBody(body, false, protobuf),
    stream: async () => {
      stop.abort();
      return { contentType: '', body: Readable.from([]) };
    },
  };
  const pods = createPods({ rest: rest as RestClient, clock, log });
  await pods.run(stop.signal);
  const own: Omit<PodInfo, 'name'> = {
    namespace: 'shop',
    uid: '0d5ee1a2-4f6c-4a1b-9e43-0f8a5f0f3c11',
    labels: new Map([['app', 'web']]),
    configHash: '0123456789abcdef0123456789abcdef',
    node: 'node-a',
    createdSeconds: 1_795_000_123,
    endedContainers: '',
    hostNetwork: true,
  };
  // The second was never bound, and has no time.
  assert.deepEqual(pods.list(), [
    { ...own, name: 'web-0' },
    { ...own, name: 'web-1', node: undefined, createdSeconds: undefined },
  ]);
});
