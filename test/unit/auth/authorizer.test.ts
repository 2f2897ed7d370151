import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeJson } from '../../../src/apimachinery/meta.ts';
import type { Attributes } from '../../../src/auth/attributes.ts';
import { createAuthorizer, forbiddenStatus } from '../../../src/auth/authorizer.ts';
import type { UserInfo } from '../../../src/auth/user.ts';
import { silentLogger } from '../../../src/logging.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { waiterWith } from '../../fakes/waiter.ts';

const alice: UserInfo = { name: 'alice', uid: '', groups: [], extra: new Map() };
const resource = (texts: Partial<Attributes & { readonly kind: 'resource' }>): Attributes => ({
  kind: 'resource',
  verb: 'list',
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  resource: 'nodes',
  subresource: '',
  namespace: '',
  name: '',
  ...texts,
});
const path = (text: string): Attributes => ({ kind: 'path', verb: 'get', path: text });

describe('a denial', () => {
  const check = (what: string, attributes: Attributes, message: string, reason = '') =>
    void test(what, () => assert.equal(forbiddenStatus(alice, attributes, reason).message, message));
  check(
    'of a list in the cluster',
    resource({}),
    'nodes.metrics.k8s.io is forbidden: User "alice" cannot list resource "nodes" in API group "metrics.k8s.io" at the cluster scope',
  );
  check(
    'of an object in a namespace',
    resource({ verb: 'get', resource: 'pods', namespace: 'default', name: 'web-0' }),
    'pods.metrics.k8s.io "web-0" is forbidden: User "alice" cannot get resource "pods" in API group "metrics.k8s.io" in the namespace "default"',
  );
  check(
    'of a subresource',
    resource({ verb: 'get', subresource: 'status', name: 'x' }),
    'nodes.metrics.k8s.io "x" is forbidden: User "alice" cannot get resource "nodes/status" in API group "metrics.k8s.io" at the cluster scope',
  );
  check('of a path', path('/metrics'), 'forbidden: User "alice" cannot get path "/metrics"');
  check(
    'of a path that a browser could take for a page',
    path('/<b>&'),
    'forbidden: User "alice" cannot get path "/&lt;b&gt;&amp;"',
  );
  check(
    'with a reason',
    path('/metrics'),
    'forbidden: User "alice" cannot get path "/metrics": no <rule>',
    'no <rule>',
  );

  test('is the Status that kube-apiserver sends, byte for byte', () => {
    assert.equal(
      String(encodeJson(forbiddenStatus(alice, resource({}), '').toStatus())),
      '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"nodes.metrics.k8s.io is forbidden: User \\"alice\\" cannot list ' +
        'resource \\"nodes\\" in API group \\"metrics.k8s.io\\" at the cluster scope","reason":"Forbidden","details":' +
        '{"group":"metrics.k8s.io","kind":"nodes"},"code":403}\n',
    );
  });

  test('of a path has empty details and escaped entities', () => {
    const body = String(encodeJson(forbiddenStatus(alice, path('/<b>'), '').toStatus()));
    assert.match(body, /path \\"\/\\u0026lt;b\\u0026gt;\\"","reason":"Forbidden","details":\{\},"code":403/);
  });
});

describe('paths that are always allowed', () => {
  const reviewer = { review: async () => ({ allowed: false, reason: '' }) };
  const create = (...alwaysAllowPaths: string[]) =>
    createAuthorizer({
      reviewer,
      anonymousReviewer: reviewer,
      refusals: { refused: () => undefined },
      alwaysAllowPaths,
      allowedTtlMs: 0,
      deniedTtlMs: 0,
      clock: createFakeClock(),
      log: silentLogger,
    });
  const check = (pattern: string, asked: Attributes, allowed: boolean) =>
    void test(`${pattern} ${allowed ? 'allows' : 'does not allow'} ${JSON.stringify(asked)}`, async () => {
      const decision = create(pattern).authorize(alice, asked, waiterWith());
      if (allowed) await decision;
      else await assert.rejects(decision, { reason: 'Forbidden' });
    });
  check('/healthz', path('/healthz'), true);
  check('healthz', path('/healthz'), true);
  check('/healthz', path('/healthz/ping'), false);
  check('/healthz', path('/healthz/'), false);
  check('/healthz*', path('/healthz/ping'), true);
  check('/metrics/*', path('/metrics'), false);
  check('/metrics/*', path('/metrics/slis'), true);
  check('/*', path('/anything'), true);
  check('/*', resource({}), false);
  check('/', path('/'), true);
  check('/', path('/x'), false);

  test('cannot have a star in the middle', () => {
    assert.throws(() => create('/a*/b'), /"a\*\/b" has a \* that is not at its end/);
  });
});
