/** Who may do what, asked of a real HTTPS server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Attributes, ResourceAttributes } from '../../src/auth/attributes.ts';
import { type Authorizer, createAuthorizer, ReviewUnavailable } from '../../src/auth/authorizer.ts';
import type { RefusedRequest } from '../../src/auth/refusals.ts';
import { anonymous, type UserInfo } from '../../src/auth/user.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { createAccessReviewer } from '../../src/client/reviews.ts';
import { silentLogger } from '../../src/logging.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { createFakeClock, type FakeClock } from '../fakes/clock.ts';
import { waiterWith } from '../fakes/waiter.ts';

const alice: UserInfo = {
  name: 'alice',
  uid: 'u-1',
  groups: ['dev', 'system:authenticated'],
  extra: new Map([
    ['scopes', ['a']],
    ['acme.com/project', ['p1', 'p2']],
  ]),
};
const pods: ResourceAttributes = {
  kind: 'resource',
  verb: 'list',
  group: 'metrics.k8s.io',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'team-a',
  name: '',
};
const waiter = waiterWith();

let api: FakeApiServer;
let rest: RestClient;
let clock: FakeClock;
let authorizer: Authorizer;
let refusals: RefusedRequest[];
let isAfterOutage: boolean;

beforeEach(async () => {
  api = await createFakeApiServer();
  rest = createRestClient(api.connection);
  clock = createFakeClock();
  refusals = [];
  isAfterOutage = false;
  authorizer = createAuthorizer({
    log: silentLogger,
    reviewer: createAccessReviewer(rest),
    anonymousReviewer: createAccessReviewer(rest),
    refusals: { refused: (refusal) => refusals.push(refusal) },
    isAfterOutage: () => isAfterOutage,
    alwaysAllowPaths: ['/healthz'],
    allowedTtlMs: 10_000,
    deniedTtlMs: 5_000,
    clock,
  });
});
afterEach(async () => {
  await rest[Symbol.asyncDispose]();
  await api.close();
});

const authorize = (user = alice, attributes: Attributes = pods) => authorizer.authorize(user, attributes, waiter);

describe('authorization', () => {
  test("sends all attributes of the user, in Kubernetes' order", async () => {
    let asked = '';
    api.reviews.access = (spec) => {
      asked = JSON.stringify(spec);
      return { allowed: true };
    };
    await authorize();
    assert.equal(
      asked,
      '{"resourceAttributes":{"namespace":"team-a","verb":"list","group":"metrics.k8s.io","version":"v1","resource":"pods"},' +
        '"user":"alice","groups":["dev","system:authenticated"],"extra":{"acme.com/project":["p1","p2"],"scopes":["a"]},"uid":"u-1"}',
    );
    await authorize(
      { name: 'bob', uid: '', groups: [], extra: new Map() },
      { kind: 'path', verb: 'get', path: '/metrics' },
    );
    assert.equal(asked, '{"nonResourceAttributes":{"path":"/metrics","verb":"get"},"user":"bob"}');
  });

  test("denies with kube-apiserver's reason", async () => {
    api.reviews.access = () => ({ allowed: false, reason: 'RBAC says no' });
    await assert.rejects(authorize(), {
      code: 403,
      message:
        'pods.metrics.k8s.io is forbidden: User "alice" cannot list resource "pods" in API group "metrics.k8s.io" ' +
        'in the namespace "team-a": RBAC says no',
    });
  });

  test('reviews neither system:masters nor open paths', async () => {
    api.faults.answer = () => 500;
    await authorize({ ...alice, groups: ['system:masters'] });
    await authorize(alice, { kind: 'path', verb: 'get', path: '/healthz' });
    assert.equal(api.requests.length, 0);
  });

  test('caches an allow and a deny for their TTLs', async () => {
    api.reviews.access = ({ user }) => ({ allowed: user === 'alice' });
    const bob = { ...alice, name: 'bob' };
    const both = async () => {
      await Promise.all([authorize(), authorize(), assert.rejects(authorize(bob)), assert.rejects(authorize(bob))]);
      return api.requests.length;
    };
    assert.equal(await both(), 2);
    clock.jump(4_999);
    assert.equal(await both(), 2);
    clock.jump(1);
    assert.equal(await both(), 3);
    clock.jump(5_000);
    assert.equal(await both(), 5);
  });

  test('caches a deny for half a second if kube-apiserver may have just started, and an allow as usual', async () => {
    isAfterOutage = true;
    api.reviews.access = () => ({ allowed: false });
    await assert.rejects(authorize(), { code: 403 });
    clock.jump(499);
    await assert.rejects(authorize(), { code: 403 });
    assert.equal(api.requests.length, 1);
    clock.jump(1);
    api.reviews.access = () => ({ allowed: true });
    await authorize();
    clock.jump(9_999);
    await authorize();
    assert.equal(api.requests.length, 2);
  });

  test('records denials, those of anonymous requests apart', async () => {
    api.reviews.access = () => ({ allowed: false });
    await assert.rejects(authorize());
    await assert.rejects(authorize(anonymous));
    api.faults.answer = () => 403;
    await assert.rejects(authorize({ ...alice, name: 'bob' }));
    assert.deepEqual(
      refusals.map(({ code }) => code),
      ['UserDenied', 'AnonymousDenied', 'AccessReviewFailed'],
    );
    assert.match(refusals[0]?.reason ?? '', /User "alice" cannot list resource "pods"/);
  });

  test('caches by user and attributes', async () => {
    api.reviews.access = () => ({ allowed: true });
    await authorize();
    await authorize({ ...alice, uid: 'u-2' });
    await authorize({ ...alice, groups: ['dev,system:authenticated'] });
    await authorize(alice, { ...pods, namespace: 'team-b' });
    await authorize(alice, { ...pods, labelSelector: 'app=web' });
    assert.equal(api.requests.length, 5);
  });

  test('does not cache attributes of ten thousand characters', async () => {
    api.reviews.access = () => ({ allowed: true });
    const long: Attributes = { kind: 'path', verb: 'get', path: `/${'x'.repeat(10_000)}` };
    await authorize(alice, long);
    await authorize(alice, long);
    assert.equal(api.requests.length, 2);
  });

  const unavailable = (what: string, code: number | 'hang up') =>
    void test(`allows nothing when ${what}, and asks again`, async () => {
      api.reviews.access = () => ({ allowed: true });
      api.faults.answer = () => code;
      await assert.rejects(authorize(), (error) => error instanceof ReviewUnavailable && error.cause instanceof Error);
      api.faults.answer = undefined;
      await authorize();
    });
  unavailable('kube-apiserver fails', 500);
  unavailable('we may not ask', 403);
  unavailable('kube-apiserver hangs up', 'hang up');

  describe('with stale allows for a minute', () => {
    beforeEach(() => {
      authorizer = createAuthorizer({
        log: silentLogger,
        reviewer: createAccessReviewer(rest),
        anonymousReviewer: createAccessReviewer(rest),
        refusals: { refused: (refusal) => refusals.push(refusal) },
        isAfterOutage: () => isAfterOutage,
        alwaysAllowPaths: [],
        allowedTtlMs: 10_000,
        deniedTtlMs: 5_000,
        staleAllowMs: 60_000,
        clock,
      });
      api.reviews.access = ({ user }) => ({ allowed: user === 'alice' });
    });

    test('serves them while kube-apiserver fails, for a minute', async () => {
      await authorize();
      api.faults.answer = () => 500;
      clock.jump(69_999);
      await authorize();
      clock.jump(1);
      await assert.rejects(authorize(), ReviewUnavailable);
    });

    test('serves them to no other user', async () => {
      const bob = { ...alice, name: 'bob' };
      await Promise.all([authorize(), assert.rejects(authorize(bob), { code: 403 })]);
      api.faults.answer = () => 'hang up';
      clock.jump(10_000);
      await authorize();
      await assert.rejects(authorize(bob), ReviewUnavailable);
      await assert.rejects(authorize(alice, { ...pods, namespace: 'team-b' }), ReviewUnavailable);
    });

    test('drops them when reviews are forbidden', async () => {
      await authorize();
      api.faults.answer = () => 403;
      clock.jump(10_000);
      await assert.rejects(authorize(), ReviewUnavailable);
    });

    test('drops them when kube-apiserver denies', async () => {
      await authorize();
      api.reviews.access = () => ({ allowed: false });
      clock.jump(10_000);
      await assert.rejects(authorize(), { code: 403 });
    });
  });

  test('releases a request that aborts', async () => {
    api.faults.delayMs = 60_000;
    const left = authorizer.authorize(alice, pods, waiterWith(AbortSignal.abort(new Error('the client left'))));
    await assert.rejects(left, ReviewUnavailable);
  });
});

describe('access that no request depends on', () => {
  const metrics = { kind: 'path', verb: 'get', path: '/metrics' } as const;

  test('is reviewed, and a deny is not recorded', async () => {
    api.reviews.access = ({ user }) => ({ allowed: user === 'alice' });
    assert.equal(await authorizer.allows(alice, metrics, waiter), true);
    assert.equal(await authorizer.allows({ ...alice, name: 'bob' }, metrics, waiter), false);
    assert.deepEqual(refusals, []);
  });

  test('is denied when the review fails', async () => {
    await api.faults.down();
    assert.equal(await authorizer.allows(alice, metrics, waiterWith(AbortSignal.abort())), false);
    assert.deepEqual(refusals, []);
  });
});
