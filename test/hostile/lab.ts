/** One attack's own cluster: a fake kube-apiserver, a good kubelet, and the program as it runs in a pod, with a probe in it. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { openPods, type Pods } from '../bench/inpod.ts';
import { cpuMsOf, peakResidentMiB, residentMiB } from '../bench/procfs.ts';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { makeAuthority } from '../fakes/certificates.ts';
import { openConnection1 } from '../fakes/http1client.ts';
import { createFakeKubelet } from '../fakes/kubelet.ts';
import { authenticationConfigMap, node, pod } from '../fakes/kubeobjects.ts';
import { steadyModel } from '../fakes/wholecluster.ts';
import type { Attack, AttackContext } from './attack.ts';
import { type Bystander, bystanderToken, startBystander } from './bystander.ts';
import type { Hold } from './holdprobe.ts';
import { createHostileKubelet } from './hostilekubelet.ts';

export interface Lab extends AsyncDisposable {
  readonly context: Omit<AttackContext, 'signal'>;
  readonly bystander: Bystander;
  /** Whether the program still runs. */
  readonly running: () => boolean;
  /** Starts measuring; the result of the returned function is what it cost since. */
  measure(): Promise<() => Promise<Cost>>;
}

export interface Cost {
  readonly hold: Hold;
  readonly cpuSeconds: number;
  /** Peak of the resident memory above what it was at the start, in bytes. */
  readonly addedBytes: number;
}

/** What the labs of a run share: the compiled program and the authorities. */
export type Ground = Pods;

export const openGround = openPods;

/** The user of `context.token`. */
const knownUser = 'known';
const knownToken = 'known-token';
/** Their phases differ, so that some are scraped twice within the first second. */
const goodNodes = 30;
const startTimeoutMs = 20_000;
/** Longer than any hold that an attack caused before it was fixed. */
const probeTimeoutMs = 60_000;
const modelStepMs = 100;
const bytesPerMiB = 1024 ** 2;

/** Resolves when the program serves usage and each bystander has had an answer. */
export async function openLab(ground: Ground, label: string, attack: Attack): Promise<Lab> {
  await using rooms = new AsyncDisposableStack();
  const { credentials, folder } = ground;
  const apiServer = rooms.use(await createCluster(ground, rooms));
  const holdFile = path.join(folder, `hold-${label}.json`);
  const probe = pathToFileURL(path.join(import.meta.dirname, 'holdprobe.ts'));
  probe.searchParams.set('to', holdFile);
  const server = await ground.start('ours', {
    label,
    apiServer,
    args: [
      '--kubelet-insecure-tls=false',
      `--kubelet-certificate-authority=${credentials.file('ca.crt')}`,
      ...(attack.args ?? []),
    ],
    nodeArgs: ['--import', probe.href, ...(attack.nodeArgs ?? [])],
  });
  rooms.defer(() => server.process.stop());
  const { pid } = server.process;
  const log = () => server.process.lastLog();
  const adminCertificate = credentials.certificates['front-proxy'];
  const askAsAdmin = async (target: string) => {
    using connection = await openConnection1(server.port, adminCertificate);
    const lines = [`GET ${target} HTTP/1.1`, 'Host: x', 'X-Remote-User: admin', 'X-Remote-Group: system:masters'];
    return await connection.ask(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
  };
  await waitFor(
    'the program to serve usage',
    async () => {
      if (!server.process.running()) throw new GiveUp(log());
      const answer = await askAsAdmin('/readyz').catch(() => undefined);
      return answer?.status === 200;
    },
    startTimeoutMs,
    50,
  );
  const bystander = rooms.use(
    await startBystander({ port: server.port, ca: credentials.clients.cert, frontProxy: adminCertificate }),
  );
  await bystander.served(AbortSignal.timeout(startTimeoutMs));
  const added: AsyncDisposable[] = [];
  rooms.defer(async () => void (await Promise.all(added.map((each) => each[Symbol.asyncDispose]()))));
  const owned = rooms.move();
  return {
    context: {
      url: `https://127.0.0.1:${server.port}`,
      port: server.port,
      ca: credentials.clients.cert,
      token: knownToken,
      frontProxy: adminCertificate,
      client: credentials.certificates.alice,
      stranger: makeAuthority('strangers').issue({ cn: 'admin', o: ['system:masters'], usages: ['client'] }),
      apiServer,
      pid,
      log,
      askAsAdmin,
      async addKubelet(options) {
        const kubelet = await createHostileKubelet(apiServer, credentials.kubelet, options);
        added.push(kubelet);
        return kubelet;
      },
    },
    bystander,
    running: () => server.process.running(),
    measure,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  async function measure(): Promise<() => Promise<Cost>> {
    await rm(holdFile, { force: true });
    // Makes the current resident size the peak.
    await writeFile(`/proc/${pid}/clear_refs`, '5');
    const beforeMiB = residentMiB(pid);
    const beforeMs = cpuMsOf(pid);
    server.process.signal('SIGUSR2');
    return async () => {
      // Taken after the hold: an attack that still holds the program is still costing.
      server.process.signal('SIGUSR2');
      const hold = await readHold();
      return {
        hold,
        cpuSeconds: (cpuMsOf(pid) - beforeMs) / 1000,
        addedBytes: (peakResidentMiB(pid) - beforeMiB) * bytesPerMiB,
      };
    };
  }

  async function readHold(): Promise<Hold> {
    const endMs = performance.now() + probeTimeoutMs;
    for (;;) {
      const text = await readFile(holdFile, 'utf8').catch(() => undefined);
      if (text !== undefined) return JSON.parse(text) as Hold;
      if (!server.process.running()) throw new Error(`the program ended: ${log()}`);
      if (performance.now() > endMs) throw new Error(`the program is still held after ${probeTimeoutMs} ms`);
      await sleep(10);
    }
  }
}

async function createCluster({ credentials }: Ground, rooms: AsyncDisposableStack): Promise<FakeApiServer> {
  const { clients, frontProxies, kubelet: certificate } = credentials;
  const apiServer = await createFakeApiServer();
  apiServer.objects.set(authenticationConfigMap({ clientCa: clients.cert, requestHeaderCa: frontProxies.cert }));
  apiServer.reviews.token = (token) =>
    token === knownToken || token.startsWith(bystanderToken)
      ? { authenticated: true, user: { username: token === knownToken ? knownUser : token } }
      : { user: {}, error: 'invalid bearer token' };
  apiServer.reviews.access = ({ user }) => ({
    allowed: typeof user === 'string' && (user === knownUser || /^(?:reviewed|bystander)-/.test(user)),
  });
  const modelNow = steadyModel();
  const kubelet = rooms.use(
    await createFakeKubelet({ certificate, accepts: (token) => token === 'fake', model: modelNow() }),
  );
  const moving = setInterval(() => (kubelet.model = modelNow()), modelStepMs);
  rooms.defer(() => clearInterval(moving));
  for (let index = 0; index < goodNodes; index += 1)
    apiServer.objects.set(node(`node-${index}`, { kubeletPort: kubelet.port }));
  for (const { namespace, name, uid } of kubelet.model.pods) {
    const identity = uid.includes('-') ? { uid } : { annotations: { 'kubernetes.io/config.hash': uid } };
    apiServer.objects.set(pod(namespace, name, { labels: { app: name }, nodeName: 'node-0', ...identity }));
  }
  return apiServer;
}
