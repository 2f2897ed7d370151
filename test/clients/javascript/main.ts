/** Prints as JSON what the JavaScript client reads of metrics.k8s.io, by its general API and by its own of v1beta1, and why it cannot watch. */
import { ApiException, CoreV1Api, CustomObjectsApi, KubeConfig, Metrics, topPods } from '@kubernetes/client-node';

const [kubeconfig = '', version = '', node = '', namespace = '', pod = ''] = process.argv.slice(2);
const config = new KubeConfig();
config.loadFromFile(kubeconfig);
const custom = config.makeApiClient(CustomObjectsApi);
const metrics = new Metrics(config);
const nodes = { group: 'metrics.k8s.io', version, plural: 'nodes' };
const pods = { ...nodes, plural: 'pods', namespace };

const answers = {
  CustomObjectsApi: {
    nodes: await custom.listClusterCustomObject(nodes),
    node: await custom.getClusterCustomObject({ ...nodes, name: node }),
    nodeWatch: await refusal(() => custom.listClusterCustomObject({ ...nodes, watch: true })),
    pods: await custom.listNamespacedCustomObject(pods),
    pod: await custom.getNamespacedCustomObject({ ...pods, name: pod }),
    podWatch: await refusal(() => custom.listNamespacedCustomObject({ ...pods, watch: true })),
  },
  Metrics: {
    nodes: await metrics.getNodeMetrics(),
    pods: await metrics.getPodMetrics(namespace),
    top: await topPods(config.makeApiClient(CoreV1Api), metrics, namespace),
  },
};
// What it computes of quantities may be a bigint, which JSON has not.
console.log(JSON.stringify(answers, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)));

/** The reason that the server gives for not answering. */
async function refusal(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    await ask();
  } catch (error) {
    if (error instanceof ApiException) return (JSON.parse(String(error.body)) as { reason: unknown }).reason;
    throw error;
  }
  return 'answered';
}
