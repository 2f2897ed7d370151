/** State that all end-to-end tests share: the server under test, registered in the cluster, and its clients. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Cluster } from '../cluster.ts';
import { createCredentials, type Credentials } from './credentials.ts';
import { createLoads, type Loads } from './loads.ts';
import { removeNamespaces } from './namespaces.ts';
import { buildManifestsImage } from '../product-image.ts';
import type { KubernetesObject } from '../registration.ts';
import { startBasePod } from './podserver.ts';
import type { Source } from './readings.ts';
import { createRegistration, type Registration, removeApiServices } from './registration.ts';
import { type Replicas, startReplicas } from './replicas.ts';
import { type Program, programNamed, type ServerProcess, startServer } from './server.ts';
import type { Stage } from './stages.ts';

/** Options of a run, by the command line. */
export interface RunOptions {
  readonly stages: readonly Stage[];
  /** Whether tests that only report figures take less time for them. */
  readonly brief: boolean;
  /** Arguments of the server under test, beside those that every server here gets. */
  readonly serverArgs: readonly string[];
}

export interface Harness extends AsyncDisposable, RunOptions {
  readonly cluster: Cluster;
  readonly program: Program;
  readonly credentials: Credentials;
  readonly registration: Registration;
  readonly loads: Loads;
  /** For files that go away with the harness. */
  readonly folder: string;
  /** When the run began, in milliseconds since the epoch. */
  readonly startedMs: number;
  /** Where the registered server listens. */
  readonly port: number;
  /** The registered server; after restart() another one. */
  server(): ServerProcess;
  /** That server's metrics in its preferred version, for who may read them; of another url where one is given. */
  source(url?: string): Source;
  /** Starts the server again after it has been stopped. */
  restart(): Promise<void>;
  /**
   * Resolves when the cluster has the product's image, of the tag in manifests/base. The first call builds and imports it.
   * KUBEGAUGE_E2E_IMAGE names an archive that was built before (`npm run cluster -- image <file>`).
   */
  productImage(): Promise<void>;
  /** Resolves when a pod by manifests/base serves. The first call starts it in the place of what is there; it stays until the end. */
  basePod(): Promise<void>;
  /** Resolves when two replicas serve. The first call starts them in the place of the process; they stay until endReplicas(). */
  replicas(): Promise<Replicas>;
  /** Removes the replicas, where there are some, but for kept objects. */
  endReplicas(kept?: readonly KubernetesObject[]): Promise<void>;
}

const port = 14_250;

/** Starts and registers the server that KUBEGAUGE_E2E_SERVER names, kubegauge or metrics-server. Resolves when it is Available. */
export async function openHarness(
  cluster: Cluster,
  options: RunOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Harness> {
  const startedMs = Date.now();
  const program = await programNamed(cluster, env['KUBEGAUGE_E2E_SERVER'] ?? 'kubegauge');
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-e2e-'));
  opened.defer(() => rm(folder, { recursive: true }));

  const registration = await createRegistration(cluster, program, port);
  // What a run that was killed has left. APIServices first: an unavailable one keeps namespaces from ending.
  await registration.remove();
  await removeApiServices(cluster);
  await removeNamespaces(cluster);
  opened.defer(() => removeNamespaces(cluster));
  opened.defer(() => registration.remove());
  await registration.add();

  const credentials = await createCredentials(cluster, folder);
  opened.defer(() => credentials.remove());
  let server = await start();
  opened.defer(async () => {
    await server.stop();
  });
  await registration.available();
  let replicas: Promise<Replicas> | undefined;
  opened.defer(() => endReplicas());

  const resources = opened.move();
  let image: Promise<void> | undefined;
  const built = env['KUBEGAUGE_E2E_IMAGE'];
  const makeProductImage = async () =>
    cluster.importArchive(built ?? (await buildManifestsImage(path.join(folder, 'image.tar'))));
  let pod: Promise<void> | undefined;
  const opening: Harness = {
    ...options,
    cluster,
    program,
    credentials,
    registration,
    loads: createLoads(cluster),
    folder,
    startedMs,
    port,
    server: () => server,
    source: (url = server.url) => ({ url, version: program.versions[0], token: credentials.readerToken }),
    restart: async () => {
      server = await start();
    },
    productImage: () => (image ??= makeProductImage()),
    basePod: () => (pod ??= startBasePod(opening)),
    replicas: () => (replicas ??= startReplicas(opening)),
    endReplicas,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
  return opening;

  async function endReplicas(kept?: readonly KubernetesObject[]): Promise<void> {
    // Where they did not start, a test says so, and they are removed.
    const ended = await replicas?.catch(() => undefined);
    replicas = undefined;
    await ended?.remove(kept);
  }

  function start(): Promise<ServerProcess> {
    const kubeconfig = program.name === 'kubegauge' ? credentials.serverKubeconfig : credentials.peerKubeconfig;
    return startServer(cluster, program, { port, kubeconfig, folder, args: options.serverArgs });
  }
}

let current: Harness | undefined;

/** Makes this the one that harness() gives; called before the test files are loaded. */
export function useHarness(opened: Harness): void {
  current = opened;
}

/** The harness of this run. */
export function harness(): Harness {
  if (current === undefined) throw new Error('the end-to-end tests run only by `npm run test:e2e`');
  return current;
}
