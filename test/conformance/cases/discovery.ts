/** Statements 1 to 29: the root, discovery, version and OpenAPI. */
import { type Case, exchange, json, M, protobuf, yaml } from '../case.ts';
import type { DifferenceName } from '../differences.ts';
import { dig } from '../objects.ts';
import { normalise } from '../normalise.ts';

const v2 = `${json};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
const v2beta1 = v2.replace('v=v2', 'v=v2beta1');
const v3 = v2.replace('v=v2', 'v=v3');
const openapiV2Protobuf = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const openapiV3 = '/openapi/v3/apis/metrics.k8s.io/v1beta1';

/** A document's own time, which ours does not have. */
const openapiTimes = ['last-modified', 'accept-ranges'];

export const discovery: readonly Case[] = [
  exchange(1, '/apis', 200, { differs: 'v1: groups' }),
  exchange(2, '/apis/', 200, { differs: 'v1: groups' }),
  exchange(1, '/apis', 200, { accept: yaml, differs: 'v1: groups' }),
  exchange([3, 6, 9], '/apis', 200, { accept: v2, differs: 'v1: discovery' }),
  exchange(3, '/apis', 200, { accept: v2, http2: true, differs: 'v1: discovery' }),
  exchange(3, '/apis', 200, { accept: `${v2},${v2beta1},${json}`, differs: 'v1: discovery' }),
  byEtag(4, 'the same', (etag) => etag),
  byEtag(5, 'weak', (etag) => `W/${etag}`, 'v1: discovery'),
  byEtag(5, 'any', () => '*', 'v1: discovery'),
  {
    statements: [6],
    name: 'another process of the same program has the same ETag',
    probe: async ({ ask, unauthorising }) => {
      const question = { path: '/apis', headers: [['Accept', v2]] } as const;
      const [one, another] = [await ask(question), await ask(question, unauthorising)];
      return one.headers.has('etag') && one.headers.get('etag') === another.headers.get('etag');
    },
    expect: true,
  },
  exchange(7, '/apis', 406, { accept: v3 }),
  exchange(7, '/apis', 200, { accept: `${v3},${json}`, differs: 'v1: groups' }),
  exchange(8, '/apis', 406, { accept: v2beta1, differs: 'v2beta1 of discovery' }),
  exchange(10, '/apis/metrics.k8s.io', 200, { differs: 'v1: group' }),
  exchange(10, '/apis/metrics.k8s.io/', 200, { differs: 'v1: group' }),
  exchange(11, M, 200),
  exchange(11, `${M}/`, 200),
  exchange(11, M, 200, { accept: yaml }),
  exchange(12, M, 200, { accept: protobuf }),
  exchange(13, M, 415, { headers: [['Content-Type', 'text/plain']] }),
  exchange(13, '/apis', 415, { headers: [['Content-Type', 'text/plain']] }),
  exchange(14, '/apis/metrics.k8s.io/v1', 404, { differs: 'v1: resources' }),
  exchange(14, '/apis/metrics.k8s.io/v1beta2', 404),
  ...['/apis/foo', '/nope', '/api', '/apis/metrics.k8s.iofoo'].map((path) =>
    exchange(15, path, 404, { differs: 'v1: index' }),
  ),
  exchange(16, '/', 200, { differs: 'v1: index' }),
  exchange(16, '/index.html', 200, { differs: 'v1: index' }),
  exchange(17, '/version', 200, {
    name: 'GET /version, the keys',
    differs: 'version',
    compare: { pick: (body) => (typeof body === 'object' && body !== null ? Object.keys(body) : body) },
  }),
  exchange(17, '/version', 406, { accept: yaml }),
  exchange([18, 29], '/openapi/v2', 200, { accept: json, compare: { pick: ofV1beta1, without: openapiTimes } }),
  exchange(18, '/openapi/v2', 200, {
    accept: json,
    name: 'GET /openapi/v2, the paths',
    compare: { pick: (body) => Object.keys(dig(body, 'paths') ?? {}), without: openapiTimes },
    differs: 'v1: OpenAPI paths',
  }),
  ...(['/openapi/v2', openapiV3] as const).map(
    (path): Case => ({
      statements: [path === openapiV3 ? 25 : 19],
      name: `${path} by its ETag`,
      probe: async ({ ask }) => {
        const accept = ['Accept', json] as const;
        const etag = (await ask({ path, headers: [accept] })).headers.get('etag') ?? '';
        const again = await ask({ path, headers: [accept, ['If-None-Match', etag]] });
        if (again.status !== 304) throw new Error(`status 304 expected, ${again.status} seen`);
        return normalise(again, { without: openapiTimes });
      },
    }),
  ),
  exchange(18, '/openapi/v2', 200, {
    accept: json,
    name: 'GET /openapi/v2, the headers',
    compare: { pick: () => '<document>' },
    differs: 'OpenAPI times',
  }),
  exchange(20, '/openapi/v2', 200, {
    accept: openapiV2Protobuf,
    name: 'GET /openapi/v2 as protobuf, what it is',
    compare: { pick: (body) => typeof body, without: openapiTimes },
  }),
  exchange(21, '/openapi/v2', 200, {
    accept: json,
    headers: [['Accept-Encoding', 'gzip']],
    compare: { pick: ofV1beta1, without: openapiTimes },
  }),
  exchange(22, '/openapi/v2', 406, { accept: 'text/html' }),
  exchange(23, '/openapi/v3', 200, {
    differs: 'v1: OpenAPI index',
    compare: { pick: withoutHashes, without: openapiTimes },
  }),
  {
    statements: [24],
    name: 'the document that the index of /openapi/v3 points to',
    probe: async ({ ask }) => {
      const index: unknown = JSON.parse((await ask({ path: '/openapi/v3' })).body.toString());
      const url = String(dig(index, 'paths', 'apis/metrics.k8s.io/v1beta1', 'serverRelativeURL'));
      const answer = await ask({ path: url });
      const hash = new URL(url, 'https://server').searchParams.get('hash');
      return {
        etagIsHash: answer.headers.get('etag') === `"${hash}"`,
        answer: normalise(answer, { pick: withoutInfo, without: openapiTimes }),
      };
    },
  },
  exchange(26, `${openapiV3}?hash=ABC`, 301, {
    differs: 'OpenAPI of an unknown hash',
    compare: { pick: (body) => (body === '' ? body : '<document>'), without: openapiTimes },
  }),
  exchange([27, 29], openapiV3, 200, { compare: { pick: withoutInfo, without: openapiTimes } }),
  exchange(28, '/openapi/v3/apis/nope/v1', 200, {
    differs: 'OpenAPI of no group',
    compare: { pick: (body) => (dig(body, 'paths') === undefined ? body : 'the index of paths') },
  }),
];

/** Discovery, asked for again with a tag that is made of the first answer's. */
function byEtag(statement: number, name: string, tagOf: (etag: string) => string, differs?: DifferenceName): Case {
  return {
    statements: [statement],
    name: `discovery by its ETag: ${name}`,
    ...(differs === undefined ? {} : { differs }),
    probe: async ({ ask }) => {
      const accept = ['Accept', v2] as const;
      const etag = (await ask({ path: '/apis', headers: [accept] })).headers.get('etag') ?? '';
      const again = await ask({ path: '/apis', headers: [accept, ['If-None-Match', tagOf(etag)]] });
      const wanted = statement === 4 ? 304 : 200;
      if (again.status !== wanted) throw new Error(`status ${wanted} expected, ${again.status} seen`);
      return normalise(again);
    },
  };
}

/** Who made it and in which version is no part of a contract. */
function withoutInfo(document: unknown): unknown {
  return typeof document === 'object' && document !== null ? { ...document, info: '<info>' } : document;
}

/** Returns the part of a Swagger document about the one version that both serve. */
function ofV1beta1(document: unknown): unknown {
  const ofIt = ([name]: [string, unknown]) =>
    name.startsWith(`${M}/`) || !/metrics[./].*v1\b(?!beta)|k8s\.io\/v1\//.test(name);
  const only = (key: string) => {
    const found = Object.entries(dig(document, key) ?? {}).filter(ofIt);
    if (found.length === 0) throw new Error(`a Swagger document without ${key}`);
    return Object.fromEntries(found);
  };
  return { swagger: dig(document, 'swagger'), paths: only('paths'), definitions: only('definitions') };
}

function withoutHashes(index: unknown): unknown {
  const text = JSON.stringify(index).replaceAll(/hash=[0-9A-F]{128}/g, 'hash=<sha512>');
  return JSON.parse(text) as unknown;
}
