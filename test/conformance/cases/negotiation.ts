/** Statements 108 to 118: the form of an answer. */
import { waitFor } from '../../cluster/wait.ts';
import { type Case, exchange, json, M, protobuf, table, yaml } from '../case.ts';
import { normalise } from '../normalise.ts';

const node = `${M}/nodes/node-a`;
const nodes = `${M}/nodes`;
const pods = `${M}/namespaces/team-a/pods`;
const pod = `${M}/namespaces/default/pods/web-0`;
const partial = ';as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const partialList = ';as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const kubectl = `${json}${table},${json};as=Table;v=v1beta1;g=meta.k8s.io,${json}`;

const accepted = [
  '*/*',
  '*/*;q=0',
  'application/json;q=0',
  'application/json;charset=utf-8',
  'text/html, application/json',
  'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  `${protobuf}, */*`,
  `${protobuf},${json}`,
  `${protobuf};q=0.5,${json};q=0.9`,
  `${yaml};q=0.9,${json};q=0.8`,
  `application/cbor,${json}`,
  `${json};pretty=1`,
  `${json}, */*`,
  json + table,
  `${json}; as=Table; v=v1; g=meta.k8s.io`,
  `${json};as=Table;v=v1beta1;g=meta.k8s.io`,
  yaml + table,
  kubectl,
  `${protobuf}${table},${json}`,
];

const refused = [
  'application/*',
  'text/html',
  'application/xml',
  'application/cbor',
  'text/yaml',
  'application/x-yaml',
  'APPLICATION/JSON',
  'garbage',
  ',',
  '*',
  `${json};as=Table`,
  `${json};as=Table;v=v2;g=meta.k8s.io`,
  `${json};as=NodeMetrics;v=v1beta1;g=metrics.k8s.io`,
  protobuf + table,
];

const pretty = (query: string, userAgent?: string) =>
  exchange(110, `${node}${query}`, 200, userAgent === undefined ? {} : { headers: [['User-Agent', userAgent]] });

