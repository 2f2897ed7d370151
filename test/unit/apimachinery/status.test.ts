/** Bodies are those of the real server, captured. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeJson } from '../../../src/apimachinery/meta.ts';
import {
  badRequest,
  forbidden,
  invalid,
  methodNotAllowed,
  noRepresentation,
  notAcceptable,
  notFound,
  serviceUnavailable,
  StatusError,
  unauthorized,
  unknownResource,
  unsupportedMediaType,
  watchNotSupported,
} from '../../../src/apimachinery/status.ts';

const head = '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",';
const nodes = { group: 'metrics.k8s.io', resource: 'nodes' };
const pods = { group: 'metrics.k8s.io', resource: 'pods' };

describe('the body of', () => {
  check(
    'an unknown node',
    notFound({ group: '', resource: 'node' }, 'nope'),
    '"message":"node \\"nope\\" not found","reason":"NotFound","details":{"name":"nope","kind":"node"},"code":404}',
  );
  check(
    'a node of an odd name',
    notFound({ group: '', resource: 'node' }, '\x00'),
    '"message":"node \\"\\\\x00\\" not found","reason":"NotFound","details":{"name":"\\u0000","kind":"node"},"code":404}',
  );
  check(
    'a node without metrics',
    notFound({ group: 'metrics.k8s.io', resource: 'nodemetrics' }, 'node-dead'),
    '"message":"nodemetrics.metrics.k8s.io \\"node-dead\\" not found","reason":"NotFound",' +
      '"details":{"name":"node-dead","group":"metrics.k8s.io","kind":"nodemetrics"},"code":404}',
  );
  check(
    'an unknown resource',
    unknownResource(),
    '"message":"the server could not find the requested resource","reason":"NotFound","details":{},"code":404}',
  );
  check(
    'a method that only changes things',
    methodNotAllowed(),
    '"message":"the server does not allow this method on the requested resource","reason":"MethodNotAllowed","details":{},"code":405}',
  );
  check(
    'a watch',
    watchNotSupported(nodes),
    '"message":"watch is not supported on resources of kind \\"nodes.metrics.k8s.io\\"","reason":"MethodNotAllowed",' +
      '"details":{"group":"metrics.k8s.io","kind":"nodes"},"code":405}',
  );
  check('bad credentials', unauthorized(), '"message":"Unauthorized","reason":"Unauthorized","code":401}');
  check('a bad parameter', badRequest('<nil>'), '"message":"\\u003cnil\\u003e","reason":"BadRequest","code":400}');
  check(
    'media types that we lack',
    notAcceptable(['application/json', 'application/yaml']),
    '"message":"only the following media types are accepted: application/json, application/yaml","reason":"NotAcceptable","code":406}',
  );
  check(
    'a list that is forbidden',
    forbidden(
      nodes,
      '',
      'User "alice" cannot list resource "nodes" in API group "metrics.k8s.io" at the cluster scope',
    ),
    '"message":"nodes.metrics.k8s.io is forbidden: User \\"alice\\" cannot list resource \\"nodes\\" in API group \\"metrics.k8s.io\\" at the cluster scope",' +
      '"reason":"Forbidden","details":{"group":"metrics.k8s.io","kind":"nodes"},"code":403}',
  );
  check(
    'an object that is forbidden',
    forbidden(pods, 'web-0', 'no'),
    '"message":"pods.metrics.k8s.io \\"web-0\\" is forbidden: no","reason":"Forbidden",' +
      '"details":{"name":"web-0","group":"metrics.k8s.io","kind":"pods"},"code":403}',
  );
  check(
    'a path that is forbidden',
    forbidden(undefined, '', 'User "system:anonymous" cannot get path "/metrics"'),
    '"message":"forbidden: User \\"system:anonymous\\" cannot get path \\"/metrics\\"","reason":"Forbidden","details":{},"code":403}',
  );
  check(
    'a server that is not ready',
    serviceUnavailable('not yet', 5),
    '"message":"not yet","reason":"ServiceUnavailable","details":{"retryAfterSeconds":5},"code":503}',
  );
  check(
    'media types that the router lacks',
    noRepresentation(['application/json']),
    '"message":"406: Not Acceptable\\n\\nAvailable representations: application/json","reason":"NotAcceptable","details":{},"code":406}',
  );
  check(
    'a body of an unknown type',
    unsupportedMediaType(),
    '"message":"415: Unsupported Media Type","reason":"UnsupportedMediaType","details":{},"code":415}',
  );
  const first = { field: 'resourceVersionMatch', message: 'Forbidden: x', reason: 'FieldValueForbidden' } as const;
  check(
    'an object that is invalid, with its cause',
    invalid('meta.k8s.io', 'ListOptions', [first]),
    '"message":"ListOptions.meta.k8s.io \\"\\" is invalid: resourceVersionMatch: Forbidden: x","reason":"Invalid",' +
      '"details":{"group":"meta.k8s.io","kind":"ListOptions","causes":' +
      '[{"reason":"FieldValueForbidden","message":"Forbidden: x","field":"resourceVersionMatch"}]},"code":422}',
  );
  check(
    'an object that is invalid in two ways',
    invalid('meta.k8s.io', 'ListOptions', [first, { ...first, field: 'b', message: 'y' }]),
    '"message":"ListOptions.meta.k8s.io \\"\\" is invalid: [resourceVersionMatch: Forbidden: x, b: y]","reason":"Invalid",' +
      '"details":{"group":"meta.k8s.io","kind":"ListOptions","causes":' +
      '[{"reason":"FieldValueForbidden","message":"Forbidden: x","field":"resourceVersionMatch"},' +
      '{"reason":"FieldValueForbidden","message":"y","field":"b"}]},"code":422}',
  );
});

test('the two bodies whose length is known from the real server have that length', () => {
  assert.equal(encodeJson(unauthorized().toStatus()).length, 129);
  assert.equal(encodeJson(methodNotAllowed().toStatus()).length, 197);
});

test('the cause is kept in the error and is not in the body', () => {
  const error = badRequest('x', { cause: 'never-scraped' });
  assert.equal(error.cause, 'never-scraped');
  assert.ok(!encodeJson(error.toStatus()).includes('never-scraped'));
});

test("the code of another server's error is kept", () => {
  assert.equal(new StatusError('InternalError', 'x', { code: 502 }).toStatus().code, 502);
});

function check(name: string, error: StatusError, rest: string): void {
  test(name, () => assert.equal(encodeJson(error.toStatus()).toString(), `${head}${rest}\n`));
}
