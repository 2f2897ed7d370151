/** Bodies are the real server's, with the second version added. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { aggregatedMediaType, createDiscovery } from '../../../src/api/discovery.ts';

const discovery = createDiscovery(':10250');
const versions =
  '"versions":[{"groupVersion":"metrics.k8s.io/v1","version":"v1"},{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}],"preferredVersion":{"groupVersion":"metrics.k8s.io/v1","version":"v1"}';

test('the list of groups has no apiVersion, as in Kubernetes', () => {
  assert.equal(
    discovery.groupList.compact.toString(),
    `{"kind":"APIGroupList","groups":[{"name":"metrics.k8s.io",${versions},"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":":10250"}]}]}\n`,
  );
});

test('the group prefers v1', () => {
  assert.equal(
    discovery.group.compact.toString(),
    `{"kind":"APIGroup","apiVersion":"v1","name":"metrics.k8s.io",${versions}}\n`,
  );
});

for (const version of ['v1', 'v1beta1'] as const) {
  test(`the resources of ${version}`, () => {
    assert.equal(
      discovery.resources[version].compact.toString(),
      `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.k8s.io/${version}","resources":[{"name":"nodes","singularName":"","namespaced":false,"kind":"NodeMetrics","verbs":["get","list"]},{"name":"pods","singularName":"","namespaced":true,"kind":"PodMetrics","verbs":["get","list"]}]}\n`,
    );
  });
}

test('the aggregated document has all versions and resources', () => {
  const resources =
    '"resources":[{"resource":"nodes","responseKind":{"group":"","version":"","kind":"NodeMetrics"},"scope":"Cluster","singularResource":"","verbs":["get","list"]},{"resource":"pods","responseKind":{"group":"","version":"","kind":"PodMetrics"},"scope":"Namespaced","singularResource":"","verbs":["get","list"]}],"freshness":"Current"}';
  assert.equal(
    discovery.aggregated.compact.toString(),
    `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[{"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1",${resources},{"version":"v1beta1",${resources}]}]}\n`,
  );
  assert.equal(aggregatedMediaType, 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
});

test('the aggregated document is tagged with the quoted SHA-512 of its JSON, equal on every server', () => {
  const { etag, compact } = discovery.aggregated;
  assert.match(etag, /^"[0-9A-F]{128}"$/);
  assert.equal(etag.slice(1, -1).toLowerCase(), createHash('sha512').update(compact).digest('hex'));
  assert.equal(createDiscovery(':4443').aggregated.etag, etag);
});

test('every document has an indented form that means the same', () => {
  const { groupList, aggregated, group, resources } = discovery;
  for (const { compact, pretty } of [groupList, aggregated, group, resources.v1, resources.v1beta1]) {
    assert.deepEqual(JSON.parse(pretty.toString()), JSON.parse(compact.toString()));
    assert.match(pretty.toString(), /^\{\n {2}"kind": "[^]*[^\n]$/);
  }
});
