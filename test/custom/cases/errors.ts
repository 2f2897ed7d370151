/** Paths, methods, parameters and media types of custom metrics. */
import { json, protobuf, table, yaml } from '../../conformance/case.ts';
import { C, C1, type CustomCase, exchange } from '../case.ts';
import { refused } from '../differences.ts';

const shop = `${C}/namespaces/shop`;
const m = 'http_requests_per_second';
const web0 = `${shop}/pods/web-0/${m}`;
const all = `${shop}/pods/*/${m}`;
const partial = `${json};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`;
const unknown = (resource: string) =>
  refused('unknownResource', 404, `the server could not find the metric ${m} for ${resource}`);
const acceptable = `only the following media types are accepted: application/json, application/yaml, ${protobuf}`;

export const errors: readonly CustomCase[] = [
  exchange(16, `${shop}/pods/web-0/nope`, 404),
  exchange(16, `${shop}/pods/*/nope`, 404),
  exchange(16, `${C1}/namespaces/shop/pods/web-0/nope`, 404),
  exchange(18, `${shop}/gadgets/web-0/${m}`, 404),
  exchange(18, `${shop}/gadgets/*/${m}`, 500, { differs: unknown('gadgets') }),
  exchange(18, `${shop}/gadgets.x.io/*/${m}`, 500, { differs: unknown('gadgets.x.io') }),
  exchange(16, `${shop}/services/web/${m}`, 404),
  exchange([17, 20], `${shop}/pods/nobody/${m}`, 404),
  exchange(1, `${shop}/pods/gone-0/${m}`, 200),
  exchange([17, 20], `${shop}/pods/idle-0/${m}`, 404),
  exchange(15, `${C}/namespaces/nowhere/pods/*/${m}`, 404),
  exchange(15, `${C}/namespaces/empty/pods/*/${m}`, 404),
  exchange(16, `${C}/namespaces/empty/pods/*/nope`, 404),
  exchange(21, `${C}/namespaces/nowhere/metrics/${m}`, 404),
  exchange(16, `${shop}/metrics/nope`, 404),
  exchange(26, `${shop}/pods`, 400),
  exchange(26, `${shop}/pods/web-0`, 404),
  exchange(26, `${web0}/more`, 404),
  exchange(27, `${web0}/`, 200),
  exchange(26, `${C}/namespaces/shop//pods/web-0/${m}`, 404),
  exchange(26, `${shop}/pods/web-0/a%2Fb`, 404),
  exchange(26, `${C}/nodes/node-a`, 404),
  exchange(26, `${C}/nodes`, 404),
  exchange(26, `/apis/custom.metrics.k8s.io/v1/namespaces/shop/pods/web-0/${m}`, 404),
  exchange(26, `${C}/namespaces`, 404),
  exchange(26, `${shop}/metrics`, 400),
  ...['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => exchange(28, web0, 405, { method })),
  exchange(29, `${all}?watch=true`, 200),
  exchange(29, `${web0}?watch=1`, 200),
  exchange(36, `${all}?limit=1`, 200),
  exchange(37, `${all}?limit=x`, 400),
  exchange(36, `${all}?continue=abc`, 200),
  exchange(35, `${all}?fieldSelector=metadata.name%3Dweb-1`, 400),
  exchange(35, `${all}?fieldSelector=spec.x%3Dy`, 400),
  exchange(35, `${web0}?fieldSelector=metadata.name%3Dweb-1`, 400),
  exchange(36, `${all}?resourceVersion=abc`, 200),
  exchange(36, `${all}?sendInitialEvents=true`, 200),
  exchange(37, `${all}?timeoutSeconds=x`, 400),
  exchange(36, `${web0}?foo=bar`, 200),
  exchange(38, `${web0}?timeout=1ns`, 504),
  exchange(38, `${web0}?timeout=x`, 400),
  exchange(39, `${web0}?pretty=true`, 200),
  exchange(39, web0, 200, { headers: [['User-Agent', 'curl/8']] }),
  exchange(40, all, 200, { accept: protobuf }),
  exchange(40, all, 200, { accept: `${protobuf}, */*` }),
  exchange(40, `${C1}/namespaces/shop/pods/*/${m}`, 200, { accept: protobuf }),
  exchange(40, `${all}?metricLabelSelector=method%20in%20(GET)`, 200, { accept: protobuf }),
  exchange(40, `${C1}/namespaces/shop/pods/web-0/${m}?metricLabelSelector=method%3DGET`, 200, { accept: protobuf }),
  exchange(41, `${all}?labelSelector=app%3Didle`, 200, { accept: protobuf }),
  exchange([43], web0, 200, { accept: yaml }),
  exchange(43, web0, 406, { accept: 'application/cbor' }),
  exchange(44, web0, 406, { accept: `${json}${table}`, differs: refused('table', 406, acceptable) }),
  exchange(44, web0, 200, { accept: `${json}${table},${json}` }),
  exchange(45, web0, 406, { accept: partial, differs: refused('table', 406, acceptable) }),
  exchange(45, web0, 406, { accept: 'text/html' }),
  exchange(42, `${shop}/pods/web-0/nope`, 404, { accept: protobuf }),
];
