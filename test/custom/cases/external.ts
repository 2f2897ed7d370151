/** External metrics. */
import { json, protobuf, table, yaml } from '../../conformance/case.ts';
import { type CustomCase, type Difference, exchange, X } from '../case.ts';
import { anyOf, explained, isRecord, leftOut, refused } from '../differences.ts';

const shop = `${X}/namespaces/shop`;
const depth = `${shop}/queue_depth`;
const enc = encodeURIComponent;
const label = (selector: string) => `${depth}?labelSelector=${enc(selector)}`;
const acceptable = `only the following media types are accepted: application/json, application/yaml, ${protobuf}`;
const oddLabels = (name: string, pod: string) =>
  JSON.stringify({ __name__: name, instance: '127.0.0.1:9100', job: 'lab', namespace: 'shop', pod });

const noName: Difference = {
  row: 'noName',
  queries: 'none',
  ours: (real) => ({ ...real, body: isRecord(real.body) ? { ...real.body, items: [] } : real.body }),
};

export const external: readonly CustomCase[] = [
  exchange([68, 71], depth, 200),
  exchange(72, label('queue=orders'), 200),
  exchange(72, label('queue in (orders,mails)'), 200),
  exchange([70, 72], label('queue=none'), 200),
  exchange(31, label('a===b'), 400),
  exchange(34, label('queue>1'), 500, {
    differs: refused(
      'badSelector',
      400,
      'labelSelector: metrics cannot be selected by < and >: use =, !=, in, notin or exists',
    ),
  }),
  exchange(33, label('app.kubernetes.io/name=x'), 500, {
    differs: refused(
      'labelName',
      400,
      `labelSelector: "app.kubernetes.io/name" is not the name of a metric's label: use letters, digits and underscores`,
    ),
  }),
  exchange(72, label('queue!=orders'), 200),
  exchange(72, label('queue notin (orders)'), 200),
  exchange(72, label('queue,!other'), 200),
  exchange(72, `${X}/namespaces/bank/queue_depth`, 200),
  exchange(70, `${X}/namespaces/nowhere/queue_depth`, 200),
  exchange(70, `${X}/namespaces/*/queue_depth`, 200, { differs: noName }),
  exchange(70, `${X}/namespaces/*/global_depth`, 200, { differs: noName }),
  exchange(26, `${X}/queue_depth`, 404),
  exchange(70, `${X}/namespaces/default/nope`, 404, {
    differs: refused('defaultNamespace', 404, 'the server could not find the metric nope for '),
  }),
  exchange(70, `${shop}/nope`, 404),
  exchange(73, `${shop}/global_depth`, 200),
  exchange(73, `${shop}/global_depth?labelSelector=namespace%3Dbank`, 200),
  exchange(68, `${shop}/weird_labels`, 200),
  exchange(69, `${shop}/queue_total`, 200),
  exchange(67, `${shop}/queue_matrix`, 500, {
    differs: { row: 'reasons', ours: (real, ours) => anyOf(`${shop}/queue_matrix`).ours(real, ours) },
  }),
  exchange(74, `${shop}/no_namespace_label`, 500, { differs: explained('no label names the namespace') }),
  exchange(75, `${shop}/queue_groupby`, 200),
  exchange(64, `${shop}/external_nan`, 200, { differs: leftOut(oddLabels('odd_nan', 'web-0')) }),
  exchange(64, `${shop}/external_inf`, 200, {
    differs: leftOut(oddLabels('odd_inf', 'web-0'), oddLabels('odd_inf', 'web-1')),
  }),
  exchange(72, `${depth}?metricLabelSelector=queue%3Dorders`, 200),
  exchange(72, label('namespace=bank'), 200),
  exchange(29, `${depth}?watch=true`, 405),
  exchange(76, `${depth}?limit=1`, 200),
  exchange(76, `${depth}?fieldSelector=metadata.name%3Da`, 200),
  exchange(76, `${depth}?resourceVersion=abc`, 200),
  exchange(76, `${depth}?resourceVersionMatch=Exact`, 422),
  exchange(26, `${depth}/orders`, 404),
  exchange(27, `${depth}/`, 200),
  exchange(28, depth, 405, { method: 'HEAD' }),
  exchange(28, depth, 405, { method: 'POST' }),
  exchange(40, depth, 200, { accept: protobuf }),
  exchange(40, `${shop}/queue_total`, 200, { accept: protobuf }),
  exchange(41, label('queue=none'), 200, { accept: protobuf }),
  exchange(44, depth, 406, { accept: `${json}${table}` }),
  exchange(44, depth, 200, { accept: `${json}${table},${json}` }),
  exchange(45, depth, 500, {
    accept: `${json};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`,
    differs: refused('table', 406, acceptable),
  }),
  exchange(43, depth, 200, { accept: yaml }),
  exchange(39, `${depth}?pretty=1`, 200),
];
