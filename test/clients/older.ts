/** An older minor to run the matrix against: its kube-apiserver on loopback, kubelets that answer, and the server behind the aggregator. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { V1Service } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { field, items } from '../../src/client/json.ts';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { createClient } from '../conformance/client.ts';
import { type ControlPlane, startControlPlane } from '../conformance/controlplane.ts';
import { type Credentials, makeCredentials } from '../conformance/credentials.ts';
import { makeFixture } from '../conformance/objects.ts';
import { type Server, startServer } from '../conformance/servers.ts';
import { itemsNamed } from './readings.ts';
import type { Target } from './target.ts';

export interface OlderMinor extends AsyncDisposable {
  readonly target: Target;
}

/** Two scrapes, or the time after which the aggregator looks again, and the start of a busy machine. */
const startTimeoutMs = 180_000;

/** Resolves when the server is registered, Available, and has measured the target. */
export async function openOlderMinor(program: 'kubegauge' | 'metrics-server'): Promise<OlderMinor> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-clients-'));
  opened.defer(() => rm(folder, { recursive: true }));
  // For an exit in the middle of all this.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const credentials = makeCredentials(folder);
  const controlPlane = opened.use(await startControlPlane(folder, credentials, 'kubernetes-1.29'));
  const fixture = opened.use(await makeFixture(folder, credentials, controlPlane));
  await declareSize(controlPlane, 'node-a');
  const server = await startServer(folder, credentials, program === 'kubegauge' ? 'ours' : 'real', {
    label: '',
    kubeconfig: fixture.serverKubeconfig,
    args: servingCertificate(credentials),
  });
  opened.defer(() => server.process.stop());
  const versions = program === 'kubegauge' ? ['v1', 'v1beta1'] : ['v1beta1'];
  const target: Target = {
    ...administratorFiles(credentials, controlPlane.url),
    enter: [],
    versions,
    node: 'node-a',
    pod: { namespace: 'default', name: 'web-0', selector: 'tier=front', containers: ['app', 'sidecar'] },
    folder,
  };
  const client = opened.use(createClient(credentials, fixture.tokens));
  const until = (what: string, condition: () => Promise<boolean>) =>
    waitFor(`${program} ${what}`, () => stillRuns(server) && condition(), startTimeoutMs);
  await until('to answer /livez', async () => {
    return (await client.ask(server, { path: '/livez', as: 'anonymous' })).status === 200;
  });
  await register(controlPlane, credentials, server.port, versions);
  for (const version of versions) {
    await until(`to be Available in ${version}`, () => isAvailable(controlPlane, version));
    await until(`to have measured in ${version}`, () => isMeasured(controlPlane, target, version));
    // metrics-server has no past.
    if (program === 'kubegauge')
      await until(`to have points in ${version}`, () => hasPast(controlPlane, target, version));
  }
  const owned = opened.move();
  return { target, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Clients divide by what a node has. */
async function declareSize({ call }: ControlPlane, node: string): Promise<void> {
  const size = { cpu: '16', memory: '64Gi' };
  await call('PATCH', `/api/v1/nodes/${node}/status`, { status: { allocatable: size, capacity: size } });
}

const serviceName = { name: 'metrics-server', namespace: 'kube-system' };

/** For the name by which the aggregator knows a server. */
function servingCertificate(credentials: Credentials): string[] {
  const dns = [`${serviceName.name}.${serviceName.namespace}.svc`];
  const { cert, key } = credentials.clients.issue({
    cn: serviceName.name,
    dns,
    ips: ['127.0.0.1'],
    usages: ['server'],
  });
  const [certFile, keyFile] = ['metrics-server.crt', 'metrics-server.key'].map((name) => credentials.file(name));
  writeFileSync(certFile ?? '', cert);
  writeFileSync(keyFile ?? '', key, { mode: 0o600 });
  return [`--tls-cert-file=${certFile}`, `--tls-private-key-file=${keyFile}`];
}

/** manifests/base, but the Service leads to this machine, and the certificate is verified. */
async function register(
  { call }: ControlPlane,
  credentials: Credentials,
  port: number,
  versions: readonly string[],
): Promise<void> {
  const service: V1Service = { metadata: serviceName, spec: { type: 'ExternalName', externalName: 'localhost' } };
  await call('POST', `/api/v1/namespaces/${serviceName.namespace}/services`, service);
  for (const { metadata, spec } of apiServices()) {
    if (!versions.includes(spec.version)) continue;
    await call('POST', '/apis/apiregistration.k8s.io/v1/apiservices', {
      metadata,
      spec: {
        ...spec,
        insecureSkipTLSVerify: false,
        caBundle: Buffer.from(credentials.clients.cert).toString('base64'),
        service: { ...serviceName, port },
      },
    });
  }
}

interface ApiService {
  readonly metadata: object;
  readonly spec: { readonly version: string };
}

function apiServices(): ApiService[] {
  const file = path.resolve(import.meta.dirname, '../../manifests/base/apiservice.yaml');
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document): ApiService => document.toJS());
}

