/** Translates a Service's address to its endpoints by iptables, as kube-proxy does; the test cluster has no kube-proxy. */
import type { Cluster } from '../cluster.ts';

export interface ServiceAddress extends AsyncDisposable {
  /** The changes so far, oldest first. */
  readonly changes: readonly Change[];
  /** Returns the number of connections that were translated since the start, by endpoint address. */
  connections(): Promise<ReadonlyMap<string, number>>;
}

/** From a moment on (wall time), new connections go to these addresses only. */
export interface Change {
  readonly atMs: number;
  readonly addresses: readonly string[];
}

interface Target {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  /** Whether it ends but still serves. */
  readonly serving: boolean;
}

/** kube-proxy's default for --iptables-min-sync-period: the delay of a change that follows another one. */
const syncMs = 1_000;
/** Milliseconds until a watch that has ended begins again: kube-apiserver restarts. */
const watchAgainMs = 200;

const chain = 'KUBEGAUGE-SVC';
const endpointChain = (address: string): string => `KUBEGAUGE-${address}`;

/**
 * Translates the port of the Service's ClusterIP until disposed. Each new connection goes to a random ready endpoint;
 * without one to a random endpoint that ends but still serves; else it is refused. Open connections stay where they are.
 */
export async function translateServiceAddress(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<ServiceAddress> {
  const get = async (jsonpath: string) =>
    (await cluster.kubectl(['get', 'service', name, `--namespace=${namespace}`, '-o', `jsonpath=${jsonpath}`])).trim();
  const [ip, port] = [await get('{.spec.clusterIP}'), await get('{.spec.ports[0].port}')];
  const rule = ['-d', ip, '-p', 'tcp', '--dport', port, '-j', chain];
  const hooks = ['OUTPUT', 'PREROUTING'].map((hook) => [hook, ...rule]);
  const iptables = (args: readonly string[]) => cluster.runInNamespace('iptables', ['-w', '-t', 'nat', ...args]);
  const changes: Change[] = [];
  const seen = new Set<string>();
  const bySlice = new Map<string, readonly Target[]>();
  const stop = new AbortController();

  await restore([`:${chain} - [0:0]`, `-A ${chain} -p tcp -j DNAT --to-destination ${nowhere}`]);
  for (const hook of hooks) await iptables(['-A', ...hook]);
  const firstSync = Promise.withResolvers<void>();
  let syncs: Promise<void> = Promise.resolve();
  let isPending = false;
  const watching = watchAgainAndAgain();
  await firstSync.promise;

  return {
    changes,
    connections,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
      await syncs;
      for (const hook of hooks) await iptables(['-D', ...hook]);
      await iptables(['-F', chain]);
      await iptables(['-X', chain]);
      for (const address of seen) {
        await iptables(['-F', endpointChain(address)]);
        await iptables(['-X', endpointChain(address)]);
      }
    },
  };

  async function connections(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const address of seen) {
      const rows = await iptables(['-L', endpointChain(address), '-n', '-v', '-x']);
      // The first packet of each connection passes the rule.
      const packets = /^\s*(\d+)\s+\d+\s+DNAT/m.exec(rows)?.[1];
      if (packets === undefined) throw new Error(`iptables printed no counter: ${rows}`);
      counts.set(address, Number(packets));
    }
    return counts;
  }

  async function watchAgainAndAgain(): Promise<void> {
    while (!stop.signal.aborted) {
      await watchSlices();
      if (!stop.signal.aborted) await new Promise((resolve) => setTimeout(resolve, watchAgainMs));
    }
  }

  /** Resolves when the watch has ended. */
  async function watchSlices(): Promise<void> {
    const columns =
      '{.metadata.name} {.ports[0].port}{range .endpoints[*]} {.addresses[0]},{.conditions.ready},{.conditions.serving}{end}{"\\n"}';
    const selector = `--selector=kubernetes.io/service-name=${name}`;
    const child = cluster.startKubectl(
      ['get', 'endpointslices', `--namespace=${namespace}`, selector, '--watch', '-o', `jsonpath=${columns}`],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const end = () => child.kill('SIGKILL');
    stop.signal.addEventListener('abort', end);
    if (stop.signal.aborted) end();
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) onSlice(line);
    });
    await new Promise((resolve) => child.once('close', resolve));
    stop.signal.removeEventListener('abort', end);
  }

  function onSlice(line: string): void {
    const [slice = '', slicePort = '', ...endpoints] = line.split(' ');
    const targets = endpoints.map((endpoint) => {
      const [address = '', ready, serving] = endpoint.split(',');
      return { address, port: Number(slicePort), ready: ready === 'true', serving: serving === 'true' };
    });
    bySlice.set(slice, targets);
    if (isPending) return;
    isPending = true;
    syncs = syncs.then(() => new Promise((resolve) => setTimeout(resolve, syncMs))).then(sync);
    syncs.then(firstSync.resolve, firstSync.reject);
  }

  async function sync(): Promise<void> {
    isPending = false;
    const all = [...bySlice.values()].flat();
    const ready = all.filter((target) => target.ready);
    const targets = ready.length > 0 ? ready : all.filter(({ serving }) => serving);
    const fresh = targets.filter(({ address }) => !seen.has(address));
    for (const { address } of fresh) seen.add(address);
    await restore([
      `:${chain} - [0:0]`,
      // An endpoint's chain stays as it is, so that its counter does.
      ...fresh.map(({ address }) => `:${endpointChain(address)} - [0:0]`),
      ...fresh.map((target) => `-A ${endpointChain(target.address)} -p tcp -j DNAT --to-destination ${pair(target)}`),
      ...targets.map((target, at) => `-A ${chain} ${chance(targets.length - at)}-j ${endpointChain(target.address)}`),
      ...(targets.length === 0 ? [`-A ${chain} -p tcp -j DNAT --to-destination ${nowhere}`] : []),
    ]);
    changes.push({ atMs: Date.now(), addresses: targets.map(({ address }) => address) });
  }

  async function restore(rules: readonly string[]): Promise<void> {
    const input = ['*nat', ...rules, 'COMMIT', ''].join('\n');
    await cluster.runInNamespace('iptables-restore', ['-w', '--noflush'], { input });
  }
}

/** Nothing listens there, so connections are refused. */
const nowhere = '127.0.0.1:1';

function pair({ address, port }: Target): string {
  return `${address}:${port}`;
}

/** Returns the match for one of so many that are left. */
function chance(left: number): string {
  return left === 1 ? '' : `-m statistic --mode random --probability ${(1 / left).toFixed(10)} `;
}
