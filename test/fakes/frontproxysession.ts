/** A session to a whole cluster as kube-apiserver's front proxy has one. */
import type { ClientHttp2Session } from 'node:http2';
import { waitFor } from '../cluster/wait.ts';
import { ask2, keepInUse, openSession } from './http2client.ts';
import { until } from './until.ts';
import type { WholeCluster } from './wholecluster.ts';

/** Opens it, waits until the program trusts it, and keeps it in use. @param admin headers of a user who may get everything. */
export async function openFrontProxySession(
  cluster: WholeCluster,
  admin: Readonly<Record<string, string>>,
): Promise<ClientHttp2Session> {
  // The program asks for nothing before it listens.
  await until('it listens', () => cluster.apiServer.requests.length > 0);
  const certificate = cluster.frontProxies.issue({ cn: 'front-proxy-client', usages: ['client'] });
  const session = await openSession(cluster.port, certificate);
  keepInUse(session, admin);
  const isTrusted = async () => (await ask2(session, '/status', admin)).status === 200;
  await waitFor('the program to know whom to trust', isTrusted, 60_000, 20);
  return session;
}
