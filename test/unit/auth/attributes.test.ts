import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lengthOf, nameOf, type ResourceAttributes, reviewAttributes } from '../../../src/auth/attributes.ts';

const list: ResourceAttributes = {
  kind: 'resource',
  verb: 'list',
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  resource: 'pods',
  subresource: '',
  namespace: 'team-a',
  name: '',
};

describe('the attributes of a SubjectAccessReview', () => {
  test('are in the order of Kubernetes, with selectors as requirements', () => {
    const review = reviewAttributes({
      ...list,
      labelSelector: 'app=db,tier!=x,foo,!bar,n in (b,a),z>5',
      fieldSelector: 'metadata.name=db-0,metadata.namespace!=x',
    });
    assert.equal(
      JSON.stringify(review.resourceAttributes),
      '{"namespace":"team-a","verb":"list","group":"metrics.k8s.io","version":"v1beta1","resource":"pods","name":"db-0",' +
        '"fieldSelector":{"requirements":[{"key":"metadata.name","operator":"In","values":["db-0"]},' +
        '{"key":"metadata.namespace","operator":"NotIn","values":["x"]}]},' +
        '"labelSelector":{"requirements":[{"key":"app","operator":"In","values":["db"]},{"key":"bar","operator":"DoesNotExist"},' +
        '{"key":"foo","operator":"Exists"},{"key":"n","operator":"In","values":["a","b"]},' +
        '{"key":"tier","operator":"NotIn","values":["x"]}]}}',
    );
  });

  const check = (what: string, attributes: Partial<ResourceAttributes>, expected: object) =>
    void test(what, () => assert.deepEqual(reviewAttributes({ ...list, ...attributes }).resourceAttributes, expected));
  const api = { group: 'metrics.k8s.io', version: 'v1beta1' };
  check('of a list of nodes', { resource: 'nodes', namespace: '' }, { verb: 'list', ...api, resource: 'nodes' });
  check(
    'of one pod',
    { verb: 'get', name: 'db-0' },
    { namespace: 'team-a', verb: 'get', ...api, resource: 'pods', name: 'db-0' },
  );
  check(
    'of a method that means nothing',
    { verb: '', resource: 'nodes', namespace: '', subresource: 'status', name: 'x' },
    { ...api, resource: 'nodes', subresource: 'status', name: 'x' },
  );
  check(
    'leave selectors out that cannot be read',
    { labelSelector: 'a b', fieldSelector: 'nothing' },
    { namespace: 'team-a', verb: 'list', ...api, resource: 'pods' },
  );
  check(
    'leave selectors out that only compare numbers',
    { labelSelector: 'z>5' },
    { namespace: 'team-a', verb: 'list', ...api, resource: 'pods' },
  );
  check(
    'leave selectors out where nothing is selected',
    { verb: 'create', labelSelector: 'a=b', fieldSelector: 'metadata.name=x' },
    { namespace: 'team-a', verb: 'create', ...api, resource: 'pods' },
  );

  test('of a path are its path and verb', () => {
    assert.deepEqual(reviewAttributes({ kind: 'path', verb: 'get', path: '/metrics' }), {
      nonResourceAttributes: { path: '/metrics', verb: 'get' },
    });
  });
});

describe('the name of the requested object', () => {
  const check = (what: string, attributes: Partial<ResourceAttributes>, name: string) =>
    void test(what, () => assert.equal(nameOf({ ...list, ...attributes }), name));
  check('is the one of the path', { verb: 'get', name: 'a', fieldSelector: 'metadata.name=b' }, 'a');
  check('is the one that a list selects', { fieldSelector: 'metadata.namespace=x,metadata.name=b' }, 'b');
  check('is not one that a list leaves out', { fieldSelector: 'metadata.name!=b' }, '');
  check('is not one that could not stand in a path', { fieldSelector: 'metadata.name=a/b' }, '');
  check('is not two dots', { fieldSelector: 'metadata.name=..' }, '');
  check('is nothing for a new object', { verb: 'create', fieldSelector: 'metadata.name=b' }, '');
});

test('the length of attributes is the length of all their strings', () => {
  const short = lengthOf(list);
  assert.equal(lengthOf({ ...list, name: 'x'.repeat(5000), labelSelector: 'y'.repeat(5000) }) - short, 10_000);
});
