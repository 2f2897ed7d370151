import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { requestInfo } from '../../../src/server/requestinfo.ts';

const M = '/apis/metrics.k8s.io/v1beta1';

describe('the resource that a path names', () => {
  const check = (request: string, expected: Record<string, string> | undefined) =>
    test(request, () => {
      const [method = '', target = ''] = request.split(' ');
      const empty = { group: 'metrics.k8s.io', version: 'v1beta1', subresource: '', namespace: '', name: '' };
      const resource = requestInfo(method, target)?.resource;
      assert.deepEqual(resource, expected === undefined ? undefined : { ...empty, ...expected });
    });
  check(`GET ${M}/nodes`, { verb: 'list', resource: 'nodes' });
  check(`GET ${M}/nodes/`, { verb: 'list', resource: 'nodes' });
  check(`GET ${M}/nodes/a`, { verb: 'get', resource: 'nodes', name: 'a' });
  check(`GET ${M}/nodes/a/status`, { verb: 'get', resource: 'nodes', name: 'a', subresource: 'status' });
  check(`GET ${M}/nodes?watch`, { verb: 'watch', resource: 'nodes' });
  check(`GET ${M}/nodes?watch=0`, { verb: 'list', resource: 'nodes' });
  check(`GET ${M}/nodes/a?watch=1`, { verb: 'get', resource: 'nodes', name: 'a' });
  check(`GET ${M}/n%6Fdes/node%2Da`, { verb: 'get', resource: 'nodes', name: 'node-a' });
  check(`GET ${M}/namespaces/shop/pods`, { verb: 'list', resource: 'pods', namespace: 'shop' });
  check(`GET ${M}/namespaces/shop/pods/web-0`, { verb: 'get', resource: 'pods', namespace: 'shop', name: 'web-0' });
  check(`GET ${M}/namespaces/shop`, { verb: 'get', resource: 'namespaces', namespace: 'shop', name: 'shop' });
  check(`GET https://host:1${M}/nodes`, { verb: 'list', resource: 'nodes' });
  check(`HEAD ${M}/nodes`, { verb: 'list', resource: 'nodes' });
  check(`POST ${M}/nodes`, { verb: 'create', resource: 'nodes' });
  check(`DELETE ${M}/nodes`, { verb: 'deletecollection', resource: 'nodes' });
  check(`DELETE ${M}/nodes/a`, { verb: 'delete', resource: 'nodes', name: 'a' });
  check(`OPTIONS ${M}/nodes`, { verb: '', resource: 'nodes' });
  check(`GET ${M}/nodes//`, { verb: 'list', resource: 'nodes' });
  check(`GET ${M}/nodes//a`, { verb: 'list', resource: 'nodes', subresource: 'a' });
  check(`GET ${M}//nodes`, { verb: 'get', resource: '', name: 'nodes' });
  check(`GET /${M}/nodes`, { verb: 'list', resource: 'nodes' });
  check(`GET ${M}/namespaces//pods`, { verb: 'list', resource: 'pods' });
  check(`GET ${M}/namespaces/shop/status`, {
    verb: 'get',
    resource: 'namespaces',
    namespace: 'shop',
    name: 'shop',
    subresource: 'status',
  });
  check(`GET ${M}/watch/nodes`, { verb: 'watch', resource: 'nodes' });
  check(`GET ${M}/nodes?watch=False`, { verb: 'list', resource: 'nodes' });
  const core = { group: '', version: 'v1' };
  check('GET /api/v1/pods', { ...core, verb: 'list', resource: 'pods' });
  check('GET /api/v1/namespaces/shop/pods/web-0/log', {
    ...core,
    verb: 'get',
    resource: 'pods',
    namespace: 'shop',
    name: 'web-0',
    subresource: 'log',
  });
  check('DELETE /api/v1/nodes/a', { ...core, verb: 'delete', resource: 'nodes', name: 'a' });
  check('GET /api/v1/watch/pods', { ...core, verb: 'watch', resource: 'pods' });
  check('GET /api//pods', { ...core, version: '', verb: 'list', resource: 'pods' });
  check('GET /api/metrics.k8s.io/v1beta1/nodes', {
    group: '',
    version: 'metrics.k8s.io',
    verb: 'get',
    resource: 'v1beta1',
    name: 'nodes',
  });
  check('GET /api/v1', undefined);
  check('GET /api', undefined);
  check('GET /API/v1/pods', undefined);
  check(`GET ${M}`, undefined);
  check('GET /metrics', undefined);
});

describe('the shape of a path', () => {
  const check = (path: string, shape: string) =>
    test(path, () => assert.equal(requestInfo('GET', `${M}${path}`)?.shape, shape));
  check('/nodes', 'cluster');
  check('/nodes/a/', 'cluster');
  check('/nodes/a/status', 'cluster');
  check('/nodes/a/status/b', 'other');
  check('/nodes//a', 'cluster');
  check('/pods/a', 'cluster');
  check('/namespaces/shop/pods', 'namespaced');
  check('/namespaces//pods/a', 'namespaced');
  check('/namespaces/shop/pods/a/b', 'namespaced');
  check('/namespaces/shop/pods/a/b/c', 'other');
  check('/namespaces/shop/pods//a', 'namespaced');
  check('/watch/nodes', 'other');
  check('', 'other');
});

describe('the query', () => {
  const check = (text: string, expected: Record<string, string>) =>
    test(text, () => assert.deepEqual(Object.fromEntries(requestInfo('GET', `/x?${text}`)?.query ?? []), expected));
  check('labelSelector=app%3Dweb,tier+in+(a)', { labelSelector: 'app=web,tier in (a)' });
  check('a=1&a=2', { a: '1' });
  check('watch', { watch: '' });
  check('a;b=1&c=2', { c: '2' });
  check('a=%zz&c=2', { c: '2' });
  check('a=%ff', { a: '\ufffd' });
  check('a=jos%C3%A9', { a: 'jos\u00e9' });
});

test('a path that cannot be decoded is refused', () => assert.equal(requestInfo('GET', '/a%zz'), undefined));

test('a path with bytes that are not UTF-8 is a path', () => {
  assert.equal(requestInfo('GET', '/a%e4')?.path, '/a\ufffd');
});

test('any target is parsed or refused, without an exception', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (method, target) => void requestInfo(method, target)));
  fc.assert(fc.property(fc.webUrl({ withQueryParameters: true }), (url) => assert.ok(requestInfo('GET', url))));
});

test('a URL with too many parameters is refused', () => {
  assert.equal(requestInfo('GET', `/x?${'a&'.repeat(999)}`)?.query.size, 1);
  for (const unit of ['a&', '&', 'a=b&', ';&']) assert.equal(requestInfo('GET', `/x?${unit.repeat(1000)}`), undefined);
});
