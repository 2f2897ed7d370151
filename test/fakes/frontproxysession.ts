/** A session to a whole cluster as kube-apiserver's front proxy has one. */
import type { ClientHttp2Session } from 'node:http2';
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
  let status = 503;
  await until('it knows whom to trust', () => {
    void ask2(session, '/status', admin).then((answer) => (status = answer.status));
    return status === 200;
  });
  return session;
}
