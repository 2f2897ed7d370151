/** A review's result resumes all requests that waited for it; each is refused at its own turn of the event loop. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAuthenticator } from '../../src/auth/authenticator.ts';
import { createAuthorizer } from '../../src/auth/authorizer.ts';
import { systemClock } from '../../src/clock.ts';
import type { AccessReviewResult, TokenReviewResult } from '../../src/client/reviews.ts';
import { silentLogger } from '../../src/logging.ts';
import { createRegistry } from '../../src/monitoring.ts';
import { createConnections } from '../../src/server/connectionmetrics.ts';
import { iterationBudgetMs } from '../../src/eventloopqueue.ts';
import { createInFlightLimit } from '../../src/server/inflight.ts';
import { createRequestMetrics } from '../../src/server/requestmetrics.ts';
import { createServer } from '../../src/server/server.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { knownByHeader, usualServerOptions } from '../fakes/serveroptions.ts';
import { until } from '../fakes/until.ts';
import { freePort } from '../fakes/wholecluster.ts';

const certificate = makeAuthority('server').issue({ cn: 'server', ips: ['127.0.0.1'], usages: ['server'] });
const spinMs = 2;
const streams = 60;

/** Starts a server on which a refusal holds the event loop for `spinMs`, and which counts them by iteration. */
async function start(added: AsyncDisposableStack) {
  const tokenResult = Promise.withResolvers<TokenReviewResult>();
  const accessResult = Promise.withResolvers<AccessReviewResult>();
  const count = { refused: 0, most: 0, authenticated: 0 };
  let inIteration = 0;
  const nextIteration = () => {
    count.most = Math.max(count.most, inIteration);
    inIteration = 0;
    next = setImmediate(nextIteration);
  };
  let next = setImmediate(nextIteration);
  added.defer(() => clearImmediate(next));
  const refusals = {
    refused() {
      count.refused += 1;
      inIteration += 1;
      const endMs = performance.now() + spinMs;
      while (performance.now() < endMs);
    },
    authenticated: () => undefined,
  };
  const byToken = createAuthenticator({
    settings: { current: () => ({ clientCa: undefined, requestHeader: undefined }) },
    reviewer: { review: () => tokenResult.promise },
    unknownTokenReviewer: { review: () => tokenResult.promise },
    tokenTtlMs: 10_000,
    clock: systemClock,
    refusals,
  });
  const reviewer = { review: () => accessResult.promise };
  const inFlight = createInFlightLimit(400);
  const port = await freePort();
  const server = await createServer({
    ...usualServerOptions,
    port,
    tls: certificate,
    inFlight,
    connections: createConnections(createRegistry(), 0, silentLogger),
    metrics: createRequestMetrics(createRegistry(), inFlight.count, []),
    authenticator: {
      authenticate(credentials, waiter) {
        count.authenticated += 1;
        return (credentials.rawHeaders.includes('authorization') ? byToken : knownByHeader).authenticate(
          credentials,
          waiter,
        );
      },
    },
    authorizer: createAuthorizer({
      log: silentLogger,
      reviewer,
      anonymousReviewer: reviewer,
      refusals,
      alwaysAllowPaths: [],
      allowedTtlMs: 10_000,
      deniedTtlMs: 10_000,
      clock: systemClock,
    }),
    router: {
      serve: () => ({ status: 200, contentType: 'text/plain', body: 'ok' }),
      serveHealth: () => undefined,
    },
    log: silentLogger,
  });
  added.defer(() => server.close());
  await server.listen();
  return { port, count, tokenResult, accessResult };
}

describe('requests that wait for one review', () => {
  type Setup = Awaited<ReturnType<typeof start>>;
  const cases: readonly (readonly [string, Record<string, string>, number, (setup: Setup) => void])[] = [
    ['of a token', { authorization: 'Bearer x' }, 401, ({ tokenResult }) => tokenResult.resolve({ kind: 'rejected' })],
    [
      "of a user's access",
      { 'x-known': 'x' },
      403,
      ({ accessResult }) => accessResult.resolve({ allowed: false, reason: '' }),
    ],
    ['of anonymous access', {}, 403, ({ accessResult }) => accessResult.resolve({ allowed: false, reason: '' })],
    ['that fails', { 'x-known': 'x' }, 500, ({ accessResult }) => accessResult.reject(new Error('down'))],
  ];
  for (const [what, headers, status, settle] of cases) {
    test(`${what} are refused in several iterations of the event loop`, async () => {
      await using added = new AsyncDisposableStack();
      const setup = await start(added);
      const session = await openSession(setup.port);
      added.defer(() => session.destroy());
      const answers = Array.from({ length: streams }, () => ask2(session, '/apis', headers));
      await until('all wait', () => setup.count.authenticated === streams);
      assert.equal(setup.count.refused, 0);
      settle(setup);
      for (const answer of await Promise.all(answers)) assert.equal(answer.status, status);
      assert.equal(setup.count.refused, streams);
      // One begins at the end of the budget, and the count's own iteration may begin within that of the queue.
      const allowed = 2 * (iterationBudgetMs / spinMs + 1);
      assert.ok(setup.count.most <= allowed, `${setup.count.most} refusals in one iteration, ${allowed} allowed`);
    });
  }
});
