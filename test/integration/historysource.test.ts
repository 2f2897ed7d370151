/** The source of a usage in the whole program: the newest points of the history have it as an annotation in each form, and no other answer has. */
import assert from 'node:assert/strict';
import type { ClientHttp2Session } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { field, items } from '../../src/client/json.ts';
import { ask2, openSession } from '../fakes/http2client.ts';
import { createRecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';
import { nodeNames, podNode, startWholeCluster, type WholeCluster } from '../fakes/wholecluster.ts';

const admin = { 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' };
const metrics = '/apis/metrics.k8s.io';
const annotation = 'kubegauge.io/source';
const forms = {
  'JSON by the fast path': 'application/json',
  YAML: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
  'a Table': 'application/json;as=Table;v=v1;g=meta.k8s.io',
  'metadata alone': 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
} as const;

describe('the source of the newest points', () => {
  let cluster: WholeCluster;
  let session: ClientHttp2Session;
  before(async () => {
    const recorded = createRecordingLog();
    cluster = await startWholeCluster(['--metrics-source=resource'], { log: recorded.log });
    await until('it listens', () => recorded.lines.includes('info: serving'));
    const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
    session = await openSession(cluster.port, certificate);
    let pending = false;
    let points: readonly unknown[] = [];
    await until('each node has a point', () => {
      if (!pending) {
        pending = true;
        const reading = get(`${metrics}/v1/nodes?sinceSeconds=600`).then(
          (text) => (points = items(field(JSON.parse(text), 'items'))),
        );
        void reading.catch(() => undefined).then(() => (pending = false));
      }
      return points.length >= nodeNames.length;
    });
  });
  after(async () => {
    session?.destroy();
    await cluster?.[Symbol.asyncDispose]();
  });

  const get = async (path: string, accept = 'application/json'): Promise<string> =>
    (await ask2(session, path, { ...admin, accept })).text;

  test('is that of /status', async () => {
    const report: unknown = JSON.parse(await get('/status'));
    const sources = new Map(items(field(report, 'nodes')).map((node) => [field(node, 'name'), field(node, 'source')]));
    assert.equal(sources.get(podNode), 'resource');
    const points = items(field(JSON.parse(await get(`${metrics}/v1/nodes?sinceSeconds=600`)), 'items'));
    const newest = new Map(points.map((point) => [field(field(point, 'metadata'), 'name'), field(point, 'metadata')]));
    for (const name of nodeNames) {
      assert.deepEqual(field(newest.get(name), 'annotations'), { [annotation]: sources.get(name) }, name);
    }
  });

  for (const [name, accept] of Object.entries(forms)) {
    test(`is in ${name} of nodes and pods, and only with sinceSeconds`, async () => {
      for (const version of ['v1', 'v1beta1']) {
        for (const list of ['nodes', 'pods', 'namespaces/shop/pods']) {
          const path = `${metrics}/${version}/${list}`;
          const text = await get(`${path}?sinceSeconds=600`, accept);
          assert.ok(text.includes(annotation) && text.includes('resource'), `${path}: ${text.slice(0, 500)}`);
          for (const without of [path, `${path}?stepSeconds=60`, `${path}?limit=500`]) {
            const plain = await get(without, accept);
            assert.ok(!plain.includes('annotations') && !plain.includes(annotation), without);
          }
        }
        assert.ok(!(await get(`${metrics}/${version}/nodes/${podNode}`, accept)).includes(annotation));
      }
    });
  }

  test('is the same in the pretty form, which is made by the slow path', async () => {
    const path = `${metrics}/v1/nodes?sinceSeconds=600&fieldSelector=metadata.name%3D${podNode}`;
    const [compact, pretty] = [JSON.parse(await get(path)), JSON.parse(await get(`${path}&pretty=true`))];
    const metadataOf = (list: unknown) =>
      items(field(list, 'items')).map((item) =>
        Object.entries(field(item, 'metadata') as object).filter(([key]) => key !== 'creationTimestamp'),
      );
    assert.deepEqual(metadataOf(compact), metadataOf(pretty));
    assert.ok(JSON.stringify(pretty).includes(annotation));
  });
});
