/** A whole server over TLS with a source of custom and external metrics that the test controls. */
import { createDiscovery } from '../../src/api/discovery.ts';
import { metricsOpenApi } from '../../src/api/openapi/metricsgroup.ts';
import { createOpenApi } from '../../src/api/openapi/openapi.ts';
import { discoveredMetrics } from '../../src/api/resources.ts';
import { createAuthorizer } from '../../src/auth/authorizer.ts';
import { anonymous } from '../../src/auth/user.ts';
import { createRestClient } from '../../src/client/rest.ts';
import { createAccessReviewer } from '../../src/client/reviews.ts';
import { systemClock } from '../../src/clock.ts';
import { createValueGroups } from '../../src/command/valuegroups.ts';
import type { DescribedObjects, DescribedResource } from '../../src/metricsource/described.ts';
import type {
  CustomAnswer,
  CustomMetric,
  CustomQuestion,
  ExternalQuestion,
  ExternalSample,
} from '../../src/metricsource/source.ts';
import { createRegistry, type Registry } from '../../src/monitoring.ts';
import { createConnections } from '../../src/server/connectionmetrics.ts';
import { createInFlightLimit, type InFlightLimit } from '../../src/server/inflight.ts';
import { createOpenApiHandlers } from '../../src/server/openapihandler.ts';
import { createRouter } from '../../src/server/paths.ts';
import { createRequestMetrics } from '../../src/server/requestmetrics.ts';
import { createServer } from '../../src/server/server.ts';
import type { StatusSource } from '../../src/server/statuspage.ts';
import { Agent, type Dispatcher, request } from 'undici';
import { makeAuthority } from '../fakes/certificates.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { createMapper, describedResource } from '../fakes/discovery.ts';
import { createRecordingLog, type RecordingLog } from '../fakes/recordinglog.ts';
import { usualServerOptions } from '../fakes/serveroptions.ts';
import { freePort } from '../fakes/wholecluster.ts';

