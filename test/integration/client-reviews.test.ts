/** Reviews asked of a real HTTPS server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import { createAccessReviewer, createTokenReviewer } from '../../src/client/reviews.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';

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
  test("returns the token's user", async () => {
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

  test('rejects a token, or fails', async () => {
    const reviewer = createTokenReviewer(rest);
    assert.deepEqual(await reviewer.review('unknown'), { kind: 'failed', error: 'invalid bearer token' });
    fake.reviews.token = () => ({ user: {} });
    assert.deepEqual(await reviewer.review('unknown'), { kind: 'rejected' });
    fake.reviews.token = () => ({ authenticated: true, user: { groups: ['system:masters'] } });
    assert.deepEqual(await reviewer.review('nameless'), { kind: 'failed', error: 'the TokenReview names no user' });
  });

  for (const status of [429, 500, 502, 503, 504]) {
    test(`is retried after a ${status}`, async () => {
      fake.reviews.token = () => ({ authenticated: true, user: { username: 'ann' } });
      fake.faults.answer = () => (fake.requests.length === 1 ? status : undefined);
      assert.equal((await createTokenReviewer(rest).review('good')).kind, 'authenticated');
      assert.equal(fake.requests.length, 2);
    });
  }

  test('is retried while the server is down, and succeeds when it is up', async () => {
    const authority = makeAuthority('restarted kube-apiserver CA');
    await fake.close();
    fake = await createFakeApiServer({ authority });
    await using client = createRestClient(fake.connection);
    const { port } = new URL(fake.connection.url);
    await fake.close();
    const codes: string[] = [];
    const failedOnce = Promise.withResolvers<void>();
    const refused: RestClient = {
      ...client,
      create: (...call) =>
        client.create(...call).catch((error: unknown) => {
          codes.push('refused');
          failedOnce.resolve();
          throw error;
        }),
    };
    const reviewing = createTokenReviewer(refused).review('good');
    await failedOnce.promise;
    fake = await createFakeApiServer({ authority, port: Number(port) });
    fake.reviews.token = () => ({ authenticated: true, user: { username: 'ann' } });
    assert.equal((await reviewing).kind, 'authenticated');
    assert.notEqual(codes.length, 0);
  });

  test("is retried after a 503's Retry-After", async () => {
    const askedMs: number[] = [];
    fake.faults.headers = { 'retry-after': '1' };
    fake.faults.answer = () => (askedMs.push(performance.now()) === 1 ? 503 : undefined);
    fake.reviews.token = () => ({ authenticated: true, user: { username: 'ann' } });
    assert.equal((await createTokenReviewer(rest).review('good')).kind, 'authenticated');
    const [first = 0, second = 0] = askedMs;
    // A timer may be a millisecond early.
    assert.ok(second - first >= 999, `asked again after ${second - first} ms`);
  });

  test('is retried after a 401 of a server that has just started', async () => {
    fake.reviews.token = () => ({ authenticated: true, user: { username: 'ann' } });
    const codes = [503, 401, 403];
    fake.faults.answer = () => codes.shift();
    assert.equal((await createTokenReviewer(rest).review('good')).kind, 'authenticated');
    assert.equal(fake.requests.length, 4);
  });

  test('runs each try through its limiter, and reports each failure before a retry', async () => {
    fake.reviews.token = () => ({ authenticated: true, user: { username: 'ann' } });
    const codes = [503, 500];
    fake.faults.answer = () => codes.shift();
    let turns = 0;
    const failures: unknown[] = [];
    await createTokenReviewer(rest).review('good', {
      limiter: (work) => {
        turns += 1;
        return work();
      },
      onRetry: (error) => failures.push(error),
    });
    assert.equal(turns, 3);
    assert.deepEqual(
      failures.map((error) => (error as { code: number }).code),
      [503, 500],
    );
  });

  test('is not retried when its limiter rejects it', async () => {
    const limiter = () => Promise.reject(new Error('no slot'));
    await assert.rejects(createTokenReviewer(rest).review('good', { limiter }), /no slot/);
    assert.equal(fake.requests.length, 0);
  });

  test('fails after five tries', async () => {
    fake.faults.answer = () => 503;
    await assert.rejects(createTokenReviewer(rest).review('good'));
    assert.equal(fake.requests.length, 5);
  });

  test('is retried at once when an idle connection was closed', async () => {
    const reviewer = createTokenReviewer(rest);
    fake.reviews.token = () => ({ authenticated: true, user: { username: 'ann' } });
    fake.faults.answer = () => (fake.requests.length === 1 ? 'hang up' : undefined);
    assert.equal((await reviewer.review('good')).kind, 'authenticated');
    assert.equal(fake.requests.length, 2);

    fake.faults.answer = () => 'hang up';
    await assert.rejects(reviewer.review('good'), /POST .*tokenreviews failed/);
    assert.equal(fake.requests.length, 7);
  });

  test('that is forbidden is an error, not a rejection', async () => {
    fake.faults.answer = () => 403;
    await assert.rejects(createTokenReviewer(rest).review('good'), { reason: 'Forbidden' });
    assert.equal(fake.requests.length, 1);
  });

  test('ends with its caller', async () => {
    fake.faults.delayMs = 60_000;
    await assert.rejects(
      createTokenReviewer(rest).review('good', { signal: AbortSignal.abort(new Error('the client left')) }),
      {
        message: 'the client left',
      },
    );
  });
});

describe('a SubjectAccessReview', () => {
  const spec = {
    user: 'ann',
    groups: ['dev'],
    resourceAttributes: { verb: 'list', resource: 'nodes', group: 'metrics.k8s.io' },
  };

  test('sends the spec and returns the result', async () => {
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

  test('without a clear allow is denied', async () => {
    const reviewer = createAccessReviewer(rest);
    assert.deepEqual(await reviewer.review(spec), { allowed: false, reason: '' });
    for (const status of [{ allowed: true, denied: true }, { allowed: 'true' }, {}]) {
      fake.reviews.access = () => status;
      assert.equal((await reviewer.review(spec)).allowed, false);
    }
  });
});
