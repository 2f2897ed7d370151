/** Bodies are the real server's, with the second version added. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Encodable } from '../../../src/apimachinery/encoding.ts';
import { encodeJson } from '../../../src/apimachinery/meta.ts';
import { createDiscovery } from '../../../src/api/discovery.ts';
import { discoveredMetrics } from '../../../src/api/resources.ts';

const discovery = createDiscovery(':10250', [discoveredMetrics()]);
const text = (of: Encodable) => encodeJson(of.json()).toString();
const document = (path: string): Encodable => {
  const found = discovery.documents.get(`/apis/metrics.k8s.io${path}`);
  assert.ok(found !== undefined, path);
  return found;
};
const hex = (of: Encodable) => of.protobuf().toString('hex');
const versions =
  '"versions":[{"groupVersion":"metrics.k8s.io/v1","version":"v1"},{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}],"preferredVersion":{"groupVersion":"metrics.k8s.io/v1","version":"v1"}';

test('the list of groups has no apiVersion, as in Kubernetes', () => {
  assert.equal(
    text(discovery.groupList),
    `{"kind":"APIGroupList","groups":[{"name":"metrics.k8s.io",${versions},"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":":10250"}]}]}\n`,
  );
});

test('the group prefers v1', () => {
  assert.equal(text(document('')), `{"kind":"APIGroup","apiVersion":"v1","name":"metrics.k8s.io",${versions}}\n`);
});

for (const version of ['v1', 'v1beta1'] as const) {
  test(`${version} has both resources`, () => {
    assert.equal(
      text(document(`/${version}`)),
      `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.k8s.io/${version}","resources":[{"name":"nodes","singularName":"","namespaced":false,"kind":"NodeMetrics","verbs":["get","list"]},{"name":"pods","singularName":"","namespaced":true,"kind":"PodMetrics","verbs":["get","list"]}]}\n`,
    );
  });
}

test('the aggregated document has all versions and resources', () => {
  const resources =
    '"resources":[{"resource":"nodes","responseKind":{"group":"","version":"","kind":"NodeMetrics"},"scope":"Cluster","singularResource":"","verbs":["get","list"]},{"resource":"pods","responseKind":{"group":"","version":"","kind":"PodMetrics"},"scope":"Namespaced","singularResource":"","verbs":["get","list"]}],"freshness":"Current"}';
  assert.equal(
    text(discovery.aggregated.v2),
    `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[{"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1",${resources},{"version":"v1beta1",${resources}]}]}\n`,
  );
  assert.equal(
    text(discovery.aggregated.v2beta1),
    text(discovery.aggregated.v2).replace('k8s.io/v2', 'k8s.io/v2beta1'),
  );
});

test('the aggregated document is tagged with the quoted SHA-512 of its JSON, equal on every server', () => {
  const { etag } = discovery;
  assert.match(etag, /^"[0-9A-F]{128}"$/);
  const hash = createHash('sha512').update(text(discovery.aggregated.v2)).digest('hex');
  assert.equal(etag.slice(1, -1).toLowerCase(), hash);
  assert.equal(createDiscovery(':4443', [discoveredMetrics()]).etag, etag);
});

test('the resources of v1beta1 in protobuf have the bytes of the real server', () => {
  assert.equal(
    hex(document('/v1beta1')),
    '6b3873000a150a027631120f4150495265736f757263654c69737412700a166d6574726963732e6b38732e696f2f76316265746131122b0a056e6f64657310001a0b4e6f64654d657472696373220b0a036765740a046c697374320042004a00520012290a04706f647310011a0a506f644d657472696373220b0a036765740a046c697374320042004a0052001a002200',
  );
});

// The real server's messages for its one version stand within ours.
test('groups in protobuf have the fields of the real server', () => {
  const version = '0a166d6574726963732e6b38732e696f2f76316265746131120776316265746131';
  for (const each of [document(''), discovery.groupList]) {
    assert.ok(hex(each).includes(`0a0e6d6574726963732e6b38732e696f12170a116d`), 'the group and its first version');
    assert.ok(hex(each).includes(`1221${version}1a17`), 'its second version, then the preferred one');
  }
  assert.match(hex(discovery.groupList), /^6b3873000a100a00120c41504947726f75704c69737412/);
  assert.match(hex(discovery.groupList), /22130a09302e302e302e302f3012063a31303235301a002200$/);
});

test('the aggregated document in protobuf contains the version of the real server', () => {
  const version =
    '12770a077631626574613112300a056e6f64657312110a0012001a0b4e6f64654d6574726963731a07436c757374657222002a036765742a046c69737412310a04706f647312100a0012001a0a506f644d6574726963731a0a4e616d6573706163656422002a036765742a046c6973741a0743757272656e741a002200';
  assert.ok(hex(discovery.aggregated.v2).endsWith(version));
  assert.match(hex(discovery.aggregated.v2), /^6b3873000a2f0a16617069646973636f766572792e6b38732e696f2f7632/);
});