async function isAvailable({ call }: ControlPlane, version: string): Promise<boolean> {
  const object = await call('GET', `/apis/apiregistration.k8s.io/v1/apiservices/${version}.metrics.k8s.io`);
  return items(field(field(object, 'status'), 'conditions')).some(
    (condition) => field(condition, 'type') === 'Available' && field(condition, 'status') === 'True',
  );
}

/** Asks through the aggregator. What is not there yet is an error, which is waited for. */
async function isMeasured({ call }: ControlPlane, { node, pod }: Target, version: string): Promise<boolean> {
  const base = `/apis/metrics.k8s.io/${version}`;
  await call('GET', `${base}/nodes/${node}`);
  await call('GET', `${base}/namespaces/${pod.namespace}/pods/${pod.name}`);
  return true;
}

/** Reports whether the node and the pod have points: the first scrape of a minute makes them. */
async function hasPast({ call }: ControlPlane, { node, pod }: Target, version: string): Promise<boolean> {
  const base = `/apis/metrics.k8s.io/${version}`;
  const nodes = await call('GET', `${base}/nodes?sinceSeconds=600`);
  const pods = await call('GET', `${base}/namespaces/${pod.namespace}/pods?sinceSeconds=600`);
  return itemsNamed(node, nodes).length > 0 && itemsNamed(pod.name, pods).length > 0;
}

/** @throws GiveUp when it does not. */
function stillRuns(server: Server): true {
  if (!server.process.running()) throw new GiveUp(server.process.lastLog());
  return true;
}

/** A kubeconfig of files, which are there for clients that read none. JSON is YAML, so every client reads it. */
function administratorFiles(credentials: Credentials, url: string): Pick<Target, 'kubeconfig' | 'apiServer'> {
  const { cert, key } = credentials.certificates.administrator;
  const write = (name: string, text: string): string => {
    writeFileSync(credentials.file(name), text, { mode: 0o600 });
    return credentials.file(name);
  };
  const files = {
    ca: credentials.file('ca.crt'),
    cert: write('administrator.crt', cert),
    key: write('administrator.key', key),
  };
  const contents = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server: url, 'certificate-authority': files.ca } }],
    users: [{ name: 'lab', user: { 'client-certificate': files.cert, 'client-key': files.key } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  };
  return { kubeconfig: write('administrator.json', JSON.stringify(contents)), apiServer: { url, ...files } };
}

let current: OlderMinor | undefined;

/** Makes this the one that olderMinor() gives; called before the test files are loaded. */
export function useOlderMinor(opened: OlderMinor): void {
  current = opened;
}

/** The older minor of this run. */
export function olderMinor(): OlderMinor {
  if (current === undefined) throw new Error('the client matrix runs only by `npm run test:clients`');
  return current;
}
