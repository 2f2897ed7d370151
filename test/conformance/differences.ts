/** The deliberate differences: each with its reason, and with how our answer is made from the real one. docs/differences.md prints them. */
import { encodeContinue } from '../../src/apimachinery/continuetoken.ts';
import { type CodedText, withPage } from '../../src/messagecodes.ts';
import type { Observation } from './normalise.ts';

const shuttingDown: CodedText = { code: 'ShuttingDown', text: 'process is shutting down' };

interface Difference {
  readonly because: Reason;
  /** Our answer, made from the real server's; anything else, equality too, is a failure. */
  readonly ours: (real: unknown) => unknown;
}

/** Each difference and its reason, in the words of docs/differences.md. */
export const reasons = {
  versions: {
    what: 'v1 is served beside v1beta1 and preferred: in discovery, the index of paths and OpenAPI',
    why: "the API's next version; metrics-server 0.9 has v1beta1 only",
  },
  index: {
    what: '`/status`, and no `/statusz` and no `/openapi/v3/`, in the index of paths',
    why: "the first shows operators how each node's scrapes go, the second is a debugging page of Go components, the third an empty document",
  },
  causes: {
    what: 'a 404 for a node or pod that has no usage says why in `details.causes`',
    why: 'the reader of a 404 needs the reason, and clients that do not know the causes ignore them',
  },
  discovery: {
    what: 'discovery in `apidiscovery.k8s.io/v2beta1` is served',
    why: 'kube-apiservers before 1.30 ask for it',
  },
  version: {
    what: '`/version` has no `emulationMajor` and no `minCompatibilityMajor`',
    why: 'a Go component reports by them how it emulates its older versions; nothing like it exists here',
  },
  yaml: { what: 'long texts are not folded in YAML', why: 'they mean the same' },
  openapi: {
    what: 'OpenAPI v3 of a group that is not there is 404 and not an empty 200; documents have no Last-Modified and no byte range',
    why: 'an empty text is no document, and a time would differ from replica to replica; the ETag is enough',
  },
  hash: {
    what: 'OpenAPI v3 asked with an unknown hash is the current document with a life of 10 s, and not a redirect to it',
    why: 'kube-apiserver does not follow redirects: `kubectl explain` fails after every change of the server until it has read the new hashes',
  },
  cas: {
    what: 'client certificates are asked for without the names of the CAs that may have signed them',
    why: 'with these names Node drops the intermediates that a client sends; clients without a list choose by themselves',
  },
  url: {
    what: 'a URL of more than 64 KiB is refused with 414',
    why: 'reading and repeating it costs time that all others wait for; Go counts it among the 1 MiB of headers',
  },
  excerpt: {
    what: 'an error repeats at most 1,024 characters of a text that a client sent',
    why: 'a client must not choose how long answers and log lines get; no valid name is longer',
  },
  badTokens: {
    what: 'a bad token is reviewed again after half a second, and not for each request',
    why: 'reviews of new tokens are few at a time: a client that repeats a bad one would take the places of others',
  },
  impersonation: {
    what: 'a request with `Impersonate-*` headers is refused for every sender',
    why: 'kube-apiserver has acted on them already and does not forward them; to ignore them would be to use the rights of the caller',
  },
  paging: {
    what: '`limit` and `continue` page lists, as in kube-apiserver; `continue` that is no token is 400',
    why: 'kubectl and other clients ask for pages of 500; metrics-server ignores both and answers with the whole list',
  },
  zero: {
    what: 'a pod with a container that uses no CPU is served',
    why: 'zero is a value, and autoscalers need it',
  },
  reason: {
    what: 'why a health check fails, and what was refused in the last five minutes, is shown to clients that may get `/metrics`',
    why: 'an operator should not have to look for it in a log',
  },
  back: {
    what: 'a pod whose counter was reset has its last usage until that is stale, and not a null timestamp and no containers',
    why: 'clients may take no containers for no usage',
  },
} as const;

export type Reason = keyof typeof reasons;