/** The metrics of the source, and the questions that it was asked. */
export interface TestSource {
  custom: readonly CustomMetric[];
  external: readonly string[];
  absence: string | undefined;
  /** The names of pods in each namespace instead of the fixtures'. */
  pods: readonly string[] | undefined;
  onCustom: (question: CustomQuestion, signal: AbortSignal) => CustomAnswer | Promise<CustomAnswer>;
  onExternal: (
    question: ExternalQuestion,
    signal: AbortSignal,
  ) => readonly ExternalSample[] | Promise<readonly ExternalSample[]>;
  readonly customQuestions: CustomQuestion[];
  readonly externalQuestions: ExternalQuestion[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly bytes: Buffer;
  readonly text: string;
  /** Any shape; tests look for what they need. */
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface AskOptions {
  readonly method?: Dispatcher.HttpMethod;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: alice. */
  readonly user?: string;
  readonly signal?: AbortSignal;
  /** Default: HTTP/1.1. */
  readonly http2?: boolean;
}

export interface ValueServer extends AsyncDisposable {
  readonly port: number;
  readonly source: TestSource;
  readonly api: FakeApiServer;
  readonly inFlight: InFlightLimit;
  readonly registry: Registry;
  readonly recording: RecordingLog;
  ask(target: string, options?: AskOptions): Promise<Answer>;
}

export const pods = describedResource('', 'v1', 'pods', 'Pod');
export const deployments = describedResource('apps', 'v1', 'deployments', 'Deployment');
export const namespaces = describedResource('', 'v1', 'namespaces', 'Namespace', false);
export const nodes = describedResource('', 'v1', 'nodes', 'Node', false);
export const widgets = describedResource('acme.io', 'v1', 'widgets', 'Widget', false);
const described: readonly DescribedResource[] = [
  pods,
  deployments,
  namespaces,
  nodes,
  describedResource('', 'v1', 'persistentvolumes', 'PersistentVolume', false),
  describedResource('', 'v1', 'services', 'Service'),
  describedResource('batch', 'v1', 'jobs', 'Job'),
  widgets,
];
const mapper = createMapper(() => described);

interface TestObject {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The cluster of the fixtures. */
const objectsOf: Readonly<Record<string, readonly TestObject[]>> = {
  pods: [
    { namespace: 'shop', name: 'a.b', labels: { app: 'dots' } },
    { namespace: 'shop', name: 'axb', labels: { app: 'dots' } },
    { namespace: 'shop', name: 'idle-0', labels: { app: 'idle' } },
    ...['web-0', 'web-1', 'web-2'].map((name) => ({ namespace: 'shop', name, labels: { app: 'web' } })),
    { namespace: 'bank', name: 'teller-0', labels: { app: 'web' } },
  ],
  deployments: [{ namespace: 'shop', name: 'web', labels: { app: 'web' } }],
  services: [{ namespace: 'shop', name: 'web', labels: {} }],
  namespaces: [
    { namespace: '', name: 'bank', labels: { team: 'b' } },
    { namespace: '', name: 'empty', labels: {} },
    { namespace: '', name: 'shop', labels: { team: 'a' } },
  ],
  nodes: [
    { namespace: '', name: 'node-a', labels: {} },
    { namespace: '', name: 'node-b', labels: { zone: 'z1' } },
  ],
  persistentvolumes: [{ namespace: '', name: 'pv-1', labels: {} }],
  widgets: [{ namespace: '', name: 'w-1', labels: {} }],
};

const fixtureObjects: DescribedObjects = {
  names: async ({ resource: plural }, namespace, selector) =>
    (objectsOf[plural] ?? [])
      .filter((each) => each.namespace === namespace && selector.matches(new Map(Object.entries(each.labels))))
      .map(({ name }) => name),
};

/** The page is tested elsewhere. */
const noStatus: StatusSource = () => {
  throw new Error('no test here reads the status');
};

export interface ValueServerOptions {
  readonly requestTimeoutMs?: number;
  readonly inFlightLimit?: number;
}

export async function startValueServer({
  requestTimeoutMs = 60_000,
  inFlightLimit = 0,
}: ValueServerOptions = {}): Promise<ValueServer> {
  await using disposables = new AsyncDisposableStack();
  const api = disposables.use(await createFakeApiServer());
  api.reviews.access = () => ({ allowed: true });
  const source = createTestSource();
  const recording = createRecordingLog();
  const registry = createRegistry();
  const rest = disposables.use(createRestClient(api.connection));
  const objects: DescribedObjects = {
    async names(of, ...rest) {
      return of.resource === 'pods' && source.pods !== undefined ? source.pods : fixtureObjects.names(of, ...rest);
    },
  };
  const customSource = {
    list: () => source.custom,
    absence: () => source.absence,
    async get(question: CustomQuestion, signal: AbortSignal) {
      source.customQuestions.push(question);
      return source.onCustom(question, signal);
    },
  };
  const externalSource = {
    list: () => source.external,
    absence: () => source.absence,
    async get(question: ExternalQuestion, signal: AbortSignal) {
      source.externalQuestions.push(question);
      return source.onExternal(question, signal);
    },
  };
  const groups = createValueGroups({ custom: customSource, external: externalSource, mapper, objects });
  const discovered = [discoveredMetrics(), ...groups.discovered];
  const documents = [metricsOpenApi(), ...groups.openApi];
  const port = await freePort();
  const inFlight = createInFlightLimit(inFlightLimit);
  const reviewer = createAccessReviewer(rest);
  const server = await createServer({
    ...usualServerOptions,
    port,
    requestTimeoutMs,
    tls: makeAuthority('values').issue({ cn: 'values', ips: ['127.0.0.1'], usages: ['server'] }),
    inFlight,
    connections: createConnections(registry, 0, recording.log),
    metrics: createRequestMetrics(registry, inFlight.count, groups.served),
    authenticator: { authenticate: async ({ rawHeaders }) => userOf(rawHeaders) },
    authorizer: createAuthorizer({
      log: recording.log,
      reviewer,
      anonymousReviewer: reviewer,
      refusals: { refused: () => undefined },
      isAfterOutage: () => false,
      alwaysAllowPaths: [],
      allowedTtlMs: 0,
      deniedTtlMs: 0,
      clock: systemClock,
    }),
    router: createRouter({
      discovery: createDiscovery(':10250', discovered),
      openApi: createOpenApiHandlers(createOpenApi({ title: 'kubegauge', version: 'v1' }, documents), Date.now),
      groups: groups.served,
      health: { '/livez': [], '/readyz': [], '/healthz': [] },
      readyNotes: () => [],
      registry,
      status: noStatus,
    }),
    log: recording.log,
  });
  disposables.defer(() => server.close());
  await server.listen();
  const agents = [false, true].map((allowH2) => new Agent({ allowH2, connect: { rejectUnauthorized: false } }));
  for (const agent of agents) disposables.defer(() => agent.close());
  const owned = disposables.move();
  return {
    port,
    source,
    api,
    inFlight,
    registry,
    recording,
    async ask(target, { method = 'GET', headers = {}, user = 'alice', signal, http2 = false } = {}) {
      const agent = agents[Number(http2)];
      const answer = await request(`https://127.0.0.1:${port}${target}`, {
        ...(agent === undefined ? {} : { dispatcher: agent }),
        method,
        headers: { ...headers, ...(user === '' ? {} : { 'x-user': user }) },
        ...(signal === undefined ? {} : { signal }),
      });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      const text = bytes.toString();
      const isPlain = answer.headers['content-encoding'] === undefined && text !== '';
      const isJson = isPlain && String(answer.headers['content-type']).includes('json');
      const body = isJson ? JSON.parse(text) : undefined;
      return { status: answer.statusCode, headers: answer.headers, bytes, text, body };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function createTestSource(): TestSource {
  return {
    custom: [],
    external: [],
    absence: undefined,
    pods: undefined,
    onCustom: () => ({ samples: [] }),
    onExternal: () => [],
    customQuestions: [],
    externalQuestions: [],
  };
}

function userOf(rawHeaders: readonly string[]) {
  const at = rawHeaders.indexOf('x-user');
  const name = rawHeaders[at + 1];
  return at === -1 || name === undefined ? anonymous : { name, uid: '', groups: [], extra: new Map() };
}
