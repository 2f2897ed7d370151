/**
 * Servers as they run in a pod: ours compiled as for its image, and both finding kube-apiserver by the environment and the ServiceAccount's files. With a
 * kubeconfig ours would load what it never needs in a pod, and its sources would have to be made JavaScript first.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { requireCommands } from '../cluster/needs.ts';
import { type Child, startChild } from '../conformance/children.ts';
import { type Credentials, makeCredentials } from '../conformance/credentials.ts';
import { certificateArgs, commandOf, type Server, type ServerName, servingArgs } from '../conformance/servers.ts';
import type { FakeApiServer } from '../fakes/apiserver.ts';
import { freePort } from '../fakes/wholecluster.ts';
import { compileProgram } from './compile.ts';
import { temporaryFolder } from './temporaryfolder.ts';

export interface Pods extends AsyncDisposable {
  readonly credentials: Credentials;
  /** For files that end with it. */
  readonly folder: string;
  /** Starts one without waiting for it; it ends with all this. */
  start(name: ServerName, options: PodOptions): Promise<Server>;
  /** Starts another server of the Kubernetes API, likewise. */
  startProgram(name: string, command: string, options: PodOptions): Promise<Started>;
}

export type Started = Omit<Server, 'name'>;

export interface PodOptions {
  /** Part of the log's name. */
  readonly label: string;
  readonly apiServer: Pick<FakeApiServer, 'url' | 'ca'>;
  /** A later one of the same name counts. */
  readonly args?: readonly string[];
  /** Node's own, of ours. */
  readonly nodeArgs?: readonly string[];
  /** The ServiceAccount's token; `fake` if it is not given. */
  readonly token?: string;
}

/** No client is left. */
const quickEnd = ['--shutdown-delay-duration=0s'];
/** Measurements keep their connections, which metrics-server never ends. */
const longConnections = ['--max-connection-age=0'];

/** The image's first line of the entry has it. */
const imageNodeArgs = ['--min-semi-space-size=4'];

const project = path.resolve(import.meta.dirname, '../..');

export async function openPods(): Promise<Pods> {
  requireCommands([['unshare', 'apt-get install util-linux']]);
  await using disposables = new AsyncDisposableStack();
  const { path: folder } = disposables.use(await temporaryFolder());
  const credentials = makeCredentials(folder);
  const entry = await compileProgram(folder);
  const imageEnvironment = readEnvironment(await readFile(path.join(project, 'Dockerfile'), 'utf8'));
  const started: Child[] = [];
  disposables.defer(async () => void (await Promise.all(started.map((child) => child.stop()))));
  const owned = disposables.move();
  return { credentials, folder, start, startProgram, [Symbol.asyncDispose]: () => owned.disposeAsync() };

  async function start(name: ServerName, { args = [], nodeArgs = [], ...options }: PodOptions): Promise<Server> {
    const isOurs = name === 'ours';
    const command = isOurs ? [process.execPath, ...imageNodeArgs, ...nodeArgs, entry] : await commandOf(name);
    const ownArgs = isOurs ? [...longConnections, ...args] : args;
    const words = [...command, ...servingArgs(credentials), ...quickEnd, ...ownArgs];
    return { name, ...(await run(name, words, options, isOurs ? imageEnvironment : {})) };
  }

  function startProgram(name: string, command: string, { args = [], ...options }: PodOptions): Promise<Started> {
    return run(name, [command, ...certificateArgs(credentials), ...args], options, {});
  }

  async function run(
    name: string,
    command: readonly string[],
    { label, apiServer, token = 'fake' }: PodOptions,
    environment: Readonly<Record<string, string>>,
  ): Promise<Started> {
    const account = await writeAccount(path.join(folder, `account-${name}-${label}`), apiServer.ca, token);
    const port = await freePort();
    const { hostname, port: apiServerPort } = new URL(apiServer.url);
    const [unshare, ...words] = asInPod(account, {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: apiServerPort,
      ...environment,
    });
    const args = [...words, ...command, `--secure-port=${port}`];
    const child = startChild(folder, { name: `${name}-${label}`, command: unshare, args });
    started.push(child);
    return { port, process: child };
  }
}

/** Returns the variables that the image's ENV lines set. */
function readEnvironment(dockerfile: string): Record<string, string> {
  const lines = [...dockerfile.matchAll(/^ENV (.*)$/gm)].map(([, line = '']) => line);
  const pairs = lines.flatMap((line) => [...line.matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)]);
  return Object.fromEntries(pairs.map(([, name = '', quoted, bare = '']) => [name, quoted ?? bare]));
}

async function writeAccount(folder: string, ca: string, token: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'token'), token);
  await writeFile(path.join(folder, 'ca.crt'), ca);
  return folder;
}

/** The words before a command that is to find the account where pods have it; each becomes the next, so that the child's pid is the command's. */
function asInPod(account: string, environment: Readonly<Record<string, string>>): [string, ...string[]] {
  const files = '/run/secrets/kubernetes.io/serviceaccount';
  const script = `mount -t tmpfs tmpfs /run && mkdir -p ${files} && cp "$1"/* ${files} && shift && exec "$@"`;
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  // Who is not root may mount in a user namespace.
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  return ['unshare', '--mount', ...user, '--', 'sh', '-c', script, 'sh', account, 'env', ...variables];
}
