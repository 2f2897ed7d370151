/** The whole program behind an aggregator: one address for the API server's objects and for metrics.k8s.io, as users have it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ApiServer } from '../../src/client/apiserver.ts';
import { createAggregator } from '../standin/aggregator.ts';
import { createUsers } from '../standin/users.ts';
import { makeAuthority } from './certificates.ts';
import { kubeconfigFor, startWholeCluster, type WholeCluster, type WholeClusterOptions } from './wholecluster.ts';

export interface AggregatedCluster extends WholeCluster {
  /** An administrator's way to it. */
  readonly server: ApiServer;
  /** The file of the administrator's kubeconfig. */
  readonly adminKubeconfig: string;
}

export async function startAggregatedCluster(
  flags: readonly string[] = [],
  options: WholeClusterOptions = {},
): Promise<AggregatedCluster> {
  await using opened = new AsyncDisposableStack();
  const authority = makeAuthority('aggregated');
  const serving = authority.issue({ cn: 'localhost', dns: ['localhost'], ips: ['127.0.0.1'], usages: ['server'] });
  const folder = mkdtempSync(path.join(tmpdir(), 'kubegauge-aggregated-'));
  opened.defer(() => rmSync(folder, { recursive: true }));
  const [cert, key] = [path.join(folder, 'tls.crt'), path.join(folder, 'tls.key')];
  writeFileSync(cert, serving.cert);
  writeFileSync(key, serving.key);
  const files = [`--tls-cert-file=${cert}`, `--tls-private-key-file=${key}`];
  const cluster = opened.use(await startWholeCluster([...files, ...flags], options));
  const host = '127.0.0.1';
  const admin = { username: 'admin', uid: '', groups: ['system:masters'] };
  const core = new URL(cluster.apiServer.url);
  const { url } = opened.use(
    await createAggregator({
      port: 0,
      serving,
      clientCa: authority.cert,
      users: createUsers(new Map([['fake', admin]])),
      core: { host, port: Number(core.port), ca: cluster.apiServer.ca, servername: 'localhost' },
      coreToken: 'fake',
      metrics: {
        host,
        port: cluster.port,
        ca: authority.cert,
        servername: 'localhost',
        client: cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] }),
      },
    }),
  );
  const adminKubeconfig = path.join(folder, 'admin.kubeconfig');
  writeFileSync(adminKubeconfig, kubeconfigFor(url, authority.cert));
  const material = { ca: authority.cert, rejectUnauthorized: true };
  const owned = opened.move();
  return {
    ...cluster,
    adminKubeconfig,
    server: { url, tls: () => material, authorization: () => 'Bearer fake' },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
