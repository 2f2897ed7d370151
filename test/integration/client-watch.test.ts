import assert from 'node:assert/strict';
import { test } from 'node:test';
import { field, text } from '../../src/client/json.ts';
import { createRestClient } from '../../src/client/rest.ts';
import { openWatch } from '../../src/client/watch.ts';
import { keepsVersion } from '../../src/client/watchretry.ts';
import { createFakeApiServer } from '../fakes/apiserver.ts';
import { node } from '../fakes/kubeobjects.ts';

test('a silent watch fails, and its version is given up: after a restore of etcd it would be silent forever', async () => {
  await using fake = await createFakeApiServer();
  fake.objects.set(node('a'));
  await using rest = createRestClient(fake.connection);
  const list = await rest.get('/api/v1/nodes');
  const events = await openWatch(rest, '/api/v1/nodes', {
    query: {},
    accept: 'application/json',
    resourceVersion: text(field(field(list, 'metadata'), 'resourceVersion')) ?? '',
    timeoutSeconds: 60,
    silenceMs: 2_000,
    signal: new AbortController().signal,
  });
  fake.objects.set(node('b'));
  assert.equal((await events.next()).value?.type, 'ADDED');
  fake.watches.silent = true;
  await assert.rejects(events.next(), (error: Error) => {
    assert.match(error.message, /silent for 2000 ms/);
    assert.equal(keepsVersion(error), false);
    return true;
  });
});
