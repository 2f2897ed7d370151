/** The lab: a control plane, nodes whose kubelets can fail, and the two servers that scrape them side by side. */
import { rmSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { type Client, createClient } from '../conformance/client.ts';
import { type ControlPlane, startControlPlane } from '../conformance/controlplane.ts';
import { type Credentials, makeCredentials } from '../conformance/credentials.ts';
import { dig } from '../conformance/objects.ts';
import { type Server, type ServerName, type ServerOptions, startServer } from '../conformance/servers.ts';
import type { Issued } from '../fakes/certificates.ts';
import { freePort } from '../fakes/wholecluster.ts';
import { createLabNode, type LabNode, nodeCores } from './labnode.ts';
import { createReviews, type Reviews } from './reviews.ts';
import { makeTruth, namespace, type Truth } from './truth.ts';

export interface Lab extends AsyncDisposable {
  readonly truth: Truth;
  readonly nodes: ReadonlyMap<string, LabNode>;
  readonly client: Client;
  readonly controlPlane: ControlPlane;
  readonly reviews: Reviews;
  /** As of now. */
  server(name: ServerName): Server;
  /** Ends a server as nothing can be prepared for, and starts it again at once, with more arguments. */
  kill(name: ServerName, more?: readonly string[]): Promise<void>;
  /** A serving certificate for a kubelet by the CA that the servers trust. */
  issueKubelet(): Issued;
  /** The servers' token file has another token; resolves with it. What kubelets accept is acceptOnly's affair. */
  rotateToken(): Promise<string>;
  acceptOnly(token: string): void;
}

export const serverNames: readonly ServerName[] = ['real', 'ours'];

/** A group that may read metrics; its members need a review, as administrators do not. */
export const readers = 'faults:readers';

/** Seconds on a quiet machine. */
const startTimeoutMs = 120_000;

/** Resolves when both servers answer /livez. */
export async function openLab(nodeNames: readonly string[]): Promise<Lab> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-faults-'));
  opened.defer(() => rm(folder, { recursive: true }));
  // For an exit in the middle of all this.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const credentials = makeCredentials(folder);
  const controlPlane = opened.use(await startControlPlane(folder, credentials));
  await grantRights(controlPlane);
  let accepted = await newToken(controlPlane);
  const truth = makeTruth(nodeNames);
  const uids = await makePods(controlPlane, truth);
  const nodes = new Map<string, LabNode>();
  const accepts = (token: string) => token === accepted;
  for (const name of nodeNames) {
    const certificate = credentials.kubelet;
    const node = opened.use(await createLabNode({ name, truth, uids, certificate, accepts }));
    nodes.set(name, node);
    await makeNode(controlPlane, node);
  }
  const reviews = opened.use(await createReviews(controlPlane, credentials));
  const tokenFile = path.join(folder, 'token');
  await writeFile(tokenFile, accepted);
  const options = await serverOptions(folder, credentials, controlPlane.url, reviews.url);
  const servers = new Map<ServerName, Server>();
  const client = opened.use(createClient(credentials, { reader: '', stranger: '', fresh: '' }));
  opened.defer(async () => {
    await Promise.all([...servers.values()].map((server) => server.process.stop()));
  });
  for (const name of serverNames) servers.set(name, await start(name));
  for (const name of serverNames) await untilAlive(client, server(name));
  const owned = opened.move();
  return {
    truth,
    nodes,
    client,
    controlPlane,
    reviews,
    server,
    kill,
    issueKubelet: () => credentials.clients.issue({ cn: 'kubelet', ips: ['127.0.0.1'], usages: ['server'] }),
    rotateToken,
    acceptOnly: (token) => (accepted = token),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  function server(name: ServerName): Server {
    const found = servers.get(name);
    if (found === undefined) throw new Error(`the server ${name} was not started`);
    return found;
  }

  async function start(name: ServerName, more: readonly string[] = []): Promise<Server> {
    const own = name === 'ours' ? [`--snapshot-path=${path.join(folder, 'snapshot')}`] : [];
    const port = servers.get(name)?.port ?? (await freePort());
    const args = [...(options.args ?? []), ...own, ...more, `--secure-port=${port}`];
    const started = await startServer(folder, credentials, name, { ...options, args });
    return { ...started, port };
  }

  async function kill(name: ServerName, more: readonly string[] = []): Promise<void> {
    server(name).process.signal('SIGKILL');
    await server(name).process.ended;
    servers.set(name, await start(name, more));
  }

  async function rotateToken(): Promise<string> {
    const token = await newToken(controlPlane);
    // As the kubelet does for a pod: at no time is there half a file.
    await writeFile(`${tokenFile}.next`, token);
    await rename(`${tokenFile}.next`, tokenFile);
    return token;
  }
}

/** Both verify kubelets, for what a change of their certificates does. */
async function serverOptions(
  folder: string,
  credentials: Credentials,
  url: string,
  reviewsUrl: string,
): Promise<ServerOptions> {
  const write = async (name: string, server: string) => {
    const file = path.join(folder, name);
    await writeFile(file, kubeconfig(server, credentials.file('ca.crt'), path.join(folder, 'token')));
    return file;
  };
  return {
    label: '',
    kubeconfig: await write('kubeconfig.json', url),
    authorizationKubeconfig: await write('reviews.json', reviewsUrl),
    args: ['--kubelet-insecure-tls=false', `--kubelet-certificate-authority=${credentials.file('ca.crt')}`],
  };
}

function kubeconfig(server: string, caFile: string, tokenFile: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: 'lab', user: { tokenFile } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  });
}