export const differences = {
  'v1: groups': { because: 'versions', ours: withBody((body) => change(body, 'groups', ([group]) => [withV1(group)])) },
  'v1: group': { because: 'versions', ours: withBody(withV1) },
  'v1: discovery': {
    because: 'versions',
    ours: withBody((body) =>
      change(body, 'items', ([item]) => [
        change(item, 'versions', ([v1beta1]) => [{ ...record(v1beta1), version: 'v1' }, v1beta1]),
      ]),
    ),
  },
  'v1: resources': {
    because: 'versions',
    ours: (real) => ({ ...observation(real), status: 200, body: apiResources }),
  },
  'v1: index': { because: 'index', ours: withBody(indexOfOurs) },
  'v1: OpenAPI paths': {
    because: 'versions',
    ours: withBody((paths) =>
      texts(paths)
        .flatMap((path) => (path.includes('/v1beta1/') ? [path.replace('v1beta1', 'v1'), path] : [path]))
        .sort(),
    ),
  },
  'v1: OpenAPI index': { because: 'versions', ours: withBody(openApiIndexOfOurs) },
  'v2beta1 of discovery': { because: 'discovery', ours: oldDiscovery },
  version: {
    because: 'version',
    ours: withBody((keys) => texts(keys).filter((key) => !/^(emulation|minCompatibility)/.test(key))),
  },
  'folded YAML': { because: 'yaml', ours: withBody((text) => String(text).replaceAll(/(\S)\n {2}(?=\S)/g, '$1 ')) },
  'OpenAPI of no group': {
    because: 'openapi',
    ours: (real) => ({
      status: 404,
      headers: sorted({ ...observation(real).headers, 'content-type': 'application/json' }),
      form: 'indented JSON',
      body: 'the index of paths',
    }),
  },
  'OpenAPI times': {
    because: 'openapi',
    ours: (real) => {
      const { 'last-modified': _time, 'accept-ranges': _ranges, ...headers } = observation(real).headers;
      return { ...observation(real), headers };
    },
  },
  'OpenAPI of an unknown hash': {
    because: 'hash',
    ours: (real) => {
      const { location: _location, ...headers } = observation(real).headers;
      return {
        status: 200,
        headers: sorted({ ...headers, 'cache-control': 'public, max-age=10' }),
        form: 'bare JSON',
        body: '<document>',
      };
    },
  },
  'no names of CAs': { because: 'cas', ours: () => [''] },
  'a long URL': {
    because: 'url',
    ours: (real) => ({
      status: 414,
      headers: observation(real).headers,
      form: 'compact JSON',
      body: failure({
        message: 'the URL has 70000 bytes: use at most 65536, for example by shorter selectors',
        reason: 'RequestEntityTooLarge',
        details: {},
        code: 414,
      }),
    }),
  },
  'a long name': {
    because: 'excerpt',
    ours: withBody((body) => JSON.parse(JSON.stringify(body).replaceAll(/(a{1024})a+/g, '$1...')) as unknown),
  },
  'a bad token again': { because: 'badTokens', ours: (real) => ({ ...record(real), tokenReviews: 1 }) },
  impersonation: { because: 'impersonation', ours: refusedImpersonation },
  'a page': {
    because: 'paging',
    ours: withBody((body) => {
      const [first, ...rest] = record(body)['items'] as unknown[];
      const name = String(record(record(first)['metadata'])['name']);
      const token = encodeContinue({ namespace: '', name });
      // A node without usage is behind the page, too.
      return { ...record(body), metadata: { continue: token, remainingItemCount: rest.length + 1 }, items: [first] };
    }),
  },
  'no continue token': {
    because: 'paging',
    ours: (real) => ({
      ...observation(real),
      status: 400,
      form: 'compact JSON',
      body: failure({
        message: 'invalid continue token: continue key is not valid: it is no JSON object',
        reason: 'BadRequest',
        code: 400,
      }),
    }),
  },
  'why a node has no usage': {
    because: 'causes',
    ours: withBody((body) => ({
      ...record(body),
      details: {
        ...record(record(body)['details']),
        causes: [
          { reason: 'NotReported', message: 'no kubelet has reported it yet' },
          { reason: 'ConnectionRefused', message: 'the last scrape of node node-dead failed; see /status' },
        ],
      },
    })),
  },
  'zero is a value: list': { because: 'zero', ours: withBody((body) => change(body, 'items', withIdle)) },
  'zero is a value: Table': {
    because: 'zero',
    ours: withBody((body) => change(body, 'rows', (rows) => [idleRow, ...rows])),
  },
  'zero is a value: pod': {
    because: 'zero',
    ours: (real) => ({
      ...observation(real),
      status: 200,
      body: { kind: 'PodMetrics', apiVersion: 'metrics.k8s.io/v1beta1', ...idlePod },
    }),
  },
  'reason of a failing check': {
    because: 'reason',
    ours: (real) =>
      change(real, 'seen', ([first, ...rest]) => [
        withBody((body) =>
          String(body).replace('shutdown failed: reason withheld', `shutdown failed: ${withPage(shuttingDown)}`),
        )(first),
        ...rest,
      ]),
  },
  'a counter that went back': {
    because: 'back',
    ours: withBody((body) =>
      change(body, 'items', ([pod]) => [
        {
          ...record(pod),
          timestamp: '<timestamp>',
          window: '<window>',
          containers: [{ name: 'back', usage: { cpu: '500m', memory: '4Ki' } }],
        },
      ]),
    ),
  },
} as const satisfies Record<string, Difference>;

