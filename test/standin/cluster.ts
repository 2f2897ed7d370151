/** Puts the fakes together to a cluster that lives: kubelets, API server, aggregator, and the simulation behind them. */
import { randomBytes } from 'node:crypto';
import { field, text, texts } from '../../src/client/json.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import { authenticationConfigMap, kinds, type KubeObject } from '../fakes/kubeobjects.ts';
import type { KubeletEndpoint } from '../fakes/nodeproxy.ts';
import { rbacAllows } from '../fakes/rbac.ts';
import { createAggregator } from './aggregator.ts';
import { autoscaledWorkloads, boundsFor, toAutoscalerObject } from './autoscalers.ts';
import { startAutoscaling } from './autoscaling.ts';
import { type Credentials, serviceName } from './credentials.ts';
import { setInstallation, toPodOf } from './installation.ts';
import { toNodeObject } from './objects.ts';
import { type Change, createSimulation, type SimulatedNode, type Simulation } from './simulation.ts';
import { isAllowed, serverUser, type Users } from './users.ts';
import { toScale, toWorkloadObjects } from './workloadobjects.ts';
import { serverWorkload, type Workload, workloads } from './workloads.ts';

export interface StandinCluster extends AsyncDisposable {
  readonly apiUrl: string;
  readonly nodes: number;
  readonly pods: number;
}

export interface StandinClusterOptions {
  readonly nodes: number;
  readonly pods: number;
  readonly seed: number;
  readonly calm: boolean;
  readonly apiPort: number;
  /** Where the aggregator finds the metrics server. */
  readonly serverPort: number;
  readonly credentials: Credentials;
  /** Prints what happens, one sentence a call. */
  readonly say: (sentence: string) => void;
}

const stepMs = 1_000;
const host = '127.0.0.1';

/** @throws Error with the code EADDRINUSE when apiPort is taken. */
export async function startCluster(options: StandinClusterOptions): Promise<StandinCluster> {
  const { credentials, serverPort, say } = options;
  await using starting = new AsyncDisposableStack();
  const startMs = Date.now();
  const simulation = createSimulation({ ...options, startMs });

  const coreToken = randomBytes(16).toString('hex');
  const endpoints = new Map<string, KubeletEndpoint>();
  const core = starting.use(await createFakeApiServer({ authority: credentials.authority, kubelets: endpoints }));
  core.faults.accepts = ({ headers }) => headers.authorization === `Bearer ${coreToken}`;
  answerReviews(core, credentials.users);
  core.objects.set(
    authenticationConfigMap({ clientCa: credentials.authority.cert, requestHeaderCa: credentials.frontProxyCa }),
  );

  const kubelets = new Map<SimulatedNode, FakeKubelet>();
  for (const node of simulation.nodes) {
    const kubelet = starting.use(await startKubelet(node, credentials));
    kubelets.set(node, kubelet);
    endpoints.set(node.name, { port: kubelet.port, ca: credentials.authority.cert, token: credentials.serverToken });
    core.objects.set(toNodeObject(node, kubelet.port));
  }
  for (const pod of simulation.pods) core.objects.set(toPodOf(pod, serverPort));
  for (const name of new Set(workloads.map(({ namespace }) => namespace))) {
    core.objects.set({ kind: 'Namespace', apiVersion: 'v1', metadata: { name }, status: { phase: 'Active' } });
  }
  const keepWorkload = createWorkloadKeeper(core, simulation);
  for (const workload of new Set([...simulation.pods].map((pod) => pod.workload))) keepWorkload(workload);
  const own = [...simulation.pods].find(({ workload }) => workload === serverWorkload);
  if (own !== undefined) setInstallation(core, { port: serverPort, ca: credentials.authority.cert }, own);

  const aggregator = starting.use(
    await createAggregator({
      port: options.apiPort,
      serving: credentials.authority.issue({
        cn: 'kube-apiserver',
        dns: ['localhost', 'kubernetes.default.svc'],
        ips: [host],
        usages: ['server'],
      }),
      clientCa: credentials.authority.cert,
      users: credentials.users,
      core: { host, port: Number(new URL(core.url).port), ca: core.ca, servername: 'localhost' },
      coreToken,
      metrics: {
        host,
        port: serverPort,
        ca: credentials.authority.cert,
        servername: serviceName,
        client: credentials.frontProxy,
      },
    }),
  );

  const timer = setInterval(() => simulation.advance(Date.now()).forEach(apply), stepMs);
  const autoscaled = autoscaledWorkloads.map((each) => {
    const bounds = boundsFor(podsOf(each.workload).length, options.calm);
    core.objects.set(toAutoscalerObject(each, bounds, startMs));
    return { ...each, bounds };
  });
  starting.use(
    startAutoscaling({
      autoscaled,
      apiUrl: aggregator.url,
      ca: credentials.authority.cert,
      token: credentials.autoscalerToken,
      podsOf,
      scale: rescale,
      write: ({ workload: { namespace, name } }, status) => {
        const object = core.objects.get('HorizontalPodAutoscaler', name, namespace);
        const before = object?.['status'] as object | undefined;
        if (object !== undefined) core.objects.set({ ...object, status: { ...before, ...status } });
      },
    }),
  );
  const running = starting.move();
  running.defer(() => clearInterval(timer));
  return {
    apiUrl: aggregator.url,
    nodes: simulation.nodes.length,
    pods: simulation.pods.size,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };

  function apply(change: Change): void {
    if (change.event !== '') say(change.event);
    if (change.kind === 'node-set') {
      applyNode(change.node);
      return;
    }
    const { pod } = change;
    if (change.kind === 'pod-set') core.objects.set(toPodOf(pod, serverPort));
    else core.objects.delete('Pod', pod.name, pod.workload.namespace);
    keepWorkload(pod.workload);
  }

  function podsOf(workload: Workload): readonly string[] {
    return [...simulation.pods].filter((pod) => pod.workload === workload).map(({ name }) => name);
  }

  function rescale(workload: Workload, replicas: number): void {
    const { namespace, name } = workload;
    say(`autoscaler ${namespace}/${name} scales from ${podsOf(workload).length} to ${replicas} pods`);
    simulation.scale(workload, replicas).forEach(apply);
  }

  function applyNode(node: SimulatedNode): void {
    const kubelet = kubelets.get(node);
    if (kubelet === undefined) return;
    const fault = faultOf(node);
    kubelet.faults.cadvisor = fault;
    kubelet.faults.resource = fault;
    core.objects.set(toNodeObject(node, kubelet.port));
  }
}

