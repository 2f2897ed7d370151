/** Reviews asked of a real HTTPS server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { createAccessReviewer, createTokenReviewer } from '../../src/client/reviews.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';

let fake: FakeApiServer;
let rest: RestClient;

beforeEach(async () => {
  fake = await createFakeApiServer();
  rest = createRestClient(fake.connection);
});
afterEach(async () => {
  await rest[Symbol.asyncDispose]();
  await fake.close();
});

describe('a TokenReview', () => {
  test('tells whose the token is', async () => {
    const user = { username: 'ann', uid: 'u-1', groups: ['dev', 'qa'], extra: { 'acme.com/project': ['p1', 'p2'] } };
    fake.reviews.token = (token) => (token === 'good' ? { authenticated: true, user } : {});
    assert.deepEqual(await createTokenReviewer(rest).review('good'), {
      kind: 'authenticated',
      user: { ...user, extra: new Map([['acme.com/project', ['p1', 'p2']]]) },
    });
    const [request] = fake.requests;
    assert.equal(request?.path, '/apis/authentication.k8s.io/v1/tokenreviews');
    assert.equal(request?.query.get('timeout'), '10s');
  });

  test('may say no, or that it cannot tell', async () => {
    const reviewer = createTokenReviewer(rest);
    assert.deepEqual(await reviewer.review('unknown'), { kind: 'failed', error: 'invalid bearer token' });
    fake.reviews.token = () => ({ user: {} });
    assert.deepEqual(await reviewer.review('unknown'), { kind: 'rejected' });
    fake.reviews.token = () => ({ authenticated: true, user: { groups: ['system:masters'] } });
    assert.deepEqual(await reviewer.review('nameless'), { kind: 'failed', error: 'the TokenReview names no user' });
  });

  test('asks once more when a kept connection turns out to be closed, and only once', async () => {
    const reviewer = createTokenReviewer(rest);
    fake.reviews.token = () => ({ authenticated: true, user: { username: 'ann' } });
    fake.faults.answer = () => (fake.requests.length === 1 ? 'hang up' : undefined);
    assert.equal((await reviewer.review('good')).kind, 'authenticated');
    assert.equal(fake.requests.length, 2);

    fake.faults.answer = () => 'hang up';
    await assert.rejects(reviewer.review('good'), /POST .*tokenreviews failed/);
    assert.equal(fake.requests.length, 4);
  });

  test('that we may not ask is an error, not a no', async () => {
    fake.faults.answer = () => 403;
    await assert.rejects(createTokenReviewer(rest).review('good'), { reason: 'Forbidden' });
    assert.equal(fake.requests.length, 1);
  });

  test('ends with its caller', async () => {
    fake.faults.delayMs = 60_000;
    await assert.rejects(createTokenReviewer(rest).review('good', AbortSignal.abort(new Error('the client left'))), {
      message: 'the client left',
    });
  });
});

describe('a SubjectAccessReview', () => {
  const spec = {
    user: 'ann',
    groups: ['dev'],
    resourceAttributes: { verb: 'list', resource: 'nodes', group: 'metrics.k8s.io' },
  };

  test('carries the question and brings the answer', async () => {
    let asked: unknown;
    fake.reviews.access = (received) => {
      asked = received;
      return { allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "r"' };
    };
    const answer = await createAccessReviewer(rest).review(spec);
    assert.deepEqual(answer, { allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "r"' });
    assert.deepEqual(asked, spec);
    assert.equal(fake.requests[0]?.path, '/apis/authorization.k8s.io/v1/subjectaccessreviews');
  });

  test('that is not clearly allowed is not allowed', async () => {
    const reviewer = createAccessReviewer(rest);
    assert.deepEqual(await reviewer.review(spec), { allowed: false, reason: '' });
    for (const status of [{ allowed: true, denied: true }, { allowed: 'true' }, {}]) {
      fake.reviews.access = () => status;
      assert.equal((await reviewer.review(spec)).allowed, false);
    }
  });
});