export type DifferenceName = keyof typeof differences;

function withV1(group: unknown): unknown {
  const v1 = { groupVersion: 'metrics.k8s.io/v1', version: 'v1' };
  const versioned = change(group, 'versions', (versions) => [v1, ...versions]);
  return { ...record(versioned), preferredVersion: v1 };
}

function indexOfOurs(body: unknown): unknown {
  return change(body, 'paths', (paths) =>
    [
      ...texts(paths).filter((path) => path !== '/statusz' && path !== '/openapi/v3/'),
      '/apis/metrics.k8s.io/v1',
      '/status',
    ].sort(),
  );
}

/** kube-apiserver's own documents `apis` and `version` are not overlaid by ours. */
function openApiIndexOfOurs(body: unknown): unknown {
  const paths = record(record(body)['paths']);
  const v1beta1 = JSON.stringify(paths['apis/metrics.k8s.io/v1beta1']);
  return {
    paths: {
      'apis/metrics.k8s.io': paths['apis/metrics.k8s.io'],
      'apis/metrics.k8s.io/v1': JSON.parse(v1beta1.replace('v1beta1', 'v1')) as unknown,
      'apis/metrics.k8s.io/v1beta1': paths['apis/metrics.k8s.io/v1beta1'],
    },
  };
}

function oldDiscovery(real: unknown): unknown {
  const resource = (name: string, kind: string, scope: string) => ({
    resource: name,
    responseKind: { group: '', version: '', kind },
    scope,
    singularResource: '',
    verbs: ['get', 'list'],
  });
  const resources = [resource('nodes', 'NodeMetrics', 'Cluster'), resource('pods', 'PodMetrics', 'Namespaced')];
  return {
    status: 200,
    headers: sorted({
      ...observation(real).headers,
      'cache-control': 'public',
      'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
      etag: '"<sha512>"',
      vary: 'Accept',
    }),
    form: 'compact JSON',
    body: {
      kind: 'APIGroupDiscoveryList',
      apiVersion: 'apidiscovery.k8s.io/v2beta1',
      metadata: {},
      items: [
        {
          metadata: { name: 'metrics.k8s.io' },
          versions: ['v1', 'v1beta1'].map((version) => ({ version, resources, freshness: 'Current' })),
        },
      ],
    },
  };
}

/** A Status of a failed request, as both servers write it. */
function failure(of: object): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...of };
}

function refusedImpersonation(real: unknown): unknown {
  return {
    status: 403,
    headers: sorted({ ...observation(real).headers, 'x-content-type-options': 'nosniff' }),
    form: 'compact JSON',
    body: failure({
      message:
        'Impersonate headers are not accepted here: send the request through kube-apiserver, which impersonates by itself',
      reason: 'Forbidden',
      details: {},
      code: 403,
    }),
  };
}

const apiResources = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'metrics.k8s.io/v1',
  resources: [
    { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ],
};

const idleMetadata = { name: 'idle-0', namespace: 'default', creationTimestamp: '<creationTimestamp>' };
const idlePod = {
  metadata: idleMetadata,
  timestamp: '<timestamp>',
  window: '<window>',
  containers: [{ name: 'idle', usage: { cpu: '0', memory: '4Ki' } }],
};
const idleRow = {
  cells: ['idle-0', '0', '4Ki', '<window>'],
  object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: idleMetadata },
};

/** idle-0 is the first of its namespace. */
function withIdle(items: readonly unknown[]): unknown[] {
  const at = items.findIndex((item) => record(record(item)['metadata'])['namespace'] === 'default');
  return items.toSpliced(at, 0, idlePod);
}

/** Changes the body of an observation and leaves the rest. */
function withBody(changed: (body: unknown) => unknown): (real: unknown) => unknown {
  return (real) => ({ ...observation(real), body: changed(observation(real).body) });
}

/** The object with one of its lists replaced, where it was. */
function change(object: unknown, key: string, changed: (list: readonly unknown[]) => unknown[]): unknown {
  const list = record(object)[key];
  if (!Array.isArray(list)) throw new Error(`the real server's answer has no list ${key}`);
  return { ...record(object), [key]: changed(list) };
}

const observation = (real: unknown): Observation => real as Observation;

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null)
    throw new Error(`an object was expected, not ${JSON.stringify(value)}`);
  return value as Record<string, unknown>;
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value)) throw new Error(`a list was expected, not ${JSON.stringify(value)}`);
  return value.map(String);
}

function sorted(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1)));
}
