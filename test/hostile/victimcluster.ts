/** The cluster that the attacked program serves: nodes, pods, and what kube-apiserver knows of callers. */
import type { Credentials } from '../conformance/credentials.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { createFakeKubelet } from '../fakes/kubelet.ts';
import { authenticationConfigMap, node, pod } from '../fakes/kubeobjects.ts';
import { steadyModel } from '../fakes/wholecluster.ts';
import { bystanderToken } from './bystander.ts';

/** Their phases differ, so that some are scraped twice within the first second. */
const goodNodes = 30;
const modelStepMs = 100;

/**
 * Starts kube-apiserver and a kubelet that stands for every node. Bystanders may read metrics, others may do nothing.
 * @param disposables ends what is started beside kube-apiserver.
 */
export async function createVictimCluster(
  { clients, frontProxies, kubelet: certificate }: Credentials,
  programToken: string,
  disposables: AsyncDisposableStack,
): Promise<FakeApiServer> {
  const apiServer = await createFakeApiServer();
  apiServer.objects.set(authenticationConfigMap({ clientCa: clients.cert, requestHeaderCa: frontProxies.cert }));
  apiServer.reviews.token = (token) =>
    token.startsWith(bystanderToken)
      ? { authenticated: true, user: { username: token } }
      : { user: {}, error: 'invalid bearer token' };
  apiServer.reviews.access = ({ user }) => ({
    allowed: typeof user === 'string' && /^(?:reviewed|bystander)-/.test(user),
  });
  const modelNow = steadyModel();
  const kubelet = disposables.use(
    await createFakeKubelet({ certificate, accepts: (token) => token === programToken, model: modelNow() }),
  );
  const moving = setInterval(() => (kubelet.model = modelNow()), modelStepMs);
  disposables.defer(() => clearInterval(moving));
  for (let index = 0; index < goodNodes; index += 1)
    apiServer.objects.set(node(`node-${index}`, { kubeletPort: kubelet.port }));
  for (const { namespace, name, uid } of kubelet.model.pods) {
    const identity = uid.includes('-') ? { uid } : { annotations: { 'kubernetes.io/config.hash': uid } };
    apiServer.objects.set(pod(namespace, name, { labels: { app: name }, nodeName: 'node-0', ...identity }));
  }
  return apiServer;
}
