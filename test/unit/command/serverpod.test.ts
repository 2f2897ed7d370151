import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findServerPod } from '../../../src/command/serverpod.ts';
import { parseCommandLine } from '../../../src/options/parse.ts';
import { fakeJwt } from '../../fakes/jwt.ts';

const claims = {
  'kubernetes.io': {
    namespace: 'monitoring',
    pod: { name: 'kubegauge-1', uid: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff' },
  },
};

function find(flags: readonly string[], token: string | undefined, search: readonly string[] = []) {
  const { options } = parseCommandLine(flags);
  const authorization = () => (token === undefined ? undefined : `Bearer ${token}`);
  return findServerPod(options, { authorization }, () => search);
}

describe('the pod of this process', () => {
  test('is the one that its token is bound to, and its Service is in the same namespace', async () => {
    const search = ['monitoring.svc.example.org', 'svc.example.org', 'example.org'];
    const pod = await find(['--service-name=kubegauge'], fakeJwt(claims), search);
    assert.deepEqual(pod?.owner, {
      namespace: 'monitoring',
      pod: 'kubegauge-1',
      uid: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
    });
    assert.deepEqual(pod.service, { namespace: 'monitoring', name: 'kubegauge' });
    assert.deepEqual(pod.names().slice(0, 4), [
      'kubegauge.monitoring.svc',
      'kubegauge',
      'kubegauge.monitoring',
      'kubegauge.monitoring.svc.example.org',
    ]);
  });

  test('is unknown with a kubeconfig, so that a server on a laptop never writes to a cluster', async () => {
    assert.equal(await find(['--kubeconfig=some'], fakeJwt(claims)), undefined);
  });

  for (const [title, token] of [
    ['without a token', undefined],
    ['with a token that is bound to no pod', fakeJwt({ 'kubernetes.io': { namespace: 'monitoring' } })],
    ['with a token that is none of kube-apiserver', 'abc'],
  ] as const) {
    test(`is unknown ${title}`, async () => assert.equal(await find([], token), undefined));
  }
});