export const negotiation: readonly Case[] = [
  ...accepted.flatMap((accept) => [node, nodes].map((path) => exchange(108, path, 200, { accept }))),
  ...refused.flatMap((accept) => [node, nodes].map((path) => exchange([108, 109], path, 406, { accept }))),
  exchange(109, '/version', 406, { accept: 'text/html' }),
  exchange(109, node, 406, { accept: 'text/html', headers: [['User-Agent', 'curl/8']] }),
  ...['', '?pretty=true', '?pretty=1', '?pretty=T', '?pretty=false', '?pretty=abc', '?pretty='].flatMap((query) => [
    pretty(query),
    pretty(query, 'curl/8.5.0'),
  ]),
  ...['Wget/1.21', 'Mozilla/5.0 (X11)', 'wget/1.21', 'curl', 'curlie', 'Mozilla/4.0'].map((agent) => pretty('', agent)),
  exchange(110, `${M}/nodes/nope`, 404, { headers: [['User-Agent', 'curl/8']] }),
  exchange(110, node, 200, { accept: `${json};pretty=0`, headers: [['User-Agent', 'curl/8']] }),
  exchange(110, '/apis/metrics.k8s.io/v1beta1', 200, { headers: [['User-Agent', 'curl/8']] }),
  ...[node, pods, `${M}/namespaces/empty/pods`].map((path) =>
    exchange(111, path, 200, { accept: yaml, name: `GET ${path} as YAML, to the byte`, compare: { verbatim: true } }),
  ),
  exchange(111, pod, 200, { accept: yaml }),
  exchange(111, `${nodes}?labelSelector=-zone`, 400, { accept: yaml }),
  exchange(111, `${nodes}?labelSelector=-zone`, 400, {
    accept: yaml,
    name: 'a long text as YAML, to the byte',
    compare: { verbatim: true },
    differs: 'folded YAML',
  }),
  ...[node, nodes, pod, pods, `${M}/namespaces/empty/pods`].map((path) =>
    exchange(112, path, 200, { accept: protobuf }),
  ),
  ...[pod, pods, `${M}/namespaces/empty/pods`, `${nodes}?labelSelector=zone%3Dz1`].map((path) =>
    exchange(113, path, 200, { accept: json + table }),
  ),
  exchange(113, `${M}/namespaces/default/pods`, 200, { accept: kubectl, differs: 'zero is a value: Table' }),
  ...['Metadata', 'Object', 'None', ''].flatMap((include) =>
    [node, pods].map((path) => exchange(113, `${path}?includeObject=${include}`, 200, { accept: json + table })),
  ),
  exchange(113, `${nodes}?includeObject=Foo`, 400, { accept: json + table }),
  exchange(113, `${nodes}?includeObject=Foo`, 200, { accept: json }),
  exchange(113, `${nodes}?includeObject=Object`, 200, { accept: `${json};as=Table;v=v1beta1;g=meta.k8s.io` }),
  ...[json, yaml, protobuf].flatMap((media) => [
    exchange(114, pod, 200, { accept: media + partial }),
    exchange(114, pods, 200, { accept: media + partialList }),
    exchange(114, pod, 406, { accept: media + partialList }),
    exchange(114, nodes, 406, { accept: media + partial }),
  ]),
  exchange(114, `${M}/namespaces/empty/pods`, 200, { accept: json + partialList }),
  exchange(114, node, 200, { accept: `${json};as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io` }),
  exchange(115, `${M}/nodes/nope`, 404, { accept: protobuf }),
  exchange(115, `${nodes}?watch=1`, 405, { accept: protobuf }),
  exchange(115, nodes, 405, { accept: protobuf, method: 'POST' }),
  exchange(115, `${nodes}?resourceVersionMatch=Exact`, 422, { accept: protobuf }),
  exchange(115, `${M}/nodes/nope`, 404, { accept: yaml }),
  exchange(115, `${M}/nodes/nope`, 404, { accept: json + table }),
  exchange(115, nodes, 401, { accept: protobuf, as: 'front-proxy' }),
  exchange(115, nodes, 403, { accept: yaml, as: 'anonymous' }),
  ...['gzip', 'deflate, gzip', 'gzip;q=1.0'].map((value) =>
    exchange(116, nodes, 200, {
      headers: [['Accept-Encoding', value]],
      name: `a short list, Accept-Encoding: ${value}`,
    }),
  ),
  ...[undefined, 'gzip', 'deflate , gzip ', 'gzip;q=0.5', 'identity, gzip', 'GZIP'].flatMap((value) =>
    [false, true].map((http2) =>
      exchange(116, '/metrics', 200, {
        http2,
        headers: value === undefined ? [] : [['Accept-Encoding', value]],
        name: `metrics over HTTP/${http2 ? 2 : 1.1}, Accept-Encoding: ${value ?? '(none)'}`,
        compare: { pick: () => '<metrics>', without: ['process-start-time-unix'] },
      }),
    ),
  ),
  ...['deflate, gzip', ' gzip ', 'gzip;q=1.0'].map(
    (value): Case => ({
      statements: [116],
      name: `a long list, Accept-Encoding: ${value}`,
      phase: 'changing',
      probe: async ({ ask, administrate }) => {
        const labels = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`l${i}`, 'x'.repeat(63)]));
        for (const name of ['node-a', 'node-b', 'node-c']) {
          await administrate('PATCH', `/api/v1/nodes/${name}`, { metadata: { labels } });
        }
        const question = { path: nodes, headers: [['Accept-Encoding', value]] } as const;
        const isLong = async () => (await ask({ path: nodes })).body.length > 3 * 64_000;
        await waitFor('the labels to arrive', isLong, 60_000, 50);
        return normalise(await ask(question));
      },
    }),
  ),
  ...['/apis', '/apis/metrics.k8s.io', M, nodes, node, `${M}/pods`, pods, pod].flatMap((path) =>
    ['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'].map((method) =>
      exchange(117, path, 405, { method }),
    ),
  ),
  exchange(117, nodes, 405, { method: 'POST', accept: 'text/html' }),
  exchange(117, nodes, 405, { method: 'POST', body: '{}', headers: [['Content-Type', 'text/plain']] }),
  exchange(117, nodes, 405, { method: 'FOO', http2: true }),
  exchange(118, `${M}/deployments`, 404, { accept: 'text/html' }),
  exchange(118, `${nodes}/node-a/status`, 404, { accept: 'text/html' }),
];
