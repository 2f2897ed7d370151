/** Availability, discovery and OpenAPI, as clients read them from kube-apiserver's aggregator. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { field, items, text, texts } from '../../src/client/json.ts';
import { waitFor } from '../cluster/wait.ts';
import { getJson } from './curl.ts';
import type { Target } from './target.ts';

/** The aggregator reads OpenAPI a second after the registration, and after a failure some seconds later. */
const openApiTimeoutMs = 60_000;

const resources = [
  { resource: 'nodes', kind: 'NodeMetrics', scope: 'Cluster' },
  { resource: 'pods', kind: 'PodMetrics', scope: 'Namespaced' },
];

export function describeAggregation(target: Target): void {
  const { versions } = target;
  const get = (path: string, accept?: string) => getJson(target, path, accept);

  describe('the aggregator', () => {
    for (const version of versions) {
      test(`${version} is Available`, async () => {
        const object = await get(`/apis/apiregistration.k8s.io/v1/apiservices/${version}.metrics.k8s.io`);
        const conditions = items(field(field(object, 'status'), 'conditions'));
        const available = conditions.find((condition) => field(condition, 'type') === 'Available');
        assert.equal(field(available, 'status'), 'True', JSON.stringify(available));
        assert.equal(field(available, 'reason'), 'Passed');
      });

      test(`${version} is in the merged OpenAPI v2`, async () => {
        const has = async () => {
          const document = await get('/openapi/v2');
          const definition = `io.k8s.metrics.pkg.apis.metrics.${version}.PodMetrics`;
          assert.ok(field(field(document, 'definitions'), definition) !== undefined, definition);
          const paths = field(document, 'paths');
          return field(paths, `/apis/metrics.k8s.io/${version}/namespaces/{namespace}/pods/{name}`) !== undefined;
        };
        await waitFor(`${version} in /openapi/v2`, has, openApiTimeoutMs);
      });

      test(`${version} is in the index of OpenAPI v3, and where that says`, async () => {
        const found = async () => {
          const index = await get('/openapi/v3');
          const entry = field(field(index, 'paths'), `apis/metrics.k8s.io/${version}`);
          return text(field(entry, 'serverRelativeURL'));
        };
        const url = await waitFor(`${version} in /openapi/v3`, found, openApiTimeoutMs);
        assert.match(url, new RegExp(`^/openapi/v3/apis/metrics.k8s.io/${version}\\?hash=[0-9A-F]{128}$`));
        const document = await get(url);
        const schemas = field(field(document, 'components'), 'schemas');
        assert.ok(field(schemas, `io.k8s.metrics.pkg.apis.metrics.${version}.NodeMetrics`) !== undefined);
      });
    }

    test('aggregated discovery has the versions in their order, with all resources', async () => {
      const accept = ['v2', 'v2beta1'].map(
        (version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      );
      const list = await get('/apis', accept.join(','));
      const group = items(field(list, 'items')).find(
        (item) => field(field(item, 'metadata'), 'name') === 'metrics.k8s.io',
      );
      const found = items(field(group, 'versions')).map((version) => ({
        version: field(version, 'version'),
        freshness: field(version, 'freshness'),
        resources: items(field(version, 'resources')).map((resource) => ({
          resource: field(resource, 'resource'),
          kind: field(field(resource, 'responseKind'), 'kind'),
          scope: field(resource, 'scope'),
          verbs: texts(field(resource, 'verbs')),
        })),
      }));
      const verbs = ['get', 'list'];
      assert.deepEqual(
        found,
        versions.map((version) => ({
          version,
          freshness: 'Current',
          resources: resources.map((resource) => ({ ...resource, verbs })),
        })),
      );
    });

    test('discovery one by one says the same', async () => {
      const group = await get('/apis/metrics.k8s.io');
      assert.deepEqual(
        items(field(group, 'versions')).map((version) => field(version, 'version')),
        versions,
      );
      assert.equal(field(field(group, 'preferredVersion'), 'version'), versions[0]);
      for (const version of versions) {
        const list = await get(`/apis/metrics.k8s.io/${version}`);
        assert.deepEqual(
          items(field(list, 'resources')).map((resource) => field(resource, 'name')),
          resources.map(({ resource }) => resource),
        );
      }
    });
  });
}
