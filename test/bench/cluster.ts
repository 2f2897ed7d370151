/** A kube-apiserver that knows the nodes of a fleet by their addresses, and the pods that run there. */
import type { Credentials } from '../conformance/credentials.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { aggregatedDiscovery } from '../fakes/discovery.ts';
import { hexId } from '../fakes/kubeletmodel.ts';
import { authenticationConfigMap, node, pod } from '../fakes/kubeobjects.ts';
import { addressOf, type Kind, nodeName } from './fleet.ts';
import { nodeModel } from './nodemodel.ts';

export interface Shape {
  readonly kind: Kind;
  readonly nodes: number;
  /** On each node. */
  readonly pods: number;
  /** The fleet's. */
  readonly port: number;
}

export async function createCluster(
  { kind, nodes, pods, port }: Shape,
  { clients, frontProxies }: Credentials,
): Promise<FakeApiServer> {
  const apiServer = await createFakeApiServer();
  // As of a kube-apiserver without WatchList: client-go then lists.
  apiServer.faults.answer = ({ query }) => (query.get('sendInitialEvents') === 'true' ? 422 : undefined);
  apiServer.reviews.access = () => ({ allowed: true });
  apiServer.objects.set(authenticationConfigMap({ clientCa: clients.cert, requestHeaderCa: frontProxies.cert }));
  // A server of custom metrics retries every 10 s without it, for as much CPU as 50 filtered scrapes of 30 pods.
  for (const [path, document] of aggregatedDiscovery()) apiServer.documents.set(path, document);
  for (let index = 0; index < nodes; index += 1) {
    const name = nodeName(index);
    const addresses = [{ type: 'InternalIP', address: addressOf(kind, index) }];
    apiServer.objects.set(node(name, { addresses, kubeletPort: port }));
    for (const [number, own] of nodeModel(name, pods, Date.now()).pods.entries()) {
      const labels = podLabels(number, index);
      apiServer.objects.set(pod(own.namespace, own.name, { uid: own.uid, labels, nodeName: name }));
    }
  }
  return apiServer;
}

/** Each node has a pod of every such app; there are as many Deployments of each as their replicas make necessary. */
export const deploymentName = (number: number): string => `shop-${number}`;
const replicas = 20;

/** As a Deployment's pods have them: all of its replicas the same. */
function podLabels(number: number, nodeIndex: number): Readonly<Record<string, string>> {
  return {
    app: deploymentName(number),
    'app.kubernetes.io/part-of': 'shop',
    'pod-template-hash': hexId(`${number}/${Math.floor(nodeIndex / replicas)}`).slice(0, 10),
  };
}
