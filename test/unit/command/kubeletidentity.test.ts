/** Which credentials kubelets get, by the flag and by where we run. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StatusError } from '../../../src/apimachinery/status.ts';
import type { ApiServer } from '../../../src/client/apiserver.ts';
import { field } from '../../../src/client/json.ts';
import type { RequestOptions } from '../../../src/client/rest.ts';
import { createKubeletIdentity, type KubeletIdentity } from '../../../src/command/kubeletidentity.ts';
import { silentLogger } from '../../../src/logging.ts';
import { parseCommandLine, UsageError } from '../../../src/options/parse.ts';
import { createFakeClock } from '../../fakes/clock.ts';

const own = 'Bearer own';
const accessReviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

interface Started {
  readonly identity: KubeletIdentity;
  readonly paths: readonly string[];
}

function start(
  flags: readonly string[],
  namespace: string | undefined,
  answer: () => unknown = issue,
  writer: 'none' | 'own' | 'issued' = 'none',
  may: (resource: unknown) => boolean = () => true,
): Started {
  const paths: string[] = [];
  const apiServer: ApiServer = {
    url: 'https://10.96.0.1',
    tls: () => ({ rejectUnauthorized: true }),
    authorization: () => own,
    namespace,
  };
  const create = async (path: string, body: unknown, request?: RequestOptions) => {
    if (path === accessReviews) {
      const isWriter = writer === (request?.authorization === undefined ? 'own' : 'issued');
      const resource = field(field(field(body, 'spec'), 'resourceAttributes'), 'resource');
      return { status: { allowed: isWriter && may(resource) } };
    }
    paths.push(path);
    return answer();
  };
  const rest = { create, outage: { seen: () => undefined, isRecent: () => false } };
  const { options } = parseCommandLine(flags);
  const identity = createKubeletIdentity({ options, apiServer, rest, clock: createFakeClock(), log: silentLogger });
  return { identity, paths };
}

function issue(): unknown {
  return { spec: { expirationSeconds: 600 }, status: { token: 'issued' } };
}

function refuse(): never {
  throw new StatusError('Forbidden', 'no');
}

const pathOf = (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;

describe('with --kubelet-service-account', () => {
  test('a name is in the namespace of our pod', async () => {
    const { identity, paths } = start(['--kubelet-service-account=readers'], 'monitoring');
    assert.ok(identity.isSeparate());
    assert.equal(await identity.authorization(), 'Bearer issued');
    assert.deepEqual(paths, [pathOf('monitoring', 'readers')]);
  });

  test('another namespace can be named, also outside of a pod', async () => {
    for (const namespace of ['monitoring', undefined]) {
      const { identity, paths } = start(['--kubelet-service-account=other/readers'], namespace);
      assert.equal(await identity.authorization(), 'Bearer issued');
      assert.deepEqual(paths, [pathOf('other', 'readers')]);
    }
  });

  test('our own token is not used even if the account is missing', async () => {
    const { identity } = start(['--kubelet-service-account=readers'], 'monitoring', refuse);
    await assert.rejects(async () => identity.authorization(), /has no token/);
    assert.ok(identity.isSeparate());
  });

  test('outside of a pod the namespace must be given', () => {
    assert.throws(() => start(['--kubelet-service-account=readers'], undefined), UsageError);
  });

  test('own is our own token, whatever it may do, and nothing may be written', async () => {
    const { identity, paths } = start(['--kubelet-service-account=own'], 'kube-system', refuse, 'own');
    assert.equal(await identity.authorization(), own);
    assert.equal(identity.isSeparate(), false);
    assert.deepEqual(paths, []);
  });

  test('a token that may write is not used', async () => {
    const { identity } = start(['--kubelet-service-account=readers'], 'monitoring', issue, 'issued');
    await assert.rejects(async () => identity.authorization(), /since it may write to the cluster/);
    assert.equal(identity.report().sent, 'none');
  });

  for (const listed of ['pods', 'horizontalpodautoscalers']) {
    test(`a token that may list ${listed} is not used`, async () => {
      const isListed = (resource: unknown) => resource === listed;
      const { identity } = start(['--kubelet-service-account=readers'], 'monitoring', issue, 'issued', isListed);
      await assert.rejects(async () => identity.authorization(), /since it may list pods or HorizontalPodAutoscalers/);
      assert.equal(identity.report().sent, 'none');
    });
  }

  test('names that Kubernetes does not have are rejected', () => {
    for (const value of ['a/b/c', '../x', 'Readers', 'a/', '/a', 'a b', 'x?y'])
      assert.throws(() => parseCommandLine([`--kubelet-service-account=${value}`]), UsageError, value);
  });
});

describe('without the flag', () => {
  test('the account of the manifests is used in a pod, once it was issued a token', async () => {
    const { identity, paths } = start([], 'kube-system');
    assert.equal(await identity.authorization(), 'Bearer issued');
    assert.deepEqual(paths, [pathOf('kube-system', 'kubegauge-kubelets')]);
    assert.deepEqual(identity.report(), {
      sent: 'account',
      account: 'kube-system/kubegauge-kubelets',
      reason: undefined,
    });
  });

  test('nothing may be written, since a later process may fall back to our own token', async () => {
    const { identity } = start([], 'kube-system');
    await identity.authorization();
    assert.equal(identity.isSeparate(), false);
  });

  test('our own token is used in a pod while the account is missing and it may not write', async () => {
    const { identity } = start([], 'kube-system', refuse);
    assert.equal(await identity.authorization(), own);
    assert.equal(identity.isSeparate(), false);
    assert.equal(identity.report().sent, 'own');
  });

  test('our own token is not used while it may patch an APIService', async () => {
    const { identity } = start([], 'kube-system', refuse, 'own');
    await assert.rejects(async () => identity.authorization(), /it may write to the cluster/);
  });

  test('our own credentials are used outside of a pod, without a request', async () => {
    const { identity, paths } = start([], undefined);
    assert.equal(await identity.authorization(), own);
    assert.equal(identity.isSeparate(), false);
    assert.deepEqual(paths, []);
    assert.equal(identity.report().sent, 'own');
  });
});

describe('where no token leaves for a kubelet', () => {
  for (const flag of ['--kubelet-connection=proxy', '--deprecated-kubelet-completely-insecure']) {
    test(`with ${flag}, we may write`, () => {
      const { identity, paths } = start([flag], 'kube-system');
      assert.ok(identity.isSeparate());
      assert.equal(identity.report().sent, 'none');
      assert.deepEqual(paths, []);
    });
  }
});
