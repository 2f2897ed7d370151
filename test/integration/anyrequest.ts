/** Requests as a careless or hostile client could send them: mostly near to what is served, so that much of it is reached. */
import fc from 'fast-check';

/** Each byte a character of Latin-1. */
export interface AnyRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const bytes = (from: number, to: number) => fc.integer({ min: from, max: to }).map((code) => String.fromCharCode(code));

/** Texts that a request line and a header's value can have on the wire; another test has the others. */
const targetText = fc.string({
  unit: fc.oneof({ weight: 5, arbitrary: bytes(0x21, 0x7e) }, bytes(0x80, 0xff)),
  maxLength: 12,
});
const headerText = fc.string({
  unit: fc.oneof(bytes(0x20, 0x7e), bytes(0x80, 0xff), fc.constant('\t')),
  maxLength: 24,
});
const anyText = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed());

/** Words in any order, with rubbish between them. */
const wordsOr = (rubbish: fc.Arbitrary<string>, ...words: readonly string[]) =>
  fc
    .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...words) }, rubbish), { maxLength: 7 })
    .map((parts) => parts.join(''));

const served = fc.constantFrom(
  '/',
  '/apis',
  '/apis/metrics.k8s.io',
  '/apis/metrics.k8s.io/v1',
  '/apis/metrics.k8s.io/v1/nodes',
  '/apis/metrics.k8s.io/v1/nodes/node-0',
  '/apis/metrics.k8s.io/v1beta1/pods',
  '/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods',
  '/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/web-0',
  '/healthz',
  '/livez/ping',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/apis/metrics.k8s.io/v1',
  '/version',
);

const path = fc.oneof(
  { weight: 4, arbitrary: served },
  { weight: 1, arbitrary: fc.tuple(served, anyText).map(([parent, name]) => `${parent}/${encodeURIComponent(name)}`) },
  {
    weight: 1,
    arbitrary: wordsOr(
      targetText,
      '/apis',
      '/metrics.k8s.io',
      '/v1',
      '/pods',
      '/namespaces',
      '/',
      '/..',
      '%2f',
      '%ff',
      '%',
    ).map((text) => `/${text}`),
  },
);

const value = fc.oneof(
  wordsOr(anyText, 'app', '=', '!=', ' in ', '(', ')', ',', 'web-0', '!', '>', '5', 'metadata.name', '\\', '\0'),
  anyText,
  fc.constantFrom('', '0', '1', 'true', '10s', '1.5h', '-1', 'Exact', 'NotOlderThan', 'Object', 'ping'),
);

const parameter = fc.constantFrom(
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'watch',
  'timeout',
  'timeoutSeconds',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'includeObject',
  'pretty',
  'verbose',
  'exclude',
  'export',
  'hash',
);

const pair = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(parameter, value).map(([name, text]) => `${name}=${encodeURIComponent(text)}`) },
  { weight: 1, arbitrary: wordsOr(targetText, '&', '=', ';', '%', '%0', '%00', '%ff', '+', '?', '#') },
);

const query = fc.array(pair, { maxLength: 4 }).map((pairs) => (pairs.length === 0 ? '' : `?${pairs.join('&')}`));

const accept = wordsOr(
  headerText,
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  '*/*',
  ',',
  ';',
  ';q=0.5',
  ';as=Table;v=v1;g=meta.k8s.io',
  ';as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  ';g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  ';pretty=1',
  ' ',
);

const identity = fc.constantFrom('x-remote-user', 'x-remote-group', 'x-remote-uid', 'x-remote-extra-scopes');
const oddExtra = fc.constantFrom('x-remote-extra-', 'x-remote-extra-%', 'x-remote-extra-a%2fb', 'x-remote-extra-%ff');
const other = fc.constantFrom(
  'impersonate-user',
  'audit-id',
  'user-agent',
  'content-type',
  'accept-encoding',
  'accept-version',
  'if-none-match',
  'range',
  'expect',
  'cookie',
  'origin',
  'access-control-request-method',
  'x-http-method-override',
  'x-forwarded-for',
);

const user = ['x-remote-user', 'alice'] as const;
const masters = ['x-remote-group', 'system:masters'] as const;

/** Without a name everything is 401, so most have one. */
const sender = fc.constantFrom([], [user], [user, masters], [user, masters], [user, masters]);

const header = fc.oneof(
  fc.tuple(fc.oneof(identity, oddExtra), headerText),
  fc.tuple(fc.constant('accept'), accept),
  fc.tuple(fc.constant('authorization'), wordsOr(headerText, 'Bearer ', 'Basic ', ' ', 'x')),
  fc.tuple(other, fc.oneof(headerText, fc.constantFrom('curl/8', 'gzip', '*', 'application/json', '100-continue'))),
);

const method = fc.oneof(
  { weight: 6, arbitrary: fc.constant('GET') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY', 'FOO'),
  },
);

export const anyRequest: fc.Arbitrary<AnyRequest> = fc.record({
  method,
  target: fc.tuple(path, query).map(([before, after]) => before + after),
  headers: fc.tuple(sender, fc.array(header, { maxLength: 5 })).map(([known, others]) => [...known, ...others]),
});