/** Returns a function that writes the objects of a workload as its pods are now. */
function createWorkloadKeeper({ objects, documents }: FakeApiServer, { pods }: Simulation) {
  const written = new Map<string, string>();
  return (workload: Workload): void => {
    const { namespace, name } = workload;
    const current = toWorkloadObjects(
      workload,
      [...pods].filter((pod) => pod.workload === workload),
    );
    for (const object of current) {
      const path = pathOf(object);
      const text = JSON.stringify(object);
      // A restart of a container changes none of them.
      if (written.get(path) === text) continue;
      written.set(path, text);
      objects.set(object);
      if (object.kind !== 'DaemonSet') documents.set(`${path}/scale`, toScale(object));
    }
    const replicaSets = `/apis/apps/v1/namespaces/${namespace}/replicasets`;
    const names = new Set(current.map(({ metadata }) => metadata.name));
    for (const { metadata } of objects.list('ReplicaSet')) {
      const isOwn = metadata.namespace === namespace && metadata.labels?.['app'] === name;
      if (!isOwn || names.has(metadata.name)) continue;
      objects.delete('ReplicaSet', metadata.name, namespace);
      documents.delete(`${replicaSets}/${metadata.name}/scale`);
      written.delete(`${replicaSets}/${metadata.name}`);
    }
  };
}

function pathOf({ kind, metadata }: KubeObject): string {
  return `/apis/apps/v1/namespaces/${metadata.namespace}/${kinds[kind]}/${metadata.name}`;
}

function faultOf({ kubelet }: SimulatedNode) {
  if (kubelet === 'fails') return 500;
  return kubelet === 'hangs' ? 'hang' : 'none';
}

function startKubelet({ name, model }: SimulatedNode, { authority, users }: Credentials): Promise<FakeKubelet> {
  return createFakeKubelet({
    certificate: authority.issue({
      cn: `system:node:${name}`,
      o: ['system:nodes'],
      dns: [name],
      ips: [host],
      usages: ['server'],
    }),
    // Of the three users only the server may get nodes/metrics.
    accepts: (token) => users.byToken(token) === serverUser,
    model,
  });
}

/** Says who a token is, and who may do what. */
function answerReviews(core: FakeApiServer, users: Users): void {
  const { reviews } = core;
  reviews.token = (token) => {
    const user = users.byToken(token);
    return user === undefined ? { user: {}, error: 'invalid bearer token' } : { authenticated: true, user };
  };
  reviews.access = (spec) => {
    const resource = field(spec, 'resourceAttributes');
    const path = text(field(field(spec, 'nonResourceAttributes'), 'path'));
    const allowed =
      rbacAllows(core.objects, spec) ||
      isAllowed({
        user: text(field(spec, 'user')) ?? '',
        groups: texts(field(spec, 'groups')),
        verb: text(field(resource ?? field(spec, 'nonResourceAttributes'), 'verb')) ?? '',
        group: text(field(resource, 'group')) ?? '',
        ...(path === undefined ? {} : { path }),
      });
    return { allowed };
  };
}