/** Rights are not what fails here: the servers have all, and readers what they read. */
async function grantRights({ call }: ControlPlane): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  await call('POST', '/api/v1/namespaces/kube-system/serviceaccounts', { metadata: { name: account } });
  await call('POST', `/apis/${group}/v1/clusterroles`, {
    metadata: { name: readers },
    rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['nodes', 'pods'], verbs: ['get', 'list'] }],
  });
  await call('POST', `/apis/${group}/v1/clusterrolebindings`, {
    metadata: { name: account },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'kube-system' }],
  });
  await call('POST', `/apis/${group}/v1/clusterrolebindings`, {
    metadata: { name: readers },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: readers },
    subjects: [{ apiGroup: group, kind: 'Group', name: readers }],
  });
}

const account = 'metrics-server';

async function newToken({ call }: ControlPlane): Promise<string> {
  const answer = await call('POST', `/api/v1/namespaces/kube-system/serviceaccounts/${account}/token`, {
    spec: { expirationSeconds: 7200 },
  });
  return String(dig(answer, 'status', 'token'));
}

/** Returns the UIDs by the pods' keys. */
async function makePods({ call }: ControlPlane, { pods }: Truth): Promise<ReadonlyMap<string, string>> {
  const uids = new Map<string, string>();
  await call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
  for (const { key, node, containers } of pods) {
    const [, name = ''] = key.split('/');
    const target = `/api/v1/namespaces/${namespace}/pods`;
    const spec = { nodeName: node, containers: containers.map((usage) => ({ name: usage.name, image: 'none' })) };
    const made = await call('POST', target, { metadata: { name }, spec });
    await call('PATCH', `${target}/${name}/status`, { status: { phase: 'Running' } });
    uids.set(key, String(dig(made, 'metadata', 'uid')));
  }
  return uids;
}

async function makeNode({ call }: ControlPlane, { name, port }: LabNode): Promise<void> {
  await call('POST', '/api/v1/nodes', { metadata: { name } });
  await call('PATCH', `/api/v1/nodes/${name}/status`, {
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      capacity: { cpu: String(nodeCores), memory: '64Gi', pods: '110' },
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  });
}

async function untilAlive(client: Client, server: Server): Promise<void> {
  const alive = async () => {
    if (!server.process.running()) throw new GiveUp(server.process.lastLog());
    return (await client.ask(server, { path: '/livez', as: 'anonymous' })).status === 200;
  };
  await waitFor(`${server.name} to answer /livez`, alive, startTimeoutMs, 50);
}
