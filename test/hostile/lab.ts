/** A cluster to attack: a fake kube-apiserver, good kubelets, and the program as it runs in a pod, with a probe in it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { openPods, type Pods } from '../bench/inpod.ts';
import { cpuMsOf, peakResidentMiB, residentMiB } from '../bench/procfs.ts';
import { GiveUp, waitFor } from '../cluster/wait.ts';
import type { Server } from '../conformance/servers.ts';
import type { FakeApiServer, Reviews } from '../fakes/apiserver.ts';
import { openConnection1 } from '../fakes/http1client.ts';
import type { Answered, AttackContext } from './attack.ts';
import { type Bystander, startBystander } from './bystander.ts';
import type { Hold } from './holdprobe.ts';
import { createHostileKubelet } from './hostilekubelet.ts';
import { createVictimCluster } from './victimcluster.ts';

export interface Lab extends AsyncDisposable {
  readonly bystander: Bystander;
  /** Whether the program still runs. */
  readonly running: () => boolean;
  readonly log: () => string;
  /** Begins an attack; the kubelets, programs, faults and reviews that it adds end with what is returned. */
  begin(signal: AbortSignal): Promise<{ readonly context: AttackContext } & AsyncDisposable>;
  /** Starts measuring; the result of the returned function is what it cost since. */
  measure(): Promise<() => Promise<Cost>>;
}

export interface Cost {
  readonly hold: Hold;
  readonly cpuSeconds: number;
  /** How long it was measured. */
  readonly seconds: number;
  /** Peak of the resident memory above what it was at the start, in bytes. */
  readonly addedBytes: number;
}

/** State that the labs of a run share: the compiled program and the authorities. */
export type Ground = Pods;

export const openGround = openPods;

/** Long and of one kind, so that no other text contains it. */
const programToken = 'programs-own-token-81b1f7c2d5';
/** A second on a quiet machine. */
const startTimeoutMs = 90_000;
/** Longer than any hold that an attack caused before it was fixed. */
const probeTimeoutMs = 60_000;
const bytesPerMiB = 1024 ** 2;

/** Resolves when the program serves usage and each bystander has had an answer. */
export async function openLab(ground: Ground, label: string, args: readonly string[]): Promise<Lab> {
  await using disposables = new AsyncDisposableStack();
  const { credentials, folder } = ground;
  const apiServer = disposables.use(await createVictimCluster(credentials, programToken, disposables));
  const holdFile = path.join(folder, `hold-${label}.json`);
  const probe = pathToFileURL(path.join(import.meta.dirname, 'holdprobe.ts'));
  probe.searchParams.set('to', holdFile);
  let programs = 0;
  const server = await startProgram(args, ['--import', probe.href]);
  disposables.defer(() => kill(server));
  const { pid } = server.process;
  const log = () => server.process.wholeLog();
  await ready(server);
  const frontProxy = credentials.certificates['front-proxy'];
  const bystander = disposables.use(
    await startBystander({ port: server.port, ca: credentials.clients.cert, frontProxy }),
  );
  await bystander.served(AbortSignal.timeout(startTimeoutMs));
  const owned = disposables.move();
  return {
    bystander,
    running: () => server.process.running(),
    log,
    begin,
    measure,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  function startProgram(more: readonly string[], nodeArgs: readonly string[] = []): Promise<Server> {
    programs += 1;
    const trust = ['--kubelet-insecure-tls=false', `--kubelet-certificate-authority=${credentials.file('ca.crt')}`];
    const options = { label: `${label}-${programs}`, apiServer, token: programToken, args: [...trust, ...more] };
    return ground.start('ours', { ...options, nodeArgs });
  }

  async function askAsAdmin(port: number, target: string): Promise<Answered> {
    using connection = await openConnection1(port, credentials.certificates['front-proxy']);
    const lines = [`GET ${target} HTTP/1.1`, 'Host: x', 'X-Remote-User: admin', 'X-Remote-Group: system:masters'];
    return await connection.ask(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
  }

  function ready({ port, process }: Server): Promise<unknown> {
    return waitFor(
      'the program to serve usage',
      async () => {
        if (!process.running()) throw new GiveUp(process.lastLog());
        const answer = await askAsAdmin(port, '/readyz').catch(() => undefined);
        return answer?.status === 200;
      },
      startTimeoutMs,
      50,
    );
  }

  async function begin(signal: AbortSignal): Promise<{ readonly context: AttackContext } & AsyncDisposable> {
    const added = new AsyncDisposableStack();
    restoreAfter(added, apiServer);
    const context: AttackContext = {
      port: server.port,
      clientCa: credentials.clients,
      client: credentials.certificates.alice,
      apiServer,
      programToken,
      log,
      folder: await mkdtemp(path.join(folder, 'attack-')),
      signal,
      askAsAdmin: (target) => askAsAdmin(server.port, target),
      async addKubelet(options) {
        const kubelet = added.use(await createHostileKubelet(apiServer, credentials.kubelet, options));
        added.defer(() => apiServer.objects.delete('Node', kubelet.node));
        return kubelet;
      },
      async startAnother(more) {
        const another = await startProgram(more);
        const end = () => kill(another);
        added.defer(end);
        await ready(another);
        return {
          askAsAdmin: (target) => askAsAdmin(another.port, target),
          log: () => another.process.wholeLog(),
          [Symbol.asyncDispose]: end,
        };
      },
    };
    return { context, [Symbol.asyncDispose]: () => added.disposeAsync() };
  }

  async function measure(): Promise<() => Promise<Cost>> {
    await rm(holdFile, { force: true });
    // Makes the current resident size the peak.
    await writeFile(`/proc/${pid}/clear_refs`, '5');
    const beforeMiB = residentMiB(pid);
    const beforeMs = cpuMsOf(pid);
    const startedMs = performance.now();
    server.process.signal('SIGUSR2');
    await readHold();
    await rm(holdFile);
    return async () => {
      // Taken after the hold: an attack that still holds the program is still costing.
      server.process.signal('SIGUSR2');
      const hold = await readHold();
      return {
        hold,
        cpuSeconds: (cpuMsOf(pid) - beforeMs) / 1000,
        seconds: (performance.now() - startedMs) / 1000,
        addedBytes: (peakResidentMiB(pid) - beforeMiB) * bytesPerMiB,
      };
    };
  }

  async function readHold(): Promise<Hold> {
    const endMs = performance.now() + probeTimeoutMs;
    for (;;) {
      const text = await readFile(holdFile, 'utf8').catch(() => undefined);
      if (text !== undefined) return JSON.parse(text) as Hold;
      if (!server.process.running()) throw new Error(`the program ended: ${server.process.lastLog()}`);
      if (performance.now() > endMs) throw new Error(`the program is still held after ${probeTimeoutMs} ms`);
      await sleep(10);
    }
  }
}

/** At once: an orderly end would wait for the attackers. */
async function kill({ process }: Server): Promise<void> {
  process.signal('SIGKILL');
  await process.ended;
}

/** Sets what an attack may change of kube-apiserver back to what it is now. */
function restoreAfter(added: AsyncDisposableStack, { reviews, faults }: FakeApiServer): void {
  const before: Reviews = { ...reviews };
  const { answer, delayMs, jsonOnly } = faults;
  added.defer(() => {
    Object.assign(reviews, before);
    Object.assign(faults, { answer, delayMs, jsonOnly });
  });
}
