/** The whole program in this process, on a fake API server, the fake kubelet of a node with pods, and one that stands for all other nodes. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { run } from '../../src/command/run.ts';
import { type Logger, silentLogger } from '../../src/logging.ts';
import { parseCommandLine } from '../../src/options/parse.ts';
import { createFakeApiServer, type FakeApiServer } from './apiserver.ts';
import { type Authority, makeAuthority } from './certificates.ts';
import { createFakeKubelet, type FakeKubelet } from './kubelet.ts';
import { type KubeletModel, smallKubeletModel, uuid } from './kubeletmodel.ts';
import { authenticationConfigMap, node, pod } from './kubeobjects.ts';

export interface WholeCluster extends AsyncDisposable {
  readonly apiServer: FakeApiServer;
  /** The kubelet of `podNode`. */
  readonly kubelet: FakeKubelet;
  /** The kubelet of all other nodes, where no pod runs. */
  readonly otherKubelet: FakeKubelet;
  /** Where the program listens. */
  readonly port: number;
  /** The file of the kubeconfig that the program was given. */
  readonly kubeconfig: string;
  /** Signs client certificates. */
  readonly clients: Authority;
  /** Signs the front proxy's certificate, whose common name must be front-proxy-client. */
  readonly frontProxies: Authority;
  /** Asks the program to stop, as SIGTERM does; resolves when it has. */
  stop(): Promise<void>;
}

export const nodeNames = Array.from({ length: 30 }, (_, index) => `node-${index}`);

/** The node of all pods. */
export const podNode = 'node-0';

export interface WholeClusterOptions {
  /** metadata.uid of each Node. */
  readonly nodeUid?: (name: string) => string;
  /** Returns the model of the other nodes' kubelet, by that of `podNode`. */
  readonly otherPods?: (model: KubeletModel) => KubeletModel['pods'];
  /** When the containers and machines started, in whole seconds as milliseconds since the epoch. Default: 12 s ago. */
  readonly startTimeMs?: number;
  readonly log?: Logger;
  /** Whether the kubelets accept a bearer token. Default: the program's own, `fake`. */
  readonly accepts?: (token: string, apiServer: FakeApiServer) => boolean;
  /** Called before the program starts. */
  readonly prepare?: (apiServer: FakeApiServer) => void;
}

/**
 * Starts all of it; the pods of the kubelet's model exist in the API as running pods of `podNode`, labelled app=<name>.
 */
export async function startWholeCluster(
  flags: readonly string[] = [],
  {
    nodeUid = uuid,
    otherPods = () => [],
    startTimeMs = recentStartMs(),
    log = silentLogger,
    accepts = (token) => token === 'fake',
    prepare = () => undefined,
  }: WholeClusterOptions = {},
): Promise<WholeCluster> {
  await using disposables = new AsyncDisposableStack();
  const clients = makeAuthority('clients');
  const frontProxies = makeAuthority('front proxies');
  const kubelets = makeAuthority('kubelets');
  const modelNow = steadyModel(startTimeMs);
  const apiServer = disposables.use(await createFakeApiServer());
  prepare(apiServer);
  const certificate = kubelets.issue({ cn: 'kubelet', ips: ['127.0.0.1'], usages: ['server'] });
  const startKubelet = async (model: KubeletModel) =>
    disposables.use(await createFakeKubelet({ certificate, accepts: (token) => accepts(token, apiServer), model }));
  const kubelet = await startKubelet(modelNow());
  const otherKubelet = await startKubelet({ ...modelNow(), pods: [] });
  const moving = setInterval(() => {
    kubelet.model = modelNow();
    otherKubelet.model = { ...modelNow(), pods: otherPods(kubelet.model) };
  }, 100);
  disposables.defer(() => clearInterval(moving));

  apiServer.objects.set(authenticationConfigMap({ clientCa: clients.cert, requestHeaderCa: frontProxies.cert }));
  for (const name of nodeNames) {
    const kubeletPort = name === podNode ? kubelet.port : otherKubelet.port;
    apiServer.objects.set(node(name, { uid: nodeUid(name), kubeletPort, labels: { zone: 'z1' } }));
  }
  for (const { namespace, name, uid } of kubelet.model.pods) {
    const isStatic = !uid.includes('-');
    apiServer.objects.set(
      pod(namespace, name, {
        labels: { app: name },
        nodeName: podNode,
        ...(isStatic ? { annotations: { 'kubernetes.io/config.hash': uid } } : { uid }),
      }),
    );
  }

  const folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  disposables.defer(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'kubelet-ca.crt'), kubelets.cert);
  const kubeconfig = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(apiServer.url, apiServer.ca));
  const port = await freePort();
  const { options } = parseCommandLine([
    ...serverFlags(kubeconfig, port),
    // Tests keep their connections.
    '--max-connection-age=0',
    ...flags,
  ]);
  const shutdown = new AbortController();
  const ended = run(options, {}, log, shutdown.signal);
  // Its failure must reach the code that stops it, not the process.
  ended.catch(() => undefined);
  const stop = async () => {
    shutdown.abort(new Error('the test is over'));
    await ended;
  };
  disposables.defer(stop);
  const owned = disposables.move();
  return {
    apiServer,
    kubelet,
    otherKubelet,
    port,
    kubeconfig,
    clients,
    frontProxies,
    stop,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** CPU usage of each container, in cores. */
export const coresUsed = 0.25;

/** Returns 12 s before now, in whole seconds: one sample of a container that started then is enough. */
export function recentStartMs(): number {
  return Math.trunc(Date.now() / 1000) * 1000 - 12_000;
}

/**
 * A node whose containers use a steady share of a core since they started; so does the machine. Each call of what is returned yields it as
 * of that moment.
 */
export function steadyModel(startTimeMs = recentStartMs()): () => KubeletModel {
  return () => {
    const nowMs = Date.now();
    const model = smallKubeletModel('node-0', nowMs);
    const sample = { timestampMs: nowMs, startTimeMs, cpuSeconds: (coresUsed * (nowMs - startTimeMs)) / 1000 };
    return {
      ...model,
      machine: { ...model.machine, ...sample },
      pods: model.pods.map((pod) => ({
        ...pod,
        containers: pod.containers.map((container) => ({ ...container, ...sample })),
      })),
    };
  };
}

/** Returns flags that name a whole cluster, whose files are beside its kubeconfig, and the server's port. */
export function serverFlags(kubeconfig: string, port: number): readonly string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--kubelet-certificate-authority=${path.join(path.dirname(kubeconfig), 'kubelet-ca.crt')}`,
    '--kubelet-use-node-status-port',
    '--kubelet-preferred-address-types=InternalIP',
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--cert-dir=',
    '--shutdown-delay-duration=0s',
  ];
}

/** Ports that no system gives to a connection or to a listener without a port, nor Kubernetes to a Service. */
const [firstPort, portCount] = [20_000, 10_000];
let portsTried = randomInt(portCount);

/** A port that was free a moment ago. The kernel gives it only to those who name it. */
export async function freePort(): Promise<number> {
  for (let left = portCount; left > 0; left -= 1) {
    const port = firstPort + (portsTried++ % portCount);
    const probe = createServer().listen(port, '127.0.0.1');
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
  throw new Error(`no port of ${firstPort} to ${firstPort + portCount - 1} is free`);
}

/** A kubeconfig with one context and the token `fake`. */
export function kubeconfigFor(url: string, ca: string, namespace?: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake', ...(namespace && { namespace }) } }],
    clusters: [
      { name: 'fake', cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } },
    ],
    users: [{ name: 'fake', user: { token: 'fake' } }],
  });
}
